"""Dropout: leave values out at random while training."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from caffe_nb import rng
from caffe_nb.core.blob import Blob
from caffe_nb.core.layer import Layer, Phase
from caffe_nb.core.registry import register
from caffe_nb.errors import NetError


@register("Dropout")
class Dropout(Layer):
    """Set a share of the values to 0 and scale the others up to keep the mean; the identity in TEST phase.

    One bottom of any shape, one top of the same shape, which may be the bottom itself. In TRAIN phase each value is
    kept with probability ``1 - dropout_ratio`` and then multiplied by ``1 / (1 - dropout_ratio)``; a new mask is drawn
    at every forward, from the engine's generator (`caffe_nb.rng`), and the backward uses the same mask.

    Parameters of ``dropout_param``: ``dropout_ratio`` (default 0.5), from 0 up to but not including 1.

    Raises
    ------
    NetError
        At setup, for a ratio outside [0, 1).

    Deviations
    ----------
    The random numbers themselves. A ratio of 1 is refused, where Caffe divides by 0.

    References
    ----------
    Hinton, Srivastava, Krizhevsky, Sutskever and Salakhutdinov, "Improving neural networks by preventing co-adaptation
    of feature detectors", 2012.
    """

    bottoms_needed = (1, 1)
    tops_allowed = (1, 1)
    in_place = True

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Read the ratio."""
        self._ratio = float(self.layer_param.dropout_param.dropout_ratio)
        if not 0 <= self._ratio < 1:
            raise NetError(f"dropout_ratio must be at least 0 and below 1, got {self._ratio:g}")
        self._mask = Blob(dtype=self.dtype)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Give the top, and the mask, the bottom's shape."""
        top[0].reshape_like(bottom[0])
        if self.phase == Phase.TRAIN:
            self._mask.reshape_like(bottom[0])

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the kept values, scaled up (TRAIN), or the bottom as it is (TEST)."""
        if self.phase != Phase.TRAIN:
            if top[0] is not bottom[0]:
                np.copyto(top[0].array, bottom[0].const_array)
            return
        mask = self._mask.data  # drawn on the host, so that a seed gives one mask wherever the rest is computed
        rng.generator().random(out=mask, dtype=mask.dtype.type)
        np.greater_equal(mask, self._ratio, out=mask, casting="unsafe")
        mask *= 1 / (1 - self._ratio)
        np.multiply(bottom[0].const_array, self._mask.const_array, out=top[0].array)

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        """Write the top's diff through the same mask (TRAIN), or as it is (TEST)."""
        if not propagate_down[0]:
            return
        if self.phase == Phase.TRAIN:
            np.multiply(top[0].const_diff_array, self._mask.const_array, out=bottom[0].diff_array)
        elif top[0] is not bottom[0]:
            np.copyto(bottom[0].diff_array, top[0].const_diff_array)
