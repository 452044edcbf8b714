"""AdaDelta."""

from __future__ import annotations

from caffe_nb.ops import updates
from caffe_nb.solvers.rules.rule import Rule


class AdaDelta(Rule):
    """AdaDelta (Zeiler, 2012), as Caffe's AdaDeltaSolver; `momentum` is its decay.

    Notes
    -----
    g ← momentum·g + (1 - momentum)·diff²; u ← diff·√((d + delta) / (g + delta));
    d ← momentum·d + (1 - momentum)·u²; diff ← rate·u. The histories are g and d.
    """

    histories = 2
    kernel = staticmethod(updates.adadelta)

    def check(self) -> None:
        """Refuse a momentum outside [0, 1)."""
        self._fraction("momentum")

    def numbers(self, rate: float, iteration: int) -> tuple[float, ...]:
        """Return the rate and what the kernel takes besides."""
        decay = self.settings.momentum
        return rate, decay, 1 - decay, self.settings.delta
