"""ELU: the exponential linear unit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from caffe_nb.core.blob import Blob
from caffe_nb.core.layer import Layer
from caffe_nb.core.registry import register


@register("ELU")
class ELU(Layer):
    """Bend what is negative towards `-alpha`: ``y = x`` where x is positive, else ``alpha * (exp(x) - 1)``.

    One bottom of any shape, one top of the same shape, which may be the bottom itself.

    Parameters of ``elu_param``: ``alpha`` (default 1).

    Notes
    -----
    Equals Caffe's ELU layer; the slope at exactly 0 is `alpha`. In place, the gradient is found from the top's sign,
    which needs an alpha of at least 0.

    References
    ----------
    Clevert, Unterthiner and Hochreiter, "Fast and accurate deep network learning by exponential linear units", 2015.
    """

    bottoms_needed = (1, 1)
    tops_allowed = (1, 1)
    in_place = True

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Read alpha."""
        self._alpha = float(self.layer_param.elu_param.alpha)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Give the top the bottom's shape."""
        top[0].reshape_like(bottom[0])

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the bent values."""
        x, y = bottom[0].const_array.reshape(-1), top[0].array.reshape(-1)
        negative = np.minimum(x, 0)
        np.expm1(negative, out=negative)
        negative *= self._alpha
        np.maximum(x, 0, out=y)
        y += negative

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        """Write the top's diff, times ``alpha + y`` where the bottom is not positive."""
        if not propagate_down[0]:
            return
        slope = top[0].const_array.reshape(-1) + self._alpha
        np.copyto(slope, 1, where=bottom[0].const_array.reshape(-1) > 0)
        np.multiply(top[0].const_diff_array.reshape(-1), slope, out=bottom[0].diff_array.reshape(-1))
