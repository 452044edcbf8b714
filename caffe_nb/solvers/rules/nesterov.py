"""Nesterov's accelerated gradient."""

from __future__ import annotations

from caffe_nb.ops import updates
from caffe_nb.solvers.rules.rule import Rule


class Nesterov(Rule):
    """Nesterov's accelerated gradient (Nesterov, 1983), as Caffe's NesterovSolver.

    Notes
    -----
    With h' the history before: h ← momentum·h' + rate·diff; diff ← (1 + momentum)·h - momentum·h'.
    """

    kernel = staticmethod(updates.nesterov)

    def numbers(self, rate: float, iteration: int) -> tuple[float, ...]:
        """Return the rate and what the kernel takes besides."""
        momentum = self.settings.momentum
        return rate, momentum, 1 + momentum
