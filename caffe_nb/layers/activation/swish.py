"""Swish: a value times its own logistic gate."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from caffe_nb.core.blob import Blob
from caffe_nb.core.layer import Layer
from caffe_nb.core.registry import register


@register("Swish")
class Swish(Layer):
    """Gate each value by itself: ``y = x * sigmoid(beta * x)``.

    One bottom of any shape, one top of the same shape, which may be the bottom itself.

    Parameters of ``swish_param``: ``beta`` (default 1).

    Notes
    -----
    Equals Caffe's Swish layer. The gradient is found from the top and the gates of the last forward.

    References
    ----------
    Ramachandran, Zoph and Le, "Searching for activation functions", 2017.
    """

    bottoms_needed = (1, 1)
    tops_allowed = (1, 1)
    in_place = True

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Read beta."""
        self._beta = float(self.layer_param.swish_param.beta)
        self._gates = Blob(dtype=self.dtype)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Give the top, and the gates, the bottom's shape."""
        top[0].reshape_like(bottom[0])
        self._gates.reshape_like(bottom[0])

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the gated values."""
        x, gates = bottom[0].const_array, self._gates.array
        np.multiply(x, 0.5 * self._beta, out=gates)
        np.tanh(gates, out=gates)
        gates *= 0.5
        gates += 0.5
        np.multiply(x, gates, out=top[0].array)

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        """Write the top's diff times ``beta * y + gate * (1 - beta * y)``."""
        if not propagate_down[0]:
            return
        scaled = top[0].const_array * self._beta
        slope = 1 - scaled
        slope *= self._gates.const_array
        slope += scaled
        np.multiply(top[0].const_diff_array, slope, out=bottom[0].diff_array)
