"""Stochastic gradient descent with momentum."""

from __future__ import annotations

from caffe_nb.ops import updates
from caffe_nb.solvers.rules.rule import Rule


class SGD(Rule):
    """Stochastic gradient descent with momentum, as Caffe's SGDSolver.

    Notes
    -----
    h ← momentum·h + rate·diff; diff ← h. The learning rate is inside the history, so a change of rate fades in.
    """

    kernel = staticmethod(updates.sgd)

    def numbers(self, rate: float, iteration: int) -> tuple[float, ...]:
        """Return the rate and what the kernel takes besides."""
        return rate, self.settings.momentum
