"""How gradients and updates fare, layer by layer, over a training: sampled while a panel shows it."""

from __future__ import annotations

import itertools
import math
import threading
import time
import uuid
import weakref
from array import array
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

from caffe_nb.core.blob import Array, Blob
from caffe_nb.inspector.messages import HEALTH_BAD as BAD
from caffe_nb.inspector.messages import HEALTH_ZERO as ZERO
from caffe_nb.inspector.training_messages import HealthColumn, HealthLayer, Measure
from caffe_nb.net.build import Node
from caffe_nb.net.net import Net
from caffe_nb.solvers import Solver

MOST_COLUMNS = 512
"""Samples that are kept."""
MOST_ELEMENTS = 1 << 14
"""Elements that are looked at of each blob, evenly spread; a few of a large one tell its size as well."""
MOST_SENT = 30_000
"""Values in an answer."""
INTERVAL = 0.3
"""Least seconds between two samples."""
SHARE = 200
"""A sample may take one part in so many of the time."""
PATIENCE = 5.0
"""Seconds after which nobody seems to look any more."""


@dataclass
class Row:
    """What is measured of a layer.

    Attributes
    ----------
    node : Node
        The layer.
    tops : list of Blob
        Those whose diffs backward computes, losses left out.
    params : list of Blob
        Those that learn.
    """

    node: Node
    tops: list[Blob]
    params: list[Blob]


def rows_of(net: Net) -> list[Row]:
    """Return the layers that have anything to measure, in order."""
    wanted = {
        id(bottom)
        for node in net.nodes
        if node.needs_backward
        for bottom, needed in zip(node.bottoms, node.propagate_down, strict=False)
        if needed
    }
    rates = {id(blob.memory): rate for blob, rate in zip(net.learnable_params, net.params_lr, strict=False)}
    rows = []
    for node in net.nodes:
        if node.inserted:
            continue
        weights = [*node.loss_weights, *itertools.repeat(0.0, len(node.tops))]
        tops = [top for top, weight in zip(node.tops, weights, strict=False) if id(top) in wanted and not weight]
        # Where no backward comes, parameters that should learn do not: their layer is dead.
        params = [blob for blob in node.layer.blobs if rates.get(id(blob.memory))]
        if tops or params:
            rows.append(Row(node, tops, params))
    return rows


