"""The losses of a training run of any length, and what its tests gave, in bounded memory.

A loss that a device computed stays there until somebody asks for it, so that training does not wait for it.
"""

from __future__ import annotations

import math
import threading
from collections import deque
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from caffe_nb import device

MOST = 1000
"""Most points that are kept."""
MOST_WAITING = 1000
"""Most losses that are left on a device."""
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
    """Losses by iteration, one point an iteration until there are too many; then neighbours are merged."""

    def __init__(self) -> None:
        self._points: list[Point] = []
        self._each = 1
        self._recent: list[float] = []
        self._smoothed = math.nan
        self._anew = False
        self._waiting: deque[tuple[int, Any, int, bool]] = deque()
        self._lock = threading.Lock()

    @property
    def points(self) -> list[Point]:
        """All points, oldest first."""
        self._settle()
        return self._points

    @property
    def smoothed(self) -> float:
        """The mean of the last losses since `restart`, as many as `add` was told; NaN before the first."""
        self._settle()
        return self._smoothed

    @smoothed.setter
    def smoothed(self, value: float) -> None:
        self._settle()
        self._smoothed = value

    def add(self, iteration: int, loss: Any, window: int) -> None:
        """Take in an iteration's loss, a number or an array without axes; the mean is that of the last `window`.

        An iteration that is not newer than what is there begins again from there: a solver took up a snapshot.
        """
        self._waiting.append((iteration, loss, window, self._anew))
        self._anew = False
        if not device.holds(loss) or len(self._waiting) > MOST_WAITING:
            self._settle()

    def restart(self) -> None:
        """Let the mean begin anew, as Caffe does with each call of step; the points stay."""
        self._anew = True

    def _settle(self) -> None:
        with self._lock, device.active():  # the panel asks from another thread
            waiting = [self._waiting.popleft() for _ in range(len(self._waiting))]
            held = [loss for _, loss, _, _ in waiting if device.holds(loss)]
            there = iter(device.on_host(device.namespace_of(held[0]).stack(held)).tolist() if held else ())
            for iteration, loss, window, anew in waiting:
                self._take(iteration, next(there) if device.holds(loss) else float(loss), window, anew)

    def _take(self, iteration: int, loss: float, window: int, anew: bool) -> None:
        if self._points and iteration < self._points[-1].iteration:
            self._points = [point for point in self._points if point.iteration < iteration]
        if not self._points or iteration - self._points[-1].iteration >= self._each:
            self._points.append(Point(iteration))
        self._points[-1].add(loss)
        if len(self._points) > MOST:
            for early, late in zip(self._points[::2], self._points[1::2], strict=False):
                early.merge(late)
            self._points = self._points[::2]
            self._each *= 2
        if anew:
            self._recent.clear()
        self._recent.append(loss)
        del self._recent[: -max(1, window)]
        self._smoothed = sum(self._recent) / len(self._recent)


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


class WithLosses:
    """What has losses, by iteration and the last one.

    Attributes
    ----------
    losses : Losses
        Those of all iterations, in bounded memory.
    scores : Scores
        What the tests gave, in bounded memory.
    """

    def __init__(self) -> None:
        self.losses = Losses()
        self.scores = Scores()
        self._loss: Any = math.nan

    @property
    def loss(self) -> float:
        """Of the last iteration, NaN before the first; on a device, asking for it waits for it."""
        if device.holds(self._loss):
            self._loss = float(self._loss)
        loss: float = self._loss
        return loss

    @loss.setter
    def loss(self, value: Any) -> None:
        self._loss = value

    @property
    def loss_there(self) -> Any:
        """The same where it was computed: on a device an array without axes, for which nobody has waited."""
        return self._loss

    @property
    def smoothed_loss(self) -> float:
        """The mean loss of the last `average_loss` iterations, NaN before the first; as `loss` on a device."""
        return self.losses.smoothed

    @smoothed_loss.setter
    def smoothed_loss(self, value: float) -> None:
        self.losses.smoothed = value
