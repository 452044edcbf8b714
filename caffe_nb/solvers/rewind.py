"""Going back: the states before the last iterations, kept in bounded memory, and put back bit for bit."""

from __future__ import annotations

import random
import weakref
from array import array
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from caffe_nb import rng
from caffe_nb.core.blob import Array, Blob
from caffe_nb.data.hdf5 import HDF5Rows, Place
from caffe_nb.errors import SolverError
from caffe_nb.layers.data.hdf5_data import HDF5Data
from caffe_nb.layers.data.prefetching import PrefetchingLayer
from caffe_nb.layers.utility.python import code_version
from caffe_nb.net import Net
from caffe_nb.net.build import Node
from caffe_nb.net.guard import SMALL, Guard
from caffe_nb.solvers import finite
from caffe_nb.solvers.base import Solver

LIMIT = 256.0
"""Megabytes that are kept at most unless somebody says otherwise."""
MEGABYTE = 2**20
SMALL_THINGS = 10_000
"""Bytes that random states, lists and dicts are counted as, once a state and once a layer with something of its own."""


@dataclass(frozen=True)
class Kept:
    """How far a solver can go back.

    Attributes
    ----------
    iterations : int
        How many iterations `rewind` can undo now.
    most : int
        How many fit into the limit.
    bytes, limit : int
        What they take, and may take.
    """

    iterations: int
    most: int
    bytes: int
    limit: int

    def __str__(self) -> str:
        return f"last {self.iterations} iterations kept, {_size(self.bytes)} of {_size(self.limit)}"


def keep_iterations(solver: Solver, on: bool = True, *, megabytes: float = LIMIT) -> Kept | None:
    """Keep the state before each of the last iterations, so that `rewind` can go back to it; or keep none any more.

    Kept are parameters, the solver's history, the random generators, what Python and data layers have in their
    attributes (of arrays above 64 KB only which they are), and the batches that were read ahead. As many iterations
    are kept as fit into the memory; the oldest make room.

    Parameters
    ----------
    solver : Solver
        Whose iterations.
    on : bool, default True
        Whether to keep them.
    megabytes : float, default 256
        How much memory they may take.

    Returns
    -------
    Kept or None
        How many fit; None when nothing is kept.

    Raises
    ------
    TypeError
        For anything else than a solver.
    SolverError
        When not even one iteration fits.
    """
    if not isinstance(solver, Solver):
        raise TypeError(f"keep_iterations takes a solver, got {type(solver).__name__}")
    ring = _rings.get(solver)
    if on and (ring is None or ring.limit != int(megabytes * MEGABYTE)):
        if ring is not None:
            ring.close(solver)
            del _rings[solver]
        made = _Ring(int(megabytes * MEGABYTE))
        made.open(solver)
        _rings[solver] = made
    elif not on and ring is not None:
        ring.close(solver)
        del _rings[solver]
    return kept(solver)


def kept(solver: Solver) -> Kept | None:
    """Return how far a solver can go back; None where nothing is kept."""
    ring = _rings.get(solver)
    return None if ring is None else ring.kept(solver)


def rewind(solver: Solver, iterations: int = 1) -> int:
    """Go back by so many iterations: everything is as it was before them, bit for bit, and they can run again.

    Parameters
    ----------
    solver : Solver
        One of which `keep_iterations` keeps the iterations.
    iterations : int, default 1
        How many to undo; 0 goes to the start of one that was stopped half-way.

    Returns
    -------
    int
        The iteration at which the solver is now.

    Raises
    ------
    SolverError
        When nothing is kept, or not so many; and while the solver runs.

    Notes
    -----
    Test nets that read from databases go on with their next batches, and files that layers have written stay.
    """
    ring = _rings.get(solver)
    if ring is None:
        raise SolverError("nothing is kept to go back to; call keep_iterations(solver) before the iterations")
    if solver.running or not solver.net.lock.acquire(blocking=False):
        raise SolverError("the solver is running; stop it, then go back")
    try:
        return ring.rewind(solver, iterations)
    finally:
        solver.net.lock.release()


