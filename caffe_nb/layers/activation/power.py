"""Power: a power of a scaled and shifted value."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from caffe_nb.core.blob import Blob
from caffe_nb.core.layer import Layer
from caffe_nb.core.registry import register
from caffe_nb.layers.kept import Kept


@register("Power")
class Power(Layer):
    """Raise to a power: ``y = (shift + scale * x) ^ power``.

    One bottom of any shape, one top of the same shape, which may be the bottom itself.

    Parameters of ``power_param``: ``power`` (default 1), ``scale`` (default 1), ``shift`` (default 0).

    Notes
    -----
    Equals Caffe's Power layer: with power 0 the top is 1 and with scale 0 it is ``shift ^ power``, whatever the bottom
    is, and the gradient is 0. A negative inner value to a fractional power is NaN.

    Deviations
    ----------
    Where the inner value is 0 the gradient is that of the power itself (0 for power 3), where Caffe divides by 0. In
    place, a copy of the bottom is kept so that the gradient is right, which Caffe's is only for power 1.
    """

    bottoms_needed = (1, 1)
    tops_allowed = (1, 1)
    in_place = True

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Read power, scale and shift."""
        param = self.layer_param.power_param
        self._power, self._scale, self._shift = float(param.power), float(param.scale), float(param.shift)
        self._linear = self._power == 1 or self._power * self._scale == 0
        self._kept = Kept(self.dtype)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Give the top the bottom's shape."""
        top[0].reshape_like(bottom[0])
        if not self._linear:
            self._kept.fit(bottom[0], top[0])

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the powers."""
        if self._power * self._scale == 0:
            with np.errstate(all="ignore"):
                top[0].array = 1 if self._power == 0 else np.power(self.dtype.type(self._shift), self._power)
            return
        x, y = bottom[0].const_array if self._linear else self._kept.store(bottom[0], top[0]), top[0].array
        np.multiply(x, self._scale, out=y)
        y += self._shift
        if self._power == 2:
            np.square(y, out=y)
        elif self._power != 1:
            np.power(y, self._power, out=y)

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        """Write the top's diff times ``power * scale * (shift + scale * x) ^ (power - 1)``."""
        if not propagate_down[0]:
            return
        factor = self._power * self._scale
        if factor == 0:
            bottom[0].diff_array = 0
        elif self._power == 1:
            np.multiply(top[0].const_diff_array, factor, out=bottom[0].diff_array)
        else:
            slope = self._kept.values(bottom[0], top[0]).reshape(-1) * self._scale
            slope += self._shift
            if self._power != 2:
                np.power(slope, self._power - 1, out=slope)
            slope *= factor
            np.multiply(top[0].const_diff_array.reshape(-1), slope, out=bottom[0].diff_array.reshape(-1))
