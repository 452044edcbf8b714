"""Nesterov's accelerated gradient."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from caffe_nb.core.blob import Array
from caffe_nb.solvers.rules.rule import Rule


class Nesterov(Rule):
    """Nesterov's accelerated gradient (Nesterov, 1983), as Caffe's NesterovSolver.

    Notes
    -----
    With h' the history before: h ← momentum·h' + rate·diff; diff ← (1 + momentum)·h - momentum·h'.
    """

    def apply(self, diff: Array, history: Sequence[Array], rate: float, iteration: int, scratch: Array) -> None:
        """Overwrite a piece of the gradient by its update; see the class."""
        (velocity,) = history
        momentum = self.settings.momentum
        np.multiply(velocity, momentum, out=scratch)
        np.multiply(diff, rate, out=diff)
        np.add(scratch, diff, out=velocity)
        np.multiply(velocity, 1 + momentum, out=diff)
        np.subtract(diff, scratch, out=diff)
