"""What `%caffe_run --cluster` runs in the engines of a cluster; each is one rank."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import numpy as np

from caffe_nb.core.blob import Array
from caffe_nb.distributed import DataParallel, MPICommunicator, RankError, build
from caffe_nb.distributed.edits import follow_edits
from caffe_nb.distributed.faults import Hung, own_name
from caffe_nb.live import Swap
from caffe_nb.proto.text import read_solver
from caffe_nb.solvers import Solver

EVERY = 0.15
"""Seconds between two messages about the progress, at least."""
CELL = "import caffe\nimport numpy as np\n\n"
"""What a class that a notebook's cell defined finds in its engine."""

_comm: MPICommunicator | None = None


def hello(folder: str, path: list[str]) -> dict[str, Any]:
    """Work in the notebook's folder from now on, and find the modules that it finds; say who this is."""
    os.chdir(folder)
    sys.path[:] = [*(each for each in path if each not in sys.path), *sys.path]
    comm = _communicator()
    return {"rank": comm.rank, "size": comm.size, "name": own_name(), "pid": os.getpid()}


def train(path: str, end: int, cells: dict[str, str], state: dict[str, Any] | None) -> dict[str, Any]:
    """Train a solver's net, together with the other engines, until iteration `end`.

    Parameters
    ----------
    path : str
        The solver's prototxt.
    end : int
        Where to stop.
    cells : dict of str to str
        Texts of layer classes that cells define, by name.
    state : dict or None
        For rank 0: iteration, weights and history to begin with.

    Returns
    -------
    dict
        What stopped it (`faults`, `hung`); from rank 0 the state that was reached, and how often it told something.
    """
    comm = _communicator()
    for name, text in cells.items():
        _define(name, text)
    told = Told() if comm.rank == 0 else None
    try:
        training = build(lambda: read_solver(path, keep_unknown=True), comm)
        if state is not None:
            take_state(training.solver, state)
        training.share_state()
        follow_edits(training, told.swaps if told else lambda swaps: None)
        if told:
            told.follow(training)
        with _interrupt(training):
            training.step(end - training.solver.iter)
        if told:
            told.publish(training)
    except RankError as error:
        faults, hung, reached = [asdict(fault) for fault in error.faults], isinstance(error, Hung), None
    else:
        faults, hung, reached = [], False, state_of(training.solver) if comm.rank == 0 else None
    return {"faults": faults, "hung": hung, "state": reached, "told": told.number if told else 0}


def state_of(solver: Solver) -> dict[str, Any]:
    """Return iteration, weights and history of a solver."""
    return {
        "iteration": solver.iter,
        "weights": [np.array(blob.const_data) for blob in solver.net.learnable_params],
        "history": [np.array(array) for array in solver.rule.history],
    }


def take_state(solver: Solver, state: dict[str, Any]) -> None:
    """Put a solver into a state that `state_of` returned."""
    solver.go_back(state["iteration"])
    for blob, values in zip(solver.net.learnable_params, state["weights"], strict=True):
        blob.data = values
    for array, values in zip(solver.rule.history, state["history"], strict=True):
        array[...] = values


class Told:
    """What rank 0 tells the notebook while it trains.

    Attributes
    ----------
    number : int
        How often it did.
    """

    def __init__(self) -> None:
        self.number = 0
        self._last = 0.0
        self._points: list[tuple[int, float, float]] = []
        self._tests: list[tuple[int, int, dict[str, float]]] = []
        self._notes: list[str] = []

    def follow(self, training: DataParallel) -> None:
        """Publish losses, tests and times of a training as it goes on."""

        def after_iteration(solver: Solver) -> None:
            self._points.append((solver.iter, solver.loss, solver.lr))
            if time.perf_counter() - self._last >= EVERY:
                self.publish(training)

        def after_test(solver: Solver, index: int, outputs: dict[str, float]) -> None:
            self._tests.append((solver.iter, index, outputs))

        training.solver.hooks.after_iteration.append(after_iteration)
        training.solver.hooks.after_test.append(after_test)

    def swaps(self, swaps: list[Swap]) -> None:
        """Pass on what became of edits."""
        self._notes += [swap.message for swap in swaps]

    def publish(self, training: DataParallel) -> None:
        """Send what there is."""
        from ipyparallel.datapub import publish_data

        self._last = time.perf_counter()
        self.number += 1
        ranks: list[Array] = [training.losses, training.seconds, training.waits]
        message = {
            "points": self._points,
            "tests": self._tests,
            "notes": self._notes,
            "ranks": [each.tolist() for each in ranks],
        }
        publish_data({f"told {self.number}": message})
        self._points, self._tests, self._notes = [], [], []


def _communicator() -> MPICommunicator:
    global _comm
    _comm = _comm or MPICommunicator()
    return _comm


def _define(name: str, text: str) -> None:
    space = vars(sys.modules["__main__"])
    exec(compile(CELL + text, f"<{name} of the notebook>", "exec"), space)  # noqa: S102  (the user's own cell)


@contextmanager
def _interrupt(training: DataParallel) -> Iterator[None]:
    """Let an interrupt end the training on all ranks after the same iteration."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(_number: int, _frame: Any) -> None:
        training.want_stop = True

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
