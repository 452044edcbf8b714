"""Pooling."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from caffe_nb.core.blob import Blob
from caffe_nb.core.layer import Layer
from caffe_nb.core.registry import register
from caffe_nb.errors import NetError, ShapeError
from caffe_nb.layers.vision.pool import Method, Pool
from caffe_nb.ops.window import Window


@register("Pooling")
class Pooling(Layer):
    """Reduce each window of an image to one number (Caffe's Pooling).

    The bottom is ``(N, C, H, W)``. `pool` MAX takes the largest value, AVE the mean (padding counts as zeros), and
    STOCHASTIC a value drawn in proportion to itself in training and the mean weighted by the values in testing.
    A second top of MAX and STOCHASTIC is the mask: for each result the pixel it came from, ``y * W + x``.

    The output extent is ``(length + 2 pad - kernel) / stride + 1``, rounded up (`round_mode` FLOOR, or
    `ceil_mode: false` as forks say it: down); with padding, a last window that would start beyond the image is left
    out. `global_pooling` takes the whole image as the window. `engine` chooses between equal computations in Caffe and
    changes nothing here.

    Notes
    -----
    Source of STOCHASTIC: Zeiler and Fergus, Stochastic Pooling, 2013.

    Deviations
    ----------
    STOCHASTIC runs on the CPU too, where Caffe has it on the GPU only, and takes a second top. MAX gives NaN where a
    window has one; Caffe passes over it. AVE of a window that sees nothing is 0.
    """

    bottoms_needed = (1, 1)
    tops_allowed = (1, 2)

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Check the settings."""
        param = self.layer_param.pooling_param
        if any(blob is bottom[0] for blob in top):
            raise NetError("pooling cannot be done in place; give its top a name of its own")
        self._pool = Pool(Method(param.pool), self.phase)
        if len(top) > 1 and self._pool.method == Method.AVE:
            raise NetError("a second top is the mask of MAX pooling; AVE pooling has one top")
        self._ceil = param.round_mode == param.CEIL and param.ceil_mode
        if param.HasField("round_mode") and param.HasField("ceil_mode") and self._ceil != param.ceil_mode:
            raise NetError("round_mode and ceil_mode say the same thing and disagree; leave one of them out")
        self._stride = self._setting("stride", "stride_h", "stride_w")
        self._pad = self._setting("pad", "pad_h", "pad_w")
        self._kernel: tuple[int, ...] | None = None
        if param.global_pooling:
            if any(param.HasField(name) for name in ("kernel_size", "kernel_h", "kernel_w")):
                raise NetError("global_pooling takes the whole image as its window; leave out the kernel")
            if self._pad != (0, 0) or self._stride != (1, 1):
                raise NetError("global_pooling needs pad 0 and stride 1")
            return
        self._kernel = self._setting("kernel_size", "kernel_h", "kernel_w")
        if 0 in self._kernel or 0 in self._stride:
            raise NetError(
                f"kernel and stride must be at least 1, got kernel {self._kernel} and stride {self._stride};"
                " give kernel_size, or kernel_h and kernel_w, or global_pooling: true"
            )
        self._pool.check(Window(self._kernel, self._stride, self._pad, (1, 1)))

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Give the tops the shape of the grid of windows."""
        if bottom[0].ndim != 4:
            raise ShapeError(f"pooling needs a bottom of 4 axes, (N, C, H, W), got shape {bottom[0].shape}")
        window = Window(self._kernel or bottom[0].shape[2:], self._stride, self._pad, (1, 1))
        shape = self._pool.reshape(bottom[0].shape, window, self._ceil)
        for blob in top:
            blob.reshape(*shape)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Compute the tops."""
        self._pool.forward(bottom[0].const_array, top[0].array)
        if len(top) > 1:
            top[1].array[...] = self._pool.mask.const_array

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        """Write the bottom's diff."""
        if propagate_down[0]:
            self._pool.backward(top[0].const_diff_array, bottom[0].diff_array)

    def _setting(self, both: str, high: str, wide: str) -> tuple[int, int]:
        """Return a setting along height and width, given as one number or as two."""
        param: Any = self.layer_param.pooling_param
        sides = [param.HasField(high), param.HasField(wide)]
        if any(sides) and (param.HasField(both) or not all(sides)):
            raise NetError(f"give either {both} or both {high} and {wide}")
        return (getattr(param, high), getattr(param, wide)) if any(sides) else (getattr(param, both),) * 2
