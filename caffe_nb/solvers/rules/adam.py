"""Adam."""

from __future__ import annotations

from math import sqrt

from caffe_nb.ops import updates
from caffe_nb.solvers.rules.rule import Rule


class Adam(Rule):
    """Adam (Kingma and Ba, 2015), as Caffe's AdamSolver; `momentum` and `momentum2` are its β₁ and β₂.

    Notes
    -----
    m ← β₁·m + (1 - β₁)·diff; v ← β₂·v + (1 - β₂)·diff²;
    diff ← rate·√(1 - β₂ᵗ) / (1 - β₁ᵗ) · m / (√v + delta), with t the iteration from 1. The histories are m and v.
    """

    histories = 2
    kernel = staticmethod(updates.adam)

    def check(self) -> None:
        """Refuse a momentum or momentum2 outside [0, 1)."""
        self._fraction("momentum")
        self._fraction("momentum2")

    def numbers(self, rate: float, iteration: int) -> tuple[float, ...]:
        """Return the rate and what the kernel takes besides."""
        first, second = self.settings.momentum, self.settings.momentum2
        correction = sqrt(1 - second ** (iteration + 1)) / (1 - first ** (iteration + 1))
        return rate * correction, first, 1 - first, second, 1 - second, self.settings.delta