class _Randoms:
    """The states of all global generators."""

    def __init__(self) -> None:
        self._numpy = np.random.get_state(legacy=False)
        self._engine = rng.get_state()
        version, words, gauss = random.getstate()
        self._python = version, array("L", words), gauss  # a tuple of them takes ten times the memory

    def put_back(self) -> None:
        np.random.set_state(self._numpy)
        rng.set_state(self._engine)
        version, words, gauss = self._python
        random.setstate((version, tuple(words), gauss))


@dataclass
class _State:
    """Everything before an iteration."""

    iteration: int
    losses: tuple[float, float]
    arrays: list[Array]
    randoms: _Randoms
    layers: list[tuple[Node, tuple[object, ...], Guard]]
    rows: list[tuple[HDF5Rows, Place]]
    places: list[int] = field(default_factory=list)
    """How many batches had been taken from each tape."""


class _Tape:
    """Stands before a layer's batches and remembers the last ones, so that they can be given again."""

    def __init__(self, source: Any) -> None:
        self.source = source
        self.place = 0
        self.closed = False  # what was given is not asked for again
        self._first = 0
        self._batches: deque[Any] = deque()

    def next(self) -> Any:
        """Return the next batch: one of those that were given before, or a new one."""
        if self.place == self._first + len(self._batches):
            self._batches.append(self.source.next())
        batch = self._batches[self.place - self._first]
        self.place += 1
        if self.closed:
            self.forget(self.place)
        return batch

    def forget(self, place: int) -> None:
        """Forget the batches before one."""
        while self._first < place:
            self._batches.popleft()
            self._first += 1

    @property
    def bytes(self) -> int:
        return sum(part.nbytes for batch in self._batches for part in batch)


