"""TanH: the hyperbolic tangent."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from caffe_nb.core.blob import Blob
from caffe_nb.core.layer import Layer
from caffe_nb.core.registry import register


@register("TanH")
class TanH(Layer):
    """Squash to (-1, 1): ``y = tanh(x)``.

    One bottom of any shape, one top of the same shape, which may be the bottom itself. No parameters that have an
    effect (``tanh_param { engine }`` is read).

    Notes
    -----
    Equals Caffe's TanH layer. The gradient is found from the top, ``1 - y²``.
    """

    bottoms_needed = (1, 1)
    tops_allowed = (1, 1)
    in_place = True

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Give the top the bottom's shape."""
        top[0].reshape_like(bottom[0])

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the hyperbolic tangent of the bottom."""
        np.tanh(bottom[0].const_array, out=top[0].array)

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        """Write the top's diff times ``1 - y²``."""
        if not propagate_down[0]:
            return
        slope = np.square(top[0].const_array.reshape(-1))
        np.subtract(1, slope, out=slope)
        np.multiply(top[0].const_diff_array.reshape(-1), slope, out=bottom[0].diff_array.reshape(-1))
