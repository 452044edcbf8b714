"""Slice: a blob cut into several along an axis."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from caffe_nb.core.blob import Array, Blob
from caffe_nb.core.layer import Layer
from caffe_nb.core.registry import register
from caffe_nb.errors import NetError, ShapeError


@register("Slice")
class Slice(Layer):
    """Cut the bottom along an axis, one part for each top; the opposite of Concat.

    One bottom, one or more tops of its shape but for the axis. A single top shares the bottom's values.

    Parameters of ``slice_param``: ``axis`` (default 1, negative ones count from the end), or the older ``slice_dim``
    (default 1) instead; ``slice_point``, where each part but the first begins, growing; without them the parts are of
    equal length.

    Raises
    ------
    NetError
        At setup, when both names of the axis are given, or the points are not one less than the tops or do not grow.
    ShapeError
        At reshape, when the axis does not exist, cannot be cut into equal parts, or is shorter than a point.

    Notes
    -----
    Equals Caffe's Slice layer.
    """

    bottoms_needed = (1, 1)
    tops_allowed = (1, None)

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Read axis and points."""
        param = self.layer_param.slice_param
        if param.HasField("axis") and param.HasField("slice_dim"):
            raise NetError("slice_param has both axis and slice_dim, which mean the same; keep axis")
        self._given_axis = int(param.slice_dim if param.HasField("slice_dim") else param.axis)
        points = self._points = [int(point) for point in param.slice_point]
        if points and len(points) != len(top) - 1:
            raise NetError(
                f"slice_param: {len(points)} slice_point(s) make {len(points) + 1} parts, but there are {len(top)} tops"
            )
        if any(a >= b for a, b in pairwise([0, *points])):
            raise NetError(f"slice_param: each slice_point must be greater than 0 and the one before, got {points}")

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Give each top the shape of its part; a single one gets the bottom's memory."""
        shape = bottom[0].shape
        axis = self._axis = bottom[0].axis(self._given_axis)
        length = shape[axis]
        if self._points:
            if self._points[-1] > length or len(top) > length:
                raise ShapeError(
                    f"slice_param: slice_point {self._points} is for {len(top)} parts of an axis longer than "
                    f"{self._points[-1]}; axis {axis} of a bottom of shape {shape} has length {length}"
                )
            bounds = [0, *self._points, length]
        else:
            if length % len(top):
                raise ShapeError(
                    f"axis {axis} of a bottom of shape {shape} cannot be cut into {len(top)} equal parts; give "
                    "slice_point, or another number of tops"
                )
            bounds = [index * (length // len(top)) for index in range(len(top) + 1)]
        self._ends = bounds[1:-1]
        for y, (begin, end) in zip(top, pairwise(bounds), strict=True):
            y.reshape(*shape[:axis], end - begin, *shape[axis + 1 :])
        if len(top) == 1:
            top[0].share_data(bottom[0])

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Copy each part."""
        if len(top) > 1:
            parts: list[Array] = np.split(bottom[0].const_array, self._ends, axis=self._axis)
            for y, part in zip(top, parts, strict=True):
                np.copyto(y.array, part)

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        """Copy the tops' diffs to their places."""
        if propagate_down[0]:
            np.concatenate([y.const_diff_array for y in top], axis=self._axis, out=bottom[0].diff_array)
