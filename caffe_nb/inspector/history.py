"""The curves of solvers, kept by the kernel: loss, learning rate and every scalar top, in bounded memory."""

from __future__ import annotations

import bisect
import itertools
import math
import threading
import uuid
import weakref
from array import array
from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any

from caffe_nb import device
from caffe_nb.core.blob import Blob
from caffe_nb.inspector.training_messages import Curve, CurveKind
from caffe_nb.net.build import AUTOMATIC
from caffe_nb.net.net import Net
from caffe_nb.solvers import Solver, live_solvers
from caffe_nb.solvers.alive import on_new
from caffe_nb.solvers.losses import Losses
from caffe_nb.solvers.lr_policy import learning_rate

MOST_WAITING = 256
"""Most iterations whose values are left on a device."""
MOST_POINTS = 4000
"""Points of a curve; when it has so many, every two of them become one."""
MOST_CURVES = 32
"""Curves of a solver; a net may have any number of scalar tops."""
MOST_SENT = 4000
"""Points in an answer, of all curves together: 4 numbers each stay well below the bound of a view."""


class Series:
    """One curve: the mean, least and greatest value of every stretch of iterations.

    Stretches are one iteration long at first. Each time the memory is full, every two become one, so that the curve
    covers a run of any length.

    Attributes
    ----------
    name : str
        The top's name.
    kind : {"loss", "rate", "train", "test"}
        What it is a curve of.
    test_net : int
        Index of the test net; 0 for others.
    """

    def __init__(self, name: str, kind: CurveKind, test_net: int = 0) -> None:
        self.name, self.kind, self.test_net = name, kind, test_net
        self._at, self._stamps, self._counts = array("q"), array("q"), array("q")
        self._sums, self._lows, self._highs = array("d"), array("d"), array("d")
        self._stride = 1
        self._filled = 0  # values in the last stretch
        self._last = -1  # newest iteration
        self._generation = 1  # grows when points change that were told before

    def __len__(self) -> int:
        return len(self._at)

    @property
    def id(self) -> str:
        """What the panel calls it."""
        return f"{self.kind}:{self.test_net}:{self.name}"

    def add(self, iteration: int, value: float, stamp: int) -> None:
        """Note a value; an iteration that was noted before begins the curve anew from there."""
        if iteration <= self._last:
            self.cut(iteration)
        self._last = iteration
        finite = math.isfinite(value)
        if self._filled < self._stride and self._at:
            self._filled += 1
            self._stamps[-1] = stamp
            if finite:
                self._counts[-1] += 1
                self._sums[-1] += value
                self._lows[-1] = min(self._lows[-1], value)
                self._highs[-1] = max(self._highs[-1], value)
            return
        if len(self._at) >= MOST_POINTS:
            self._thin()
        self._filled = 1
        self._at.append(iteration)
        self._stamps.append(stamp)
        self._counts.append(int(finite))
        self._sums.append(value if finite else 0.0)
        self._lows.append(value if finite else math.inf)
        self._highs.append(value if finite else -math.inf)

    def begin_with(self, known: Losses, stamp: int) -> None:
        """Take in what the solver itself has kept, before anything is noted."""
        points = list(known.points)  # the solver may run
        self._at = array("q", (point.iteration for point in points))
        self._stamps = array("q", (stamp for _ in points))
        self._counts = array("q", (point.finite for point in points))
        self._sums = array("d", (point.total for point in points))
        self._lows = array("d", (point.low for point in points))
        self._highs = array("d", (point.high for point in points))
        self._filled = self._stride = max((point.finite + point.bad for point in points), default=1)
        self._last = points[-1].iteration if points else -1

    def cut(self, iteration: int) -> None:
        """Forget what was noted from this iteration on: the solver went back to before it."""
        if self._last < iteration:
            return
        keep = bisect.bisect_left(self._at, iteration)
        for column in self._columns():
            del column[keep:]
        self._last, self._filled = iteration - 1, self._stride
        self._generation += 1

    def since(self, generation: int, stamp: int, most: int) -> Curve:
        """Return the points that changed after a stamp, at most so many of them, as the panel gets them."""
        whole = generation != self._generation
        start = 0 if whole else bisect.bisect_right(self._stamps, stamp)
        part = slice(start, min(len(self._at), start + most))
        told = self._stamps[part.stop - 1] if part.stop > start else 0 if whole else stamp
        counts = self._counts[part]
        return Curve(
            id=self.id,
            name=self.name,
            kind=self.kind,
            test_net=self.test_net,
            whole=whole,
            generation=self._generation,
            stamp=told,
            at=self._at[part].tolist(),
            means=[total / n if n else None for total, n in zip(self._sums[part], counts, strict=True)],
            lows=[low if n else None for low, n in zip(self._lows[part], counts, strict=True)],
            highs=[high if n else None for high, n in zip(self._highs[part], counts, strict=True)],
        )

    def _columns(self) -> tuple[array[int] | array[float], ...]:
        return self._at, self._stamps, self._counts, self._sums, self._lows, self._highs

    def _thin(self) -> None:
        pairs = range(0, len(self._at) - 1, 2)
        self._at = self._at[::2]
        self._counts = array("q", (self._counts[i] + self._counts[i + 1] for i in pairs))
        self._sums = array("d", (self._sums[i] + self._sums[i + 1] for i in pairs))
        self._lows = array("d", (min(self._lows[i], self._lows[i + 1]) for i in pairs))
        self._highs = array("d", (max(self._highs[i], self._highs[i + 1]) for i in pairs))
        self._stamps = array("q", (self._stamps[i + 1] for i in pairs))
        self._stride *= 2
        self._generation += 1


