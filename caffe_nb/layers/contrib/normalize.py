"""Normalize: scaled to length 1, then by a learned factor."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from caffe_nb.core.blob import Array, Blob
from caffe_nb.core.fillers import fill
from caffe_nb.core.layer import Layer
from caffe_nb.core.registry import register
from caffe_nb.errors import ShapeError
from caffe_nb.proto import caffe_pb2


@register("Normalize")
class Normalize(Layer):
    """Divide by the length of the vector at every pixel, or of the whole item, and multiply by a learned factor.

    The bottom is ``(N, C, ...)``, the top has its shape. The length is ``sqrt(sum of squares + eps)``, over the whole
    item with `across_spatial`, else over the channels of each pixel. The one parameter is the factor: a scalar with
    `channel_shared`, else one a channel, filled by `scale_filler` (1 by default).

    Raises
    ------
    ShapeError
        For a bottom without channels, or of other channels than at setup.

    Notes
    -----
    Source: Liu et al., "ParseNet: Looking wider to see better", 2015, and SSD's fork.

    Deviations
    ----------
    With a factor for each channel the gradient is the derivative; SSD's fork leaves the factors out of one of its
    sums, which is the same only while they are equal.
    """

    bottoms_needed = (1, 1)
    tops_allowed = (1, 1)

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Make the factor."""
        param = self.layer_param.norm_param
        _check(bottom[0])
        self._eps = self.dtype.type(param.eps)
        self._channels = bottom[0].shape[1]
        factor = self.blobs.add_blob(*(() if param.channel_shared else (self._channels,)))
        one = caffe_pb2.FillerParameter(type="constant", value=1)
        fill(factor, param.scale_filler if param.HasField("scale_filler") else one)
        self.param_propagate_down = [True]

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Give the top the bottom's shape."""
        _check(bottom[0])
        if bottom[0].shape[1] != self._channels:
            raise ShapeError(f"the factors are for {self._channels} channels, got a bottom of shape {bottom[0].shape}")
        axes = range(1, bottom[0].ndim)
        self._axes = tuple(axes) if self.layer_param.norm_param.across_spatial else (1,)
        self._column = (-1, *[1] * (len(axes) - 1))
        top[0].reshape_like(bottom[0])

    def _length(self, x: Array) -> Array:
        length: Array = np.sqrt((x * x).sum(self._axes, keepdims=True) + self._eps)
        return length

    def _factor(self) -> Array:
        values: Array = self.blobs[0].const_array.reshape(self._column)
        return values

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Normalize and scale."""
        x = bottom[0].const_array
        top[0].array[...] = x / self._length(x) * self._factor()

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        """Add to the factor's diff and write the bottom's."""
        x, gradient = bottom[0].const_array, top[0].const_diff_array
        length = self._length(x)
        unit = x / length
        if self.param_propagate_down[0]:
            slopes = (gradient * unit).sum((0, *range(2, unit.ndim)))
            self.blobs[0].diff_array[...] += slopes if self.blobs[0].ndim else slopes.sum()
        if propagate_down[0]:
            scaled = gradient * self._factor()
            bottom[0].diff_array[...] = (scaled - unit * (scaled * unit).sum(self._axes, keepdims=True)) / length


def _check(bottom: Blob) -> None:
    if bottom.ndim < 2:
        raise ShapeError(f"Normalize needs a bottom of items and channels, (N, C, ...), got shape {bottom.shape}")
