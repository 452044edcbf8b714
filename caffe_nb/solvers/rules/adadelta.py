"""AdaDelta."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from caffe_nb.core.blob import Array
from caffe_nb.solvers.rules.rule import Rule


class AdaDelta(Rule):
    """AdaDelta (Zeiler, 2012), as Caffe's AdaDeltaSolver; `momentum` is its decay.

    Notes
    -----
    g ← momentum·g + (1 - momentum)·diff²; u ← diff·√((d + delta) / (g + delta));
    d ← momentum·d + (1 - momentum)·u²; diff ← rate·u. The histories are g and d.
    """

    histories = 2

    def check(self) -> None:
        """Refuse a momentum outside [0, 1)."""
        self._fraction("momentum")

    def apply(self, diff: Array, history: Sequence[Array], rate: float, iteration: int, scratch: Array) -> None:
        """Overwrite a piece of the gradient by its update; see the class."""
        squares, updates = history
        decay, delta = self.settings.momentum, self.settings.delta
        _fade_in(squares, diff, decay, scratch)
        for values, combine in ((updates, np.multiply), (squares, np.divide)):
            np.add(values, delta, out=scratch)
            np.sqrt(scratch, out=scratch)
            combine(diff, scratch, out=diff)
        _fade_in(updates, diff, decay, scratch)
        np.multiply(diff, rate, out=diff)


def _fade_in(history: Array, values: Array, decay: float, scratch: Array) -> None:
    np.multiply(values, values, out=scratch)
    np.multiply(scratch, 1 - decay, out=scratch)
    np.multiply(history, decay, out=history)
    np.add(history, scratch, out=history)