class _Ring:
    """The states before the last iterations of one solver."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._states: deque[_State] = deque()
        self._shapes: list[tuple[int, ...]] = []
        self._one = self._most = 0
        self._tapes: list[tuple[PrefetchingLayer, _Tape]] = []

    def open(self, solver: Solver) -> None:
        one = self._measure(solver)
        if not self._most:
            raise SolverError(
                f"one iteration of this net takes {_size(one)}, and {_size(self.limit)} may be kept; give more with"
                f" keep_iterations(solver, megabytes={-(-one // MEGABYTE) * 10})"
            )
        for node in solver.net.nodes:
            layer = node.layer
            if isinstance(layer, PrefetchingLayer):
                tape = _Tape(layer._batches)
                layer._batches = tape  # type: ignore[assignment]
                self._tapes.append((layer, tape))
        solver.hooks.before_iteration.append(self._keep)

    def close(self, solver: Solver) -> None:
        with suppress(ValueError):
            solver.hooks.before_iteration.remove(self._keep)
        for layer, tape in self._tapes:
            tape.forget(tape.place)
            tape.closed = True
            if not tape.bytes:  # else the layer keeps it for the batches that are to be given again
                layer._batches = tape.source
        self._tapes.clear()
        self._states.clear()

    def kept(self, solver: Solver) -> Kept:
        done = [state for state in tuple(self._states) if state.iteration < solver.iter]
        return Kept(len(done), self._most, len(self._states) * self._one, self.limit)

    def rewind(self, solver: Solver, iterations: int) -> int:
        wanted = solver.iter - iterations
        state = next((state for state in self._states if state.iteration == wanted), None)
        if state is None or iterations < 0:
            raise SolverError(
                f"cannot go back by {iterations} iterations: {self.kept(solver)}; the solver is at {solver.iter}"
            )
        arrays = list(_arrays(solver, write=True))
        if [each.shape for each in arrays] != [each.shape for each in state.arrays]:
            raise SolverError(f"parameters have other shapes now than they had at iteration {wanted}")
        for blob in _params(solver.net):
            blob.touch()
        for now, then in zip(arrays, state.arrays, strict=True):
            now[...] = then
        for node, identity, guard in state.layers:
            if _identity(node) == identity:  # of other code there is nothing to put back
                guard.put_back(node.layer)
        for rows, row in state.rows:
            rows.go_to(row)
        for (_, tape), place in zip(self._tapes, state.places, strict=True):
            tape.place = place
        state.randoms.put_back()
        solver.go_back(state.iteration)
        solver.loss, solver.smoothed_loss = state.losses
        self._drop_from(state.iteration)
        finite.forget(solver.net)
        return solver.iter

    def _keep(self, solver: Solver) -> None:
        self._drop_from(solver.iter)
        if [each.shape for each in _arrays(solver)] != self._shapes:
            self._states.clear()
            self._measure(solver)
        if not self._most:  # parameters have grown beyond what may be kept
            return
        arrays = None
        while len(self._states) >= self._most:
            arrays = self._states.popleft().arrays  # whose memory is used again
        if arrays is None:
            arrays = [each.copy() for each in _arrays(solver)]
        else:
            for then, now in zip(arrays, _arrays(solver), strict=True):
                then[...] = now
        layers = [(node, _identity(node), Guard.of(node)) for node in _with_state(solver)]
        rows = [(rows, rows.place()) for rows in _hdf5(solver)]
        places = [tape.place for _, tape in self._tapes]
        losses = solver.loss, solver.smoothed_loss
        self._states.append(_State(solver.iter, losses, arrays, _Randoms(), layers, rows, places))
        for (_, tape), place in zip(self._tapes, self._states[0].places, strict=True):
            tape.forget(place)

    def _drop_from(self, iteration: int) -> None:
        """Forget what lies ahead."""
        while self._states and self._states[-1].iteration >= iteration:
            self._states.pop()

    def _measure(self, solver: Solver) -> int:
        """Find out how many iterations fit; return what one takes."""
        arrays = list(_arrays(solver))
        batches = [top for node in solver.net.nodes if isinstance(node.layer, PrefetchingLayer) for top in node.tops]
        read = sum(top.const_data.nbytes for top in batches) * solver.param.iter_size
        own = sum(_attributes(node) + SMALL_THINGS for node in _with_state(solver))
        one = sum(each.nbytes for each in arrays) + read + own + SMALL_THINGS
        self._shapes = [each.shape for each in arrays]
        self._one, self._most = one, self.limit // one
        return one


_rings: weakref.WeakKeyDictionary[Solver, _Ring] = weakref.WeakKeyDictionary()


def _params(net: Net) -> Iterator[Blob]:
    """Iterate over the parameters of a net, shared ones once."""
    seen = set()
    for node in net.nodes:
        for blob in node.layer.blobs:
            if id(blob.memory) not in seen:
                seen.add(id(blob.memory))
                yield blob


def _arrays(solver: Solver, *, write: bool = False) -> Iterator[Array]:
    """Iterate over what has to be kept, live, on the host; `write`: whether it will be written. No write is counted."""
    for blob in (*_params(solver.net), *solver.rule.memories):
        yield blob.memory.host(write=write)[: blob.count].reshape(blob.shape)


def _with_state(solver: Solver) -> Iterator[Node]:
    """Iterate over the layers that may keep something of their own from one iteration to the next."""
    for net in (solver.net, *solver.test_nets):
        for node in net.nodes:
            if node.is_python or (not node.bottoms and not isinstance(node.layer, PrefetchingLayer)):
                yield node


def _attributes(node: Node) -> int:
    """Return the bytes of the arrays that a guard copies."""
    held = [value for value in vars(node.layer).values() if isinstance(value, np.ndarray)]
    return sum(value.nbytes for value in held if value.nbytes <= SMALL)


def _hdf5(solver: Solver) -> Iterator[HDF5Rows]:
    for net in (solver.net, *solver.test_nets):
        for node in net.nodes:
            if isinstance(node.layer, HDF5Data):
                yield node.layer._rows


def _identity(node: Node) -> tuple[object, ...]:
    layer = node.layer
    return layer, type(layer), code_version(type(layer)) if node.is_python else 0


def _size(count: int) -> str:
    return f"{count / MEGABYTE:.3g} MB" if count < 1000 * MEGABYTE else f"{count / 2**30:.3g} GB"
