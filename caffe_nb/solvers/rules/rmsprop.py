"""RMSProp."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from caffe_nb.core.blob import Array
from caffe_nb.solvers.rules.rule import Rule


class RMSProp(Rule):
    """RMSProp (Tieleman and Hinton, 2012), as Caffe's RMSPropSolver; takes no momentum.

    Notes
    -----
    h ← rms_decay·h + (1 - rms_decay)·diff²; diff ← rate·diff / (√h + delta).
    """

    def check(self) -> None:
        """Refuse a momentum, and an rms_decay outside [0, 1)."""
        self._no_momentum()
        self._fraction("rms_decay")

    def apply(self, diff: Array, history: Sequence[Array], rate: float, iteration: int, scratch: Array) -> None:
        """Overwrite a piece of the gradient by its update; see the class."""
        (squares,) = history
        decay = self.settings.rms_decay
        np.multiply(diff, diff, out=scratch)
        np.multiply(scratch, 1 - decay, out=scratch)
        np.multiply(squares, decay, out=squares)
        np.add(squares, scratch, out=squares)
        np.sqrt(squares, out=scratch)
        np.add(scratch, self.settings.delta, out=scratch)
        np.divide(diff, scratch, out=diff)
        np.multiply(diff, rate, out=diff)
