"""Adam."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

import numpy as np

from caffe_nb.core.blob import Array
from caffe_nb.solvers.rules.rule import Rule


class Adam(Rule):
    """Adam (Kingma and Ba, 2015), as Caffe's AdamSolver; `momentum` and `momentum2` are its β₁ and β₂.

    Notes
    -----
    m ← β₁·m + (1 - β₁)·diff; v ← β₂·v + (1 - β₂)·diff²;
    diff ← rate·√(1 - β₂ᵗ) / (1 - β₁ᵗ) · m / (√v + delta), with t the iteration from 1. The histories are m and v.
    """

    histories = 2

    def check(self) -> None:
        """Refuse a momentum or momentum2 outside [0, 1)."""
        self._fraction("momentum")
        self._fraction("momentum2")

    def apply(self, diff: Array, history: Sequence[Array], rate: float, iteration: int, scratch: Array) -> None:
        """Overwrite a piece of the gradient by its update; see the class."""
        mean, square = history
        first, second = self.settings.momentum, self.settings.momentum2
        correction = sqrt(1 - second ** (iteration + 1)) / (1 - first ** (iteration + 1))
        np.multiply(diff, diff, out=scratch)
        np.multiply(scratch, 1 - second, out=scratch)
        np.multiply(square, second, out=square)
        np.add(square, scratch, out=square)
        np.multiply(diff, 1 - first, out=diff)
        np.multiply(mean, first, out=mean)
        np.add(mean, diff, out=mean)
        np.sqrt(square, out=scratch)
        np.add(scratch, self.settings.delta, out=scratch)
        np.divide(mean, scratch, out=diff)
        np.multiply(diff, rate * correction, out=diff)
