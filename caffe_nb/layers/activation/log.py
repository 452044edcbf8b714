"""Log: the logarithm to a base."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from caffe_nb.core.blob import Blob
from caffe_nb.core.layer import Layer
from caffe_nb.core.registry import register
from caffe_nb.errors import NetError
from caffe_nb.layers.activation.base import log_of_base
from caffe_nb.layers.kept import Kept


@register("Log")
class Log(Layer):
    """Take a logarithm: ``y = log_base(shift + scale * x)``.

    One bottom of any shape, one top of the same shape, which may be the bottom itself.

    Parameters of ``log_param``: ``base`` (default -1, which stands for e; otherwise positive and not 1), ``scale``
    (default 1), ``shift`` (default 0).

    Raises
    ------
    NetError
        At setup, for a base that has no logarithms.

    Notes
    -----
    Equals Caffe's Log layer: of 0 it is minus infinity, of negative values NaN.

    Deviations
    ----------
    In place, a copy of the bottom is kept so that the gradient is right, which Caffe's is not.
    """

    bottoms_needed = (1, 1)
    tops_allowed = (1, 1)
    in_place = True

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Read base, scale and shift."""
        param = self.layer_param.log_param
        log_base = log_of_base(param.base)
        if log_base == 0:
            raise NetError("base must not be 1, of which every power is 1; give another base, or -1 for e")
        self._outer = 1 / log_base
        self._scale, self._shift = float(param.scale), float(param.shift)
        self._kept = Kept(self.dtype)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Give the top the bottom's shape."""
        top[0].reshape_like(bottom[0])
        self._kept.fit(bottom[0], top[0])

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the logarithms."""
        x, y = self._kept.store(bottom[0], top[0]), top[0].array
        np.multiply(x, self._scale, out=y)
        y += self._shift
        np.log(y, out=y)
        if self._outer != 1:
            y *= self._outer

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        """Write the top's diff times ``scale / log(base) / (shift + scale * x)``."""
        if not propagate_down[0]:
            return
        inner = self._kept.values(bottom[0], top[0]) * self._scale
        inner += self._shift
        dx = bottom[0].diff_array
        np.divide(top[0].const_diff_array, inner, out=dx)
        dx *= self._scale * self._outer