class History:
    """The curves of one solver, from the moment on when `listen` is called; before that, what the solver has kept.

    Attributes
    ----------
    key : str
        Tells this history from any other, also of another kernel.
    """

    def __init__(self) -> None:
        self.key = uuid.uuid4().hex[:12]
        self._guard, self._settling = threading.Lock(), threading.Lock()
        self._waiting: deque[tuple[int, list[tuple[CurveKind, str, Any]]]] = deque()
        self._series: dict[str, Series] = {}
        self._clock = itertools.count(1)
        self._scalars: tuple[weakref.ref[Net] | None, int, list[tuple[str, Blob]]] = (None, -1, [])

    def listen(self, solver: Solver) -> None:
        """Begin with the losses and tests that a solver has had, and note every iteration and test from now on."""
        with self._guard:
            stamp = next(self._clock)
            self._begin_with("loss", "loss", 0, solver.losses, stamp)
            for (index, name), scores in solver.scores.curves.items():
                self._begin_with(name, "test", index, scores, stamp)
        solver.hooks.after_iteration.append(self._iterated)
        solver.hooks.after_test.append(self._tested)

    def ignore(self, solver: Solver) -> None:
        """Note nothing any more."""
        solver.hooks.after_iteration.remove(self._iterated)
        solver.hooks.after_test.remove(self._tested)

    def cut(self, solver: Solver) -> None:
        """Forget what lies ahead of the solver: it was put back to an earlier iteration."""
        self._settle()
        with self._guard:
            for series in self._series.values():
                series.cut(solver.iter + (series.kind == "test"))

    def since(self, known: Mapping[str, tuple[int, int]]) -> tuple[list[Curve], bool]:
        """Return what is new, and whether there is more than that.

        Parameters
        ----------
        known : mapping of str to (int, int)
            Generation and stamp that came with the last answer, by curve; those not in it are given from the start.

        Returns
        -------
        list of Curve
            All curves, many of them without new points.
        bool
            Whether to ask again at once.
        """
        self._settle()
        curves, room = [], MOST_SENT
        with self._guard:
            for series in self._series.values():
                curve = series.since(*known.get(series.id, (0, 0)), max(0, room))
                room -= len(curve.at)
                curves.append(curve)
        return curves, room <= 0

    def _begin_with(self, name: str, kind: CurveKind, test_net: int, known: Losses, stamp: int) -> None:
        series = Series(name, kind, test_net)
        if known.points:
            series.begin_with(known, stamp)
            self._series[series.id] = series

    def _iterated(self, solver: Solver) -> None:
        iteration = solver.iter - 1  # as Caffe numbers them in its log
        rate = learning_rate(solver.param, iteration)
        values: list[tuple[CurveKind, str, Any]] = [
            ("loss", "loss", solver.loss_there),
            ("rate", "learning rate", rate),
            *(("train", name, _value(blob)) for name, blob in self._scalar_tops(solver.net)),
        ]
        self._waiting.append((iteration, values))
        if len(self._waiting) >= MOST_WAITING or not any(device.holds(value) for *_, value in values):
            self._settle()

    def _settle(self) -> None:
        """Take in what was left on a device, which waits for it."""
        with self._settling, device.active():
            waiting = [self._waiting.popleft() for _ in range(len(self._waiting))]
            held = [value for _, values in waiting for *_, value in values if device.holds(value)]
            there = iter(device.on_host(device.namespace_of(held[0]).stack(held)).tolist() if held else ())
            for iteration, values in waiting:
                self._note(iteration, [(k, n, next(there) if device.holds(v) else v) for k, n, v in values])

    def _tested(self, solver: Solver, index: int, means: dict[str, float]) -> None:
        self._settle()
        blobs = solver.test_nets[index].blobs
        self._note(solver.iter, [("test", name, mean) for name, mean in means.items() if name in blobs], index)

    def _note(self, iteration: int, values: Iterable[tuple[CurveKind, str, float]], test_net: int = 0) -> None:
        with self._guard:
            stamp = next(self._clock)
            for kind, name, value in values:
                series = self._series.get(f"{kind}:{test_net}:{name}")
                if series is None:
                    if len(self._series) >= MOST_CURVES:
                        continue
                    series = Series(name, kind, test_net)
                    self._series[series.id] = series
                series.add(iteration, value, stamp)

    def _scalar_tops(self, net: Net) -> list[tuple[str, Blob]]:
        known, revision, found = self._scalars
        if known is None or known() is not net or revision != net.revision:
            found = scalar_tops(net)
            self._scalars = weakref.ref(net), net.revision, found
        return found


