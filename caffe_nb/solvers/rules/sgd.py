"""Stochastic gradient descent with momentum."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from caffe_nb.core.blob import Array
from caffe_nb.solvers.rules.rule import Rule


class SGD(Rule):
    """Stochastic gradient descent with momentum, as Caffe's SGDSolver.

    Notes
    -----
    h ← momentum·h + rate·diff; diff ← h. The learning rate is inside the history, so a change of rate fades in.
    """

    def apply(self, diff: Array, history: Sequence[Array], rate: float, iteration: int, scratch: Array) -> None:
        """Overwrite a piece of the gradient by its update; see the class."""
        (momentum,) = history
        np.multiply(diff, rate, out=diff)
        np.multiply(momentum, self.settings.momentum, out=momentum)
        np.add(momentum, diff, out=momentum)
        diff[...] = momentum
