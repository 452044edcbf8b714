"""Pooling."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from caffe_nb.core.blob import Blob
from caffe_nb.core.layer import Layer, Phase
from caffe_nb.core.registry import register
from caffe_nb.errors import NetError, ShapeError
from caffe_nb.ops import pooling
from caffe_nb.ops.window import Window


@register("Pooling")
class Pooling(Layer):
    """Reduce each window of an image to one number (Caffe's Pooling).

    The bottom is ``(N, C, H, W)``. `pool` MAX takes the largest value, AVE the mean (padding counts as zeros), and
    STOCHASTIC a value drawn in proportion to itself in training and the mean weighted by the values in testing.
    A second top of MAX and STOCHASTIC is the mask: for each result the pixel it came from, ``y * W + x``.

    The output extent is ``(length + 2 pad - kernel) / stride + 1``, rounded up (`round_mode` FLOOR: down); with
    padding, a last window that would start beyond the image is left out. `global_pooling` takes the whole image as the
    window.
    """

    bottoms_needed = (1, 1)
    tops_allowed = (1, 2)

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Check the settings."""
        param = self.layer_param.pooling_param
        if any(blob is bottom[0] for blob in top):
            raise NetError("pooling cannot be done in place; give its top a name of its own")
        if len(top) > 1 and param.pool == param.AVE:
            raise NetError("a second top is the mask of MAX pooling; AVE pooling has one top")
        self._stride = self._setting("stride", "stride_h", "stride_w")
        self._pad = self._setting("pad", "pad_h", "pad_w")
        self._kernel: tuple[int, ...] | None = None
        self._mask = np.empty(0, np.int32)
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
        if any(self._pad) and param.pool == param.STOCHASTIC:
            raise NetError("STOCHASTIC pooling does not take a pad; MAX and AVE do")
        if any(pad >= kernel for pad, kernel in zip(self._pad, self._kernel, strict=True)):
            raise NetError(f"pad must be less than the kernel, got pad {self._pad} and kernel {self._kernel}")

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Give the tops the shape of the grid of windows."""
        if bottom[0].ndim != 4:
            raise ShapeError(f"pooling needs a bottom of 4 axes, (N, C, H, W), got shape {bottom[0].shape}")
        param = self.layer_param.pooling_param
        spatial = bottom[0].shape[2:]
        self._window = Window(self._kernel or spatial, self._stride, self._pad, (1, 1))
        shape = bottom[0].shape[:2] + pooling.pooled_shape(spatial, self._window, param.round_mode == param.CEIL)
        for blob in top:
            blob.reshape(*shape)
        if param.pool != param.AVE and self._mask.shape != shape:
            self._mask = np.full(shape, -1, np.int32)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Compute the tops."""
        param = self.layer_param.pooling_param
        images: Any = bottom[0].const_data
        if param.pool == param.AVE:
            pooling.average_pool(images, self._window, top[0].data)
            return
        if param.pool == param.MAX:
            pooling.max_pool(images, self._window, top[0].data, self._mask)
        elif self.phase == Phase.TEST:
            pooling.expected_pool(images, self._window, top[0].data)
        else:
            pooling.stochastic_pool(images, self._window, top[0].data, self._mask)
        if len(top) > 1:
            top[1].data[...] = self._mask

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        """Write the bottom's diff."""
        if not propagate_down[0]:
            return
        param = self.layer_param.pooling_param
        if param.pool == param.AVE:
            pooling.average_gradient(top[0].const_diff, self._window, bottom[0].diff)
            return
        if param.pool == param.STOCHASTIC and self.phase == Phase.TEST:
            raise NetError("STOCHASTIC pooling has no gradient in the TEST phase")
        pooling.scatter(top[0].const_diff, self._mask, bottom[0].diff)

    def _setting(self, both: str, high: str, wide: str) -> tuple[int, int]:
        """Return a setting along height and width, given as one number or as two."""
        param: Any = self.layer_param.pooling_param
        sides = [param.HasField(high), param.HasField(wide)]
        if any(sides) and (param.HasField(both) or not all(sides)):
            raise NetError(f"give either {both} or both {high} and {wide}")
        return (getattr(param, high), getattr(param, wide)) if any(sides) else (getattr(param, both),) * 2
