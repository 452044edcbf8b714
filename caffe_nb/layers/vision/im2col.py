"""Im2col."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from caffe_nb.core.blob import Blob
from caffe_nb.core.layer import Layer
from caffe_nb.core.registry import register
from caffe_nb.errors import ShapeError
from caffe_nb.layers.vision.windows import window_of
from caffe_nb.ops.im2col import col2im, im2col

Array = NDArray[Any]


@register("Im2col")
class Im2col(Layer):
    """Lay out what a sliding window sees as channels: the first half of a convolution.

    The bottom is ``(N, C, *spatial)`` with any number of spatial axes, the top ``(N, C * kernel pixels, *output)``:
    for every channel, and in it every tap of the kernel row by row, the pixel that each window has there, or 0 in the
    padding.

    Settings in ``convolution_param``: `kernel_size`, `stride`, `pad`, `dilation` and their ``_h`` and ``_w`` forms as
    for Convolution; `axis` (default 1) is where the channels stand. The output extents are those of Convolution.
    `force_nd_im2col` chooses between equal computations in Caffe and changes nothing here.

    Raises
    ------
    NetError
        At setup, for settings that Convolution refuses too.
    ShapeError
        For a bottom without spatial axes, one with other axes than at setup, or a kernel that does not fit.
    """

    bottoms_needed = (1, 1)
    tops_allowed = (1, 1)

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Check the settings."""
        param = self.layer_param.convolution_param
        self._axis = bottom[0].axis(param.axis)
        axes = bottom[0].ndim - self._axis - 1
        if axes < 1:
            raise ShapeError(
                f"there must be at least one spatial axis after axis {self._axis}, got a bottom of shape"
                f" {bottom[0].shape}"
            )
        self._window = window_of(param, axes)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Give the top the shape of the columns."""
        shape = bottom[0].shape
        if len(shape) != self._axis + 1 + len(self._window.kernel):
            raise ShapeError(
                f"the window is for {self._axis + 1 + len(self._window.kernel)} axes, got a bottom of shape {shape}"
            )
        self._grid = self._window.output_shape(shape[self._axis + 1 :])
        top[0].reshape(*shape[: self._axis], shape[self._axis] * self._window.taps, *self._grid)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the columns."""
        images = self._images(bottom[0].const_array)
        im2col(images, self._window, self._columns(top[0].array, images.shape))

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        """Add the columns' diffs up into the pixels they came from."""
        if propagate_down[0]:
            images = self._images(bottom[0].diff_array)
            col2im(self._columns(top[0].const_diff_array, images.shape), self._window, images.shape[2:], images)

    def _images(self, array: Array) -> Array:
        """Return the array as ``(N, C, *spatial)``, whatever stands before the channels."""
        return array.reshape(prod(array.shape[: self._axis]), *array.shape[self._axis :])

    def _columns(self, array: Array, images: tuple[int, ...]) -> Array:
        """Return the top's array as `caffe_nb.ops.im2col` has it, ``(C, *kernel, N, *output)``, a view."""
        view = array.reshape(*images[:2], *self._window.kernel, *self._grid)
        return np.moveaxis(view, 0, 1 + len(self._window.kernel))
