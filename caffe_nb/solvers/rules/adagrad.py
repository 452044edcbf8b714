"""AdaGrad."""

from __future__ import annotations

from caffe_nb.ops import updates
from caffe_nb.solvers.rules.rule import Rule


class AdaGrad(Rule):
    """AdaGrad (Duchi, Hazan and Singer, 2011), as Caffe's AdaGradSolver; takes no momentum.

    Notes
    -----
    h ← h + diff²; diff ← rate·diff / (√h + delta).
    """

    kernel = staticmethod(updates.adagrad)

    def check(self) -> None:
        """Refuse a momentum."""
        self._no_momentum()

    def numbers(self, rate: float, iteration: int) -> tuple[float, ...]:
        """Return the rate and what the kernel takes besides."""
        return rate, self.settings.delta
