"""Threshold: whether a value exceeds a bound."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from caffe_nb.core.blob import Blob
from caffe_nb.core.layer import Layer
from caffe_nb.core.registry import register
from caffe_nb.errors import NetError


@register("Threshold")
class Threshold(Layer):
    """Write 1 where the bottom exceeds the threshold, 0 elsewhere.

    One bottom of any shape, one top of the same shape, which may be the bottom itself.

    Parameters of ``threshold_param``: ``threshold`` (default 0).

    Raises
    ------
    NetError
        At backward, when a gradient is asked for: a step has none.

    Notes
    -----
    Equals Caffe's Threshold layer.
    """

    bottoms_needed = (1, 1)
    tops_allowed = (1, 1)
    in_place = True
    label_bottoms = (0,)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Give the top the bottom's shape."""
        top[0].reshape_like(bottom[0])

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the comparisons."""
        x, y = bottom[0].const_array, top[0].array
        np.greater(x, self.layer_param.threshold_param.threshold, out=y, casting="unsafe")

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        """Refuse to compute a gradient."""
        if propagate_down[0]:
            raise NetError("a threshold has no gradient; set propagate_down: false, or use Sigmoid for a soft step")
