"""PReLU: a ReLU whose negative slope is learned."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np

from caffe_nb.core.blob import Array, Blob
from caffe_nb.core.fillers import fill
from caffe_nb.core.layer import Layer
from caffe_nb.core.registry import register
from caffe_nb.errors import ShapeError
from caffe_nb.layers.kept import Kept
from caffe_nb.proto import caffe_pb2


@register("PReLU")
class PReLU(Layer):
    """Scale what is negative by a learned slope: ``y = max(0, x) + slope * min(0, x)``.

    One bottom ``(N, C, ...)``, one top of the same shape, which may be the bottom itself. Its parameter holds one slope
    for each of the C channels, shape ``(C,)``, or one for all of them, a scalar.

    Parameters of ``prelu_param``: ``filler`` (default constant 0.25), ``channel_shared`` (default false).

    Raises
    ------
    ShapeError
        For a bottom of fewer than two axes, or, at a later reshape, of another number of channels.

    Notes
    -----
    Equals Caffe's PReLU layer; the slope at exactly 0 is the learned one. In place, a copy of the bottom is kept.

    References
    ----------
    He, Zhang, Ren and Sun, "Delving deep into rectifiers", 2015.
    """

    bottoms_needed = (1, 1)
    tops_allowed = (1, 1)
    in_place = True

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Make and fill the slopes."""
        param = self.layer_param.prelu_param
        shape = _needs_channels(bottom[0])
        slopes = self.blobs.add_blob(*(() if param.channel_shared else (shape[1],)))
        fill(slopes, param.filler if param.HasField("filler") else caffe_pb2.FillerParameter(value=0.25))
        self.param_propagate_down = [True]
        self._kept = Kept(self.dtype)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Give the top the bottom's shape."""
        shape, slopes = _needs_channels(bottom[0]), self.blobs[0].shape
        if slopes and slopes[0] != shape[1]:
            raise ShapeError(f"there are slopes for {slopes[0]} channels, but the bottom {shape} has {shape[1]}")
        top[0].reshape_like(bottom[0])
        self._kept.fit(bottom[0], top[0])

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the rectified values."""
        x, y = self._kept.store(bottom[0], top[0]), top[0].array
        negative = np.minimum(_planes(x), 0)
        negative *= self._slopes()
        np.maximum(x, 0, out=y)
        _planes(y)[...] += negative

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        """Add to the slopes' diffs, and write the bottom's."""
        x, dy = _planes(self._kept.values(bottom[0], top[0])), _planes(top[0].const_diff_array)
        if self.param_propagate_down[0]:
            product = np.minimum(x, 0)
            product *= dy
            self.blobs[0].diff_array += product.sum(axis=(0, 2) if self.blobs[0].ndim else None)
        if propagate_down[0]:
            slope = np.where(x > 0, self.dtype.type(1), self._slopes())
            np.multiply(dy, slope, out=_planes(bottom[0].diff_array))

    def _slopes(self) -> Array:
        values: Array = self.blobs[0].const_array.reshape(-1, 1)
        return values


def _needs_channels(bottom: Blob) -> tuple[int, ...]:
    if bottom.ndim < 2:
        raise ShapeError(f"PReLU needs a bottom with channels, (N, C, ...), got shape {bottom.shape}")
    return bottom.shape


def _planes(array: Array) -> Array:
    """Return ``(N, C, values)``, a view."""
    return array.reshape(*array.shape[:2], prod(array.shape[2:]))
