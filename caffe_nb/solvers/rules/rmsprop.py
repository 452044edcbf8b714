"""RMSProp."""

from __future__ import annotations

from caffe_nb.ops import updates
from caffe_nb.solvers.rules.rule import Rule


class RMSProp(Rule):
    """RMSProp (Tieleman and Hinton, 2012), as Caffe's RMSPropSolver; takes no momentum.

    Notes
    -----
    h ← rms_decay·h + (1 - rms_decay)·diff²; diff ← rate·diff / (√h + delta).
    """

    kernel = staticmethod(updates.rmsprop)

    def check(self) -> None:
        """Refuse a momentum, and an rms_decay outside [0, 1)."""
        self._no_momentum()
        self._fraction("rms_decay")

    def numbers(self, rate: float, iteration: int) -> tuple[float, ...]:
        """Return the rate and what the kernel takes besides."""
        decay = self.settings.rms_decay
        return rate, decay, 1 - decay, self.settings.delta
