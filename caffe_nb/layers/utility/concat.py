"""Concat: one blob after the other along an axis."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

import numpy as np

from caffe_nb.core.blob import Array, Blob
from caffe_nb.core.layer import Layer
from caffe_nb.core.registry import register
from caffe_nb.errors import NetError, ShapeError


@register("Concat")
class Concat(Layer):
    """Join the bottoms along an axis.

    Bottoms: one or more, equal in shape but for the axis. Top: their shape, with the sum of the lengths along the axis.

    Parameters of ``concat_param``: ``axis`` (default 1, negative ones count from the end), or the older ``concat_dim``
    (default 1) instead.

    Raises
    ------
    NetError
        At setup, when both parameters are given.
    ShapeError
        At reshape, when the shapes differ elsewhere.

    Notes
    -----
    Equals Caffe's Concat layer.

    Deviations
    ----------
    A single bottom is copied; Caffe lets the top share its memory.
    """

    bottoms_needed = (1, None)
    tops_allowed = (1, 1)

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Read the axis."""
        param = self.layer_param.concat_param
        if param.HasField("axis") and param.HasField("concat_dim"):
            raise NetError("concat_param has both axis and concat_dim, which mean the same; keep axis")
        self._given_axis = int(param.concat_dim if param.HasField("concat_dim") else param.axis)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Check that the bottoms fit, and add up their lengths."""
        shape = bottom[0].shape
        axis = self._axis = bottom[0].axis(self._given_axis)
        for index, blob in enumerate(bottom[1:], 1):
            other = blob.shape
            if len(other) != len(shape) or other[:axis] + other[axis + 1 :] != shape[:axis] + shape[axis + 1 :]:
                raise ShapeError(
                    f"the bottoms must have the same shape but for axis {axis}; bottom[0] is {shape}, bottom[{index}] "
                    f"is {other}"
                )
        top[0].reshape(*shape[:axis], sum(blob.shape[axis] for blob in bottom), *shape[axis + 1 :])

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Copy each bottom to its place."""
        np.concatenate([blob.const_array for blob in bottom], axis=self._axis, out=top[0].array)

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        """Copy each bottom's part of the top's diff back."""
        ends = list(accumulate(blob.shape[self._axis] for blob in bottom))
        parts: list[Array] = np.split(top[0].const_diff_array, ends[:-1], axis=self._axis)
        for blob, part, wanted in zip(bottom, parts, propagate_down, strict=True):
            if wanted:
                np.copyto(blob.diff_array, part)
