"""Softmax: scores to probabilities."""

from __future__ import annotations

from collections.abc import Sequence

from caffe_nb.core.blob import Blob
from caffe_nb.core.layer import Layer
from caffe_nb.core.registry import register
from caffe_nb.ops import softmax as ops


@register("Softmax")
class Softmax(Layer):
    """Make scores into probabilities that sum to 1 along an axis: ``y = exp(x) / sum(exp(x))``.

    One bottom of any shape, one top of the same shape, which may be the bottom itself.

    Parameters of ``softmax_param``: ``axis`` (default 1, negative ones count from the end). ``engine`` is read and has
    no effect.

    Raises
    ------
    ShapeError
        At reshape, when the bottom has no such axis.

    Notes
    -----
    Equals Caffe's Softmax layer; the largest score is subtracted first, so that nothing overflows.
    """

    bottoms_needed = (1, 1)
    tops_allowed = (1, 1)
    in_place = True

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Give the top the bottom's shape."""
        self._axis = bottom[0].axis(self.layer_param.softmax_param.axis)
        top[0].reshape_like(bottom[0])

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the probabilities."""
        ops.softmax(bottom[0].const_array, self._axis, out=top[0].array)

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        """Write ``y * (dy - sum(y * dy))``."""
        if propagate_down[0]:
            ops.softmax_gradient(top[0].const_array, top[0].const_diff_array, self._axis, out=bottom[0].diff_array)
