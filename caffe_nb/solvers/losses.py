"""The losses of a training run of any length, and what its tests gave, in bounded memory."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass

MOST = 1000
"""Most points that are kept."""
MOST_SCORES = 32
"""Most outputs of test nets that are kept."""


@dataclass
class Point:
    """The losses of some iterations that follow each other.

    Attributes
    ----------
    iteration : int
        The first of them.
    low, high : float
        Their extremes; infinities where none was finite.
    finite : int
        How many were finite.
    bad : int
        How many were not.
    """

    iteration: int
    total: float = 0.0
    low: float = math.inf
    high: float = -math.inf
    finite: int = 0
    bad: int = 0

    @property
    def mean(self) -> float:
        """Mean of the finite ones, NaN where there are none."""
        return self.total / self.finite if self.finite else math.nan

    def add(self, loss: float) -> None:
        """Take a loss in."""
        if not math.isfinite(loss):
            self.bad += 1
            return
        self.finite += 1
        self.total += loss
        self.low, self.high = min(self.low, loss), max(self.high, loss)

    def merge(self, later: Point) -> None:
        """Take in the losses of a later point."""
        self.total += later.total
        self.low, self.high = min(self.low, later.low), max(self.high, later.high)
        self.finite += later.finite
        self.bad += later.bad


class Losses:
    """Losses by iteration, one point an iteration until there are too many; then neighbours are merged.

    Attributes
    ----------
    points : list of Point
        Oldest first.
    """

    def __init__(self) -> None:
        self.points: list[Point] = []
        self._each = 1
        self._recent: list[float] = []

    def add(self, iteration: int, loss: float, window: int) -> float:
        """Take in an iteration's loss; return the mean of the last `window` since `restart`.

        An iteration that is not newer than what is there begins again from there: a solver took up a snapshot.
        """
        if self.points and iteration < self.points[-1].iteration:
            self.points = [point for point in self.points if point.iteration < iteration]
        if not self.points or iteration - self.points[-1].iteration >= self._each:
            self.points.append(Point(iteration))
        self.points[-1].add(loss)
        if len(self.points) > MOST:
            for early, late in zip(self.points[::2], self.points[1::2], strict=False):
                early.merge(late)
            self.points = self.points[::2]
            self._each *= 2
        self._recent.append(loss)
        del self._recent[: -max(1, window)]
        return sum(self._recent) / len(self._recent)

    def restart(self) -> None:
        """Let the mean begin anew, as Caffe does with each call of step; the points stay."""
        self._recent.clear()


class Scores:
    """What test nets gave, for each of their outputs of one element.

    Attributes
    ----------
    curves : dict of (int, str) to Losses
        By index of the test net and the output's name; the first 32 that come.
    """

    def __init__(self) -> None:
        self.curves: dict[tuple[int, str], Losses] = {}

    def add(self, iteration: int, index: int, means: Mapping[str, float], names: Collection[str]) -> None:
        """Take in one test; `names` are those of the net's blobs, which elements of larger outputs are not."""
        for name, mean in means.items():
            key = index, name
            if name in names and (key in self.curves or len(self.curves) < MOST_SCORES):
                self.curves.setdefault(key, Losses()).add(iteration, mean, 1)
