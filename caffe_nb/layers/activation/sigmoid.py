"""Sigmoid: the logistic function."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from caffe_nb.core.blob import Blob
from caffe_nb.core.layer import Layer
from caffe_nb.core.registry import register


@register("Sigmoid")
class Sigmoid(Layer):
    """Squash to (0, 1): ``y = 1 / (1 + exp(-x))``.

    One bottom of any shape, one top of the same shape, which may be the bottom itself. No parameters that have an
    effect (``sigmoid_param { engine }`` is read).

    Notes
    -----
    Equals Caffe's Sigmoid layer: computed as ``0.5 * tanh(0.5 * x) + 0.5``, which never overflows. The gradient is
    found from the top, ``y * (1 - y)``.
    """

    bottoms_needed = (1, 1)
    tops_allowed = (1, 1)
    in_place = True

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Give the top the bottom's shape."""
        top[0].reshape_like(bottom[0])

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the logistic function of the bottom."""
        y = top[0].array
        np.multiply(bottom[0].const_array, 0.5, out=y)
        np.tanh(y, out=y)
        y *= 0.5
        y += 0.5

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        """Write the top's diff times ``y * (1 - y)``."""
        if not propagate_down[0]:
            return
        y = top[0].const_array
        slope = 1 - y
        slope *= y
        np.multiply(top[0].const_diff_array, slope, out=bottom[0].diff_array)
