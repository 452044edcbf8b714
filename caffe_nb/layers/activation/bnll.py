"""BNLL: the binomial normal log likelihood, also known as softplus."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from caffe_nb.core.blob import Blob
from caffe_nb.core.layer import Layer
from caffe_nb.core.registry import register
from caffe_nb.layers.kept import Kept


@register("BNLL")
class BNLL(Layer):
    """Take a smooth ReLU: ``y = log(1 + exp(x))``.

    One bottom of any shape, one top of the same shape, which may be the bottom itself. No parameters.

    Notes
    -----
    Equals Caffe's BNLL layer. Computed as ``max(x, 0) + log(1 + exp(-|x|))``, which never overflows.

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
        """Write the smooth maximum of the bottom and 0."""
        x = self._kept.store(bottom[0], top[0]).reshape(-1)
        soft = np.abs(x)
        np.negative(soft, out=soft)
        np.exp(soft, out=soft)
        np.log1p(soft, out=soft)
        soft += np.maximum(x, 0)
        np.copyto(top[0].array.reshape(-1), soft)

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        """Write the top's diff times the logistic function of the bottom."""
        if not propagate_down[0]:
            return
        slope = np.minimum(self._kept.values(bottom[0], top[0]).reshape(-1), 50)  # 1 in float32 beyond, and no overflow
        np.exp(slope, out=slope)
        slope /= slope + 1
        np.multiply(top[0].const_diff_array.reshape(-1), slope, out=bottom[0].diff_array.reshape(-1))
