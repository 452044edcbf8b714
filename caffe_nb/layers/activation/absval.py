"""AbsVal: the absolute value."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from caffe_nb.core.blob import Blob
from caffe_nb.core.layer import Layer
from caffe_nb.core.registry import register
from caffe_nb.layers.kept import Kept


@register("AbsVal")
class AbsVal(Layer):
    """Take the absolute value: ``y = |x|``.

    One bottom of any shape, one top of the same shape, which may be the bottom itself. No parameters.

    Notes
    -----
    Equals Caffe's AbsVal layer; the gradient at exactly 0 is 0.

    Deviations
    ----------
    In place, a copy of the bottom is kept so that the gradient is right, which Caffe's is not.
    """

    bottoms_needed = (1, 1)
    tops_allowed = (1, 1)
    in_place = True

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Make what keeps the bottom's values."""
        self._kept = Kept(self.dtype)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Give the top the bottom's shape."""
        top[0].reshape_like(bottom[0])
        self._kept.fit(bottom[0], top[0])

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the absolute values."""
        np.abs(self._kept.store(bottom[0], top[0]), out=top[0].array)

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        """Write the top's diff times the sign of the bottom."""
        if propagate_down[0]:
            sign = np.sign(self._kept.values(bottom[0], top[0]))
            np.multiply(sign, top[0].const_diff_array, out=bottom[0].diff_array)
