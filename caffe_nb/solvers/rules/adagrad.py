"""AdaGrad."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from caffe_nb.core.blob import Array
from caffe_nb.solvers.rules.rule import Rule


class AdaGrad(Rule):
    """AdaGrad (Duchi, Hazan and Singer, 2011), as Caffe's AdaGradSolver; takes no momentum.

    Notes
    -----
    h ← h + diff²; diff ← rate·diff / (√h + delta).
    """

    def check(self) -> None:
        """Refuse a momentum."""
        self._no_momentum()

    def apply(self, diff: Array, history: Sequence[Array], rate: float, iteration: int, scratch: Array) -> None:
        """Overwrite a piece of the gradient by its update; see the class."""
        (squares,) = history
        np.multiply(diff, diff, out=scratch)
        np.add(squares, scratch, out=squares)
        np.sqrt(squares, out=scratch)
        np.add(scratch, self.settings.delta, out=scratch)
        np.divide(diff, scratch, out=diff)
        np.multiply(diff, rate, out=diff)