def size(values: Iterable[Array]) -> tuple[float, int]:
    """Return the sum of magnitudes of evenly spread elements, scaled to all of them, and how many those are."""
    total, count = 0.0, 0
    for tensor in values:
        flat = tensor.reshape(-1)
        step = -(-flat.size // MOST_ELEMENTS) if flat.size else 1
        part = flat[::step]
        found = float(np.abs(part).sum(dtype=np.float64))
        if found == 0 and step > 1 and flat.any():
            found = float(np.abs(flat).sum(dtype=np.float64)) / step
        total += found * step
        count += flat.size
    return total, count


def code(part: float, whole: float) -> int:
    """Return the quotient as it travels: hundredths of its logarithm."""
    if not (math.isfinite(part) and math.isfinite(whole)):
        return BAD
    if part == 0:
        return ZERO
    if whole == 0:
        return BAD
    return round(100 * math.log10(part / whole))


class Health:
    """The samples of one solver, of its trained net; hooks are there only while somebody asks.

    Attributes
    ----------
    key : str
        Tells these samples from any others; another one when the net's layers change.
    """

    def __init__(self) -> None:
        self.key = ""
        self._numbers = itertools.count(1)
        self._columns: deque[tuple[int, int, dict[Measure, array[int]]]] = deque(maxlen=MOST_COLUMNS)
        self._guard = threading.Lock()
        self._layers: dict[Measure, list[HealthLayer]] = {}
        self._rows: dict[int, Row] = {}
        self._net: weakref.ref[Net] | None = None
        self._revision = -1
        self._until = self._next = 0.0
        self._cost = 0.0
        self._listening = self._sampling = False
        self._found: dict[Measure, dict[int, int]] = {}

    def ask(
        self, solver: Solver, measure: Measure, key: str, since: int
    ) -> tuple[list[HealthLayer], list[HealthColumn], bool]:
        """Return the rows, the columns after `since` and whether there are more; go on sampling for a while."""
        with self._guard:
            self._until = time.monotonic() + PATIENCE
            self._follow(solver.net)
            if not self._listening:
                self._listening = True
                solver.hooks.before_iteration.append(self._before)
            layers = self._layers[measure]
            news = [column for column in self._columns if key != self.key or column[0] > since]
        most = max(1, MOST_SENT // max(1, len(layers)))
        columns = [
            HealthColumn(number, iteration, values[measure].tolist()) for number, iteration, values in news[:most]
        ]
        return layers, columns, len(news) > most

    def close(self, solver: Solver) -> None:
        """Take all hooks away."""
        _drop(solver.hooks.before_iteration, self._before)
        self._end(solver)
        self._listening = False

    def _follow(self, net: Net) -> None:
        """Measure this net's layers as they are now."""
        if self._net is not None and self._net() is net and self._revision == net.revision:
            return
        rows = rows_of(net)
        self._net, self._revision = weakref.ref(net), net.revision
        self._rows = {row.node.index: row for row in rows}
        with_tops = [HealthLayer(row.node.index, row.node.name) for row in rows if row.tops]
        with_params = [HealthLayer(row.node.index, row.node.name) for row in rows if row.params]
        layers: dict[Measure, list[HealthLayer]] = {"tops": with_tops, "params": with_params, "updates": with_params}
        if layers != self._layers:
            self._layers, self.key = layers, uuid.uuid4().hex[:12]
            self._columns.clear()

    # called by the solver and its net

    def _before(self, solver: Solver) -> None:
        now = time.monotonic()
        if now > self._until:
            with self._guard:
                self.close(solver)
            return
        if now < self._next or self._sampling:
            return
        self._sampling, self._cost, self._found = True, 0.0, {"tops": {}, "params": {}, "updates": {}}
        solver.net.hooks.before_backward.append(self._tops)
        solver.net.hooks.after_backward.append(self._params)
        solver.hooks.after_iteration.append(self._after)

    def _tops(self, index: int) -> None:
        row = self._rows.get(index)
        if row is not None and row.tops and self._sampling:
            began = time.perf_counter()
            self._found["tops"][index] = code(*size(top.peek("diff") for top in row.tops))
            self._cost += time.perf_counter() - began

    def _params(self, index: int) -> None:
        row = self._rows.get(index)
        if row is not None and row.params and self._sampling:
            began = time.perf_counter()
            self._found["params"][index] = code(*size(blob.peek("diff") for blob in row.params))
            self._cost += time.perf_counter() - began

    def _after(self, solver: Solver) -> None:
        began = time.perf_counter()
        for index, row in self._rows.items():
            if row.params:  # the update is where the gradient was
                update, _ = size(blob.peek("diff") for blob in row.params)
                weight, _ = size(blob.peek() for blob in row.params)
                self._found["updates"][index] = code(update, weight)
        self._end(solver)
        self._cost += time.perf_counter() - began
        self._next = time.monotonic() + max(INTERVAL, SHARE * self._cost)
        with self._guard:
            values = {
                measure: array("i", (self._found[measure].get(layer.index, ZERO) for layer in layers))
                for measure, layers in self._layers.items()
            }
            self._columns.append((next(self._numbers), solver.iter - 1, values))
            self._follow(solver.net)

    def _end(self, solver: Solver) -> None:
        """Take away what a sample needs."""
        self._sampling = False
        _drop(solver.hooks.after_iteration, self._after)
        _drop(solver.net.hooks.before_backward, self._tops)
        _drop(solver.net.hooks.after_backward, self._params)


def _drop(hooks: list[Any], hook: object) -> None:
    """Take a hook away; in place, for others may be adding theirs from another thread."""
    with suppress(ValueError):
        hooks.remove(hook)


class Healths:
    """The samples of all solvers."""

    def __init__(self) -> None:
        self._of: weakref.WeakKeyDictionary[Solver, Health] = weakref.WeakKeyDictionary()

    def of(self, solver: Solver) -> Health:
        """Return a solver's samples."""
        return self._of.setdefault(solver, Health())

    def close(self) -> None:
        """Take all hooks away."""
        for solver, health in list(self._of.items()):
            health.close(solver)
