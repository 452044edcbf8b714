"""AbsVal: the absolute value."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from caffe_nb.core.blob import Blob
from caffe_nb.core.layer import Layer
from caffe_nb.core.registry import register
from caffe_nb.errors import NetError


@register("AbsVal")
class AbsVal(Layer):
    """Take the absolute value: ``y = |x|``.

    One bottom of any shape, one top of the same shape, which must be another blob. No parameters.

    Raises
    ------
    NetError
        At setup, when the top is the bottom: the gradient needs the sign that would be gone.

    Notes
    -----
    Equals Caffe's AbsVal layer; the gradient at exactly 0 is 0.
    """

    bottoms_needed = (1, 1)
    tops_allowed = (1, 1)

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Check that the top is another blob."""
        if top[0] is bottom[0]:
            raise NetError("an absolute value cannot be taken in place; give its top a name of its own")

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Give the top the bottom's shape."""
        top[0].reshape_like(bottom[0])

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the absolute values."""
        np.abs(bottom[0].const_data, out=top[0].data)

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        """Write the top's diff times the sign of the bottom."""
        if propagate_down[0]:
            np.multiply(np.sign(bottom[0].const_data), top[0].const_diff, out=bottom[0].diff)
