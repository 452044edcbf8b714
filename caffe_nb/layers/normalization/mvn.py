"""MVN: each image brought to mean 0 and variance 1."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from caffe_nb.core.blob import Blob
from caffe_nb.core.layer import Layer
from caffe_nb.core.registry import register
from caffe_nb.layers.kept import Follows
from caffe_nb.ops import normalize

AXES = (1,)
"""Of ``(groups, values)``: what a mean is taken over."""


@register("MVN")
class MVN(Layer):
    """Bring each channel of each image to mean 0 and variance 1: ``y = (x - mean) / (sqrt(variance) + eps)``.

    One bottom of up to four axes, one top of shape ``(N, C, H, W)`` (missing axes become 1), which may be the bottom
    itself.

    Parameters of ``mvn_param``: ``normalize_variance`` (default true; false subtracts the mean only),
    ``across_channels`` (default false; true takes mean and variance over whole images), ``eps`` (default 1e-9).

    Raises
    ------
    ShapeError
        For a bottom of more than four axes.

    Notes
    -----
    Equals Caffe's MVN layer. As there, the gradient leaves `eps` out of the derivative of the deviation, so a large
    `eps` makes it inexact.

    Deviations
    ----------
    In place, and where a later layer works in place on the top, the gradient is right, which Caffe's is not.
    """

    bottoms_needed = (1, 1)
    tops_allowed = (1, 1)
    in_place = True
    inexact = "eps is left out of the derivative of the deviation"

    _deviation = Follows()

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Read the parameters."""
        param = self.layer_param.mvn_param
        self._whole, self._divides, self._eps = param.across_channels, param.normalize_variance, float(param.eps)
        self._normalized = Blob(dtype=self.dtype)
        self._deviation = np.ones((0, 1), self.dtype)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Give the top the bottom's shape, with four axes."""
        blob = bottom[0]
        shape = (blob.num, blob.channels, blob.height, blob.width)
        groups = shape[0] if self._whole else shape[0] * shape[1]
        values = shape[2] * shape[3] * (shape[1] if self._whole else 1)
        top[0].reshape(*shape)
        self._normalized.reshape(groups, values)
        if len(self._deviation) != groups:
            self._deviation = np.ones((groups, 1), self.dtype)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the normalized values."""
        rows = self._normalized.shape
        x, y = bottom[0].const_array.reshape(rows), top[0].array.reshape(rows)
        if not y.size:
            return
        normalize.center(x, AXES, out=y)
        if self._divides:
            self._deviation = np.sqrt(normalize.variance(y, AXES, scratch=self._normalized.array))
            self._deviation += self._eps
            y /= self._deviation
            np.copyto(self._normalized.array, y)  # a later layer may work in place on the top

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        """Write the bottom's diff."""
        if not propagate_down[0] or not bottom[0].count:
            return
        rows = self._normalized.shape
        dy, dx = top[0].const_diff_array.reshape(rows), bottom[0].diff_array.reshape(rows)
        if self._divides:
            normalize.standardized_gradient(self._normalized.const_array, dy, self._deviation, AXES, out=dx)
        else:
            normalize.center(dy, AXES, out=dx)
