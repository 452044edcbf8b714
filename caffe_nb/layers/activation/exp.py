"""Exp: a power of the base."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from caffe_nb.core.blob import Blob
from caffe_nb.core.layer import Layer
from caffe_nb.core.registry import register
from caffe_nb.layers.activation.base import log_of_base


@register("Exp")
class Exp(Layer):
    """Raise a base: ``y = base ^ (shift + scale * x)``.

    One bottom of any shape, one top of the same shape, which may be the bottom itself.

    Parameters of ``exp_param``: ``base`` (default -1, which stands for e; otherwise positive), ``scale`` (default 1),
    ``shift`` (default 0).

    Raises
    ------
    NetError
        At setup, for a base that is neither -1 nor positive.

    Notes
    -----
    Equals Caffe's Exp layer. The gradient is found from the top.
    """

    bottoms_needed = (1, 1)
    tops_allowed = (1, 1)
    in_place = True

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Read base, scale and shift."""
        param = self.layer_param.exp_param
        log_base = log_of_base(param.base)
        self._inner = log_base * param.scale
        with np.errstate(over="ignore"):  # a base and a shift that give infinity do so in Caffe too
            self._outer = float(np.exp(log_base * param.shift))

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Give the top the bottom's shape."""
        top[0].reshape_like(bottom[0])

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the powers."""
        y = top[0].array
        np.multiply(bottom[0].const_array, self._inner, out=y)
        np.exp(y, out=y)
        if self._outer != 1:
            y *= self._outer

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        """Write the top's diff times ``y * scale * log(base)``."""
        if not propagate_down[0]:
            return
        dx = bottom[0].diff_array
        np.multiply(top[0].const_diff_array, top[0].const_array, out=dx)
        if self._inner != 1:
            dx *= self._inner