def _value(blob: Blob) -> Any:
    """Return the value of a blob of one: a number, or on a device a copy without axes, for which nobody waits."""
    value = blob.peek()
    return value.reshape(()).copy() if device.holds(value) else value.item()


def scalar_tops(net: Net) -> list[tuple[str, Blob]]:
    """Return the tops of one element by name; not the one that is the loss by itself, for that has its curve."""
    found: dict[str, tuple[Blob, float]] = {}
    weighted = []
    for node in net.nodes:
        weights = list(node.loss_weights)
        weighted += [weight for weight in weights if weight]
        for index, (name, top) in enumerate(zip(node.top_names, node.tops, strict=False)):
            if top.count == 1 and name != AUTOMATIC and not node.inserted:
                found[name] = top, weights[index] if index < len(weights) else 0.0
    return [(name, top) for name, (top, weight) in found.items() if not (weight and weighted == [1.0])]


class Histories:
    """The histories of all solvers, from the moment on when somebody first looks; before that nothing is noted."""

    def __init__(self) -> None:
        self._histories: weakref.WeakKeyDictionary[Solver, History] = weakref.WeakKeyDictionary()
        self._guard = threading.Lock()
        self._opened = False

    def open(self) -> None:
        """Begin to note, for the solvers that there are and those to come."""
        if self._opened:
            return
        self._opened = True
        on_new.append(self._add)
        for solver in live_solvers():
            self._add(solver)

    def close(self) -> None:
        """Note nothing any more."""
        if self._opened:
            on_new.remove(self._add)
            self._opened = False
        for solver, history in list(self._histories.items()):
            history.ignore(solver)
        self._histories.clear()

    def of(self, solver: Solver) -> History:
        """Return a solver's history."""
        self.open()
        self._add(solver)
        return self._histories[solver]

    def _add(self, solver: Solver) -> None:
        with self._guard:
            if solver not in self._histories:
                history = self._histories[solver] = History()
                history.listen(solver)
