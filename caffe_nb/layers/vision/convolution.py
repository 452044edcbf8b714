"""Convolution."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from numpy.typing import NDArray

from caffe_nb.core.blob import Blob
from caffe_nb.core.fillers import fill
from caffe_nb.core.layer import Layer
from caffe_nb.core.registry import register
from caffe_nb.errors import NetError, ShapeError
from caffe_nb.layers.vision.windows import check_columns, window_of
from caffe_nb.ops import channels, convolution
from caffe_nb.ops.rectify import rectify_gradient

Array = NDArray[Any]


@register("Convolution")
class Convolution(Layer):
    """Correlate images with learned kernels and add a learned bias (Caffe's Convolution).

    Bottoms are ``(N, C, *spatial)`` with any number of spatial axes, all of one shape; each gives a top
    ``(N, num_output, *output)``. With `axis` the channels stand elsewhere and what stands before counts as images.
    Parameters are the kernels ``(num_output, C / group, *kernel)`` and, with `bias_term`, the bias ``(num_output,)``.

    The output extent is ``(length + 2 pad - dilation (kernel - 1) - 1) / stride + 1``, rounded down. `engine` and
    `force_nd_im2col` choose between equal computations in Caffe and change nothing here.

    Deviations
    ----------
    In place is refused, where Caffe computes garbage.
    """

    bottoms_needed = (1, None)
    tops_allowed = (1, None)
    equal_bottoms_tops = True

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Check the settings, make and fill the parameters."""
        param = self.layer_param.convolution_param
        if any(blob is other for blob in top for other in bottom):
            raise NetError(f"a {self.type.lower()} cannot be done in place; give its top a name of its own")
        self._axis = bottom[0].axis(param.axis)
        self._groups = param.group
        self._window = window_of(param, bottom[0].ndim - self._axis - 1)
        self._channels = bottom[0].shape[self._axis]
        maps = param.num_output
        if maps < 1 or self._groups < 1:
            raise NetError(f"num_output and group must be at least 1, got num_output {maps} and group {self._groups}")
        if self._channels % self._groups or maps % self._groups:
            raise NetError(
                f"group ({self._groups}) must divide both the channels ({self._channels}) and num_output ({maps})"
            )
        fill(self.blobs.add_blob(*self._kernels(), *self._window.kernel), param.weight_filler)
        if param.bias_term:
            fill(self.blobs.add_blob(maps), param.bias_filler)
        self.param_propagate_down = [True] * len(self.blobs)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Give every top the shape of the grid of windows."""
        shape = bottom[0].shape
        axes = self._axis + 1 + len(self._window.kernel)
        if len(shape) != axes or shape[self._axis] != self._channels:
            raise ShapeError(
                f"the kernels are for {axes} axes with {self._channels} channels on axis {self._axis}, got a bottom of"
                f" shape {shape}"
            )
        for index, blob in enumerate(bottom):
            if blob.shape != shape:
                raise ShapeError(f"all bottoms must have one shape, got {shape} for bottom 0, {blob.shape} for {index}")
        output = self._output(shape[self._axis + 1 :])
        for blob in top:
            blob.reshape(*shape[: self._axis], self.layer_param.convolution_param.num_output, *output)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Compute the tops."""
        self.compute(bottom, top)

    def compute(self, bottom: Sequence[Blob], top: Sequence[Blob], slope: float | None = None) -> None:
        """Do `forward`, and with a slope what a ReLU does in place behind it."""
        weight = self.blobs[0].const_array
        bias = self.blobs[1].const_array if len(self.blobs) > 1 else None
        for source, target in zip(bottom, top, strict=True):
            out = self._images(target.array)
            convolution.convolve(self._images(source.const_array), weight, bias, self._window, self._groups, out, slope)

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        """Add to the parameters' diffs and write the bottoms'."""
        self.gradients(top, propagate_down, bottom)

    def gradients(
        self,
        top: Sequence[Blob],
        propagate_down: Sequence[bool],
        bottom: Sequence[Blob],
        slope: float | None = None,
    ) -> None:
        """Do `backward`, and with a slope before it what a ReLU does in place."""
        weight = self.blobs[0].const_array
        for index, (source, target) in enumerate(zip(bottom, top, strict=True)):
            self._add_bias_gradient(target, slope)
            gradient = self._images(target.const_diff_array)
            d_weight = self.blobs[0].diff_array if self.param_propagate_down[0] else None
            d_images = self._images(source.diff_array) if propagate_down[index] else None
            images = self._images(source.const_array)
            convolution.gradients(images, gradient, weight, self._window, self._groups, d_weight, d_images)

    def _kernels(self) -> tuple[int, int]:
        """Return the first two extents of the kernels."""
        return self.layer_param.convolution_param.num_output, self._channels // self._groups

    def _output(self, spatial: tuple[int, ...]) -> tuple[int, ...]:
        """Return the extents of the output."""
        output = self._window.output_shape(spatial)
        check_columns(self._window, self._channels, output)
        return output

    def _add_bias_gradient(self, top: Blob, slope: float | None = None) -> None:
        """Add to the bias's diff what comes from a top, whose diff goes through its rectifier first, if it has one."""
        if len(self.blobs) > 1 and self.param_propagate_down[1]:
            planes = prod(top.shape[: self._axis]), top.shape[self._axis], prod(top.shape[self._axis + 1 :])
            above = top.const_diff_array if slope is None else top.diff_array
            sums = channels.offset_gradient(above.reshape(planes), top.const_array.reshape(planes), slope)
            self.blobs[1].diff_array += sums
        elif slope is not None:
            rectify_gradient(top.const_array, top.const_diff_array, slope, top.diff_array)

    def _images(self, array: Array) -> Array:
        """Return the array as ``(N, C, *spatial)``, whatever stands before the channels."""
        return array.reshape(prod(array.shape[: self._axis]), *array.shape[self._axis :])
