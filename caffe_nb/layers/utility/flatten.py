"""Flatten: several axes to one."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np

from caffe_nb.core.blob import Blob
from caffe_nb.core.layer import Layer
from caffe_nb.core.registry import register
from caffe_nb.errors import ShapeError


@register("Flatten")
class Flatten(Layer):
    """Take the axes from `axis` to `end_axis` together into one; by default (N, C, H, W) becomes (N, C * H * W).

    One bottom, one top that shares the bottom's values, so that nothing is copied forward.

    Parameters of ``flatten_param``: ``axis`` (default 1) and ``end_axis`` (default -1, the last one), both inclusive,
    negative ones count from the end. An `end_axis` right before `axis` inserts an axis of length 1 there.

    Raises
    ------
    ShapeError
        At reshape, when the bottom has no such axis, or `end_axis` lies further before `axis`.

    Notes
    -----
    Equals Caffe's Flatten layer.

    Deviations
    ----------
    The gradient is copied; in Caffe the bottom shares the top's, also where none is asked for.
    """

    bottoms_needed = (1, 1)
    tops_allowed = (1, 1)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Give the top its shape and the bottom's memory."""
        param = self.layer_param.flatten_param
        shape = bottom[0].shape
        first, last = bottom[0].axis(param.axis), bottom[0].axis(param.end_axis)
        if last < first - 1:
            raise ShapeError(
                f"flatten_param: end_axis {param.end_axis} lies before axis {param.axis} in a bottom of shape {shape}"
            )
        top[0].reshape(*shape[:first], prod(shape[first : last + 1]), *shape[last + 1 :])
        top[0].share_data(bottom[0])

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        """Write the top's diff in the bottom's shape."""
        if propagate_down[0]:
            # Copied, not shared: the bottom's diff has to stay as it is where no gradient is asked for.
            np.copyto(bottom[0].diff_array, top[0].const_diff_array.reshape(bottom[0].shape))
