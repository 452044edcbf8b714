"""Clip: hold values between two bounds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from caffe_nb.core.blob import Blob
from caffe_nb.core.layer import Layer
from caffe_nb.core.registry import register
from caffe_nb.errors import NetError
from caffe_nb.layers.kept import Kept


@register("Clip")
class Clip(Layer):
    """Hold the values between two bounds: ``y = max(min, min(x, max))``.

    One bottom of any shape, one top of the same shape, which may be the bottom itself.

    Parameters of ``clip_param``: ``min`` and ``max``, both needed.

    Raises
    ------
    NetError
        At setup, when a bound is missing.

    Notes
    -----
    Equals Caffe's Clip layer; a value on a bound passes the gradient on.

    Deviations
    ----------
    In place, a copy of the bottom is kept so that the gradient is right, which Caffe's is not. A value that is not a
    number stays so; Caffe makes it `min`.
    """

    bottoms_needed = (1, 1)
    tops_allowed = (1, 1)
    in_place = True

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Read the bounds."""
        param = self.layer_param.clip_param
        missing = [name for name in ("min", "max") if not param.HasField(name)]
        if missing:
            raise NetError(
                f"clip_param needs both bounds; {' and '.join(missing)} missing: clip_param {{ min: 0 max: 6 }}"
            )
        self._min, self._max = float(param.min), float(param.max)
        self._kept = Kept(self.dtype)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Give the top the bottom's shape."""
        top[0].reshape_like(bottom[0])
        self._kept.fit(bottom[0], top[0])

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the clipped values."""
        x, y = self._kept.store(bottom[0], top[0]), top[0].array
        np.minimum(x, self._max, out=y)
        np.maximum(y, self._min, out=y)

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        """Write the top's diff where the bottom lies within the bounds, 0 elsewhere."""
        if not propagate_down[0]:
            return
        x = self._kept.values(bottom[0], top[0])
        inside = x >= self._min
        inside &= x <= self._max
        np.multiply(top[0].const_diff_array, inside, out=bottom[0].diff_array)
