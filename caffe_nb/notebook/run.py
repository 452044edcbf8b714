"""`%caffe_run`: run a solver or a net with progress, and stop cleanly on interrupt."""

from __future__ import annotations

import operator
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from caffe_nb import live
from caffe_nb.core.layer import Phase
from caffe_nb.errors import SolverError
from caffe_nb.net import Net
from caffe_nb.notebook.display import Progress, shown
from caffe_nb.solvers import Solver

told: list[live.Swap] = []
"""Swaps that the output of a run has shown; who shows the others empties it."""


def run(target: Net | Solver, iterations: int | None = None, *, backward: bool = True, quiet: bool = False) -> None:
    """Run a solver or a net, with a progress bar and the loss so far.

    Parameters
    ----------
    target : Net or Solver
        A solver is stepped; a net runs forward, and backward where its phase is TRAIN.
    iterations : int, optional
        How many; for a solver what is left to max_iter, for a net 1.
    backward : bool, default True
        For a net: whether to run backward too.
    quiet : bool, default False
        Show nothing.

    Raises
    ------
    TypeError
        When the target is neither a net nor a solver, or the number is none.
    SolverError
        When a solver has reached its max_iter and no number is given, or the number is negative.
    Exception
        What a layer raises.

    Notes
    -----
    The first interrupt stops after the current iteration; everything stays as it is, and running again goes on. The
    second one, while that iteration still runs, raises KeyboardInterrupt at once.
    """
    __tracebackhide__ = True
    if not isinstance(target, Net | Solver):
        raise TypeError(f"run takes a net or a solver, got a {type(target).__name__}")
    if iterations is None:
        iterations = _left(target) if isinstance(target, Solver) else 1
    iterations = operator.index(iterations)
    if iterations < 0:
        raise SolverError(f"cannot run {iterations} iterations; give a number from 0 up")
    start = target.iter if isinstance(target, Solver) else 0
    progress = Progress(_title(target), start, start + iterations)
    with shown(progress, quiet=quiet), _swaps_into(progress):
        if isinstance(target, Solver):
            _run_solver(target, iterations, progress)
        else:
            _run_net(target, iterations, backward and target.phase == Phase.TRAIN, progress)


def _left(solver: Solver) -> int:
    left = solver.param.max_iter - solver.iter
    if left <= 0:
        raise SolverError(
            f"the solver is at iteration {solver.iter} and max_iter is {solver.param.max_iter}:"
            " nothing is left; say how many to run with -n (iterations=)"
        )
    return left


def _run_solver(solver: Solver, iterations: int, progress: Progress) -> None:
    __tracebackhide__ = True

    def after_iteration(solver: Solver) -> None:
        progress.advance(solver.iter, solver.loss, solver.lr)

    def after_test(solver: Solver, index: int, outputs: dict[str, float]) -> None:
        progress.test(solver.iter, index, outputs)

    solver.hooks.after_iteration.append(after_iteration)
    solver.hooks.after_test.append(after_test)
    end = solver.iter + iterations
    try:
        with _interrupt(solver.stop, progress):
            solver.step(iterations)
            if (
                iterations
                and solver.iter == end
                and solver.test_nets
                and solver.param.test_interval
                and solver.iter % solver.param.test_interval == 0
            ):
                solver.test_all()
    finally:
        solver.hooks.after_iteration.remove(after_iteration)
        solver.hooks.after_test.remove(after_test)


def _run_net(net: Net, iterations: int, backward: bool, progress: Progress) -> None:
    __tracebackhide__ = True
    stop = threading.Event()
    with _interrupt(stop.set, progress):
        for done in range(1, iterations + 1):
            if backward:
                net.clear_param_diffs()
            loss = net.forward_backward() if backward else net.forward_pass()
            weighted = any(weight for node in net.nodes for weight in node.loss_weights)
            progress.advance(done, loss if weighted else None, None)
            if stop.is_set():
                break


@contextmanager
def _interrupt(stop: Callable[[], object], progress: Progress) -> Iterator[None]:
    """Let the first interrupt call `stop` and the second raise KeyboardInterrupt."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def first(_number: int, _frame: Any) -> None:
        progress.note("stopped by interrupt; run again to go on")
        stop()
        signal.signal(signal.SIGINT, signal.default_int_handler)

    before = signal.signal(signal.SIGINT, first)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _swaps_into(progress: Progress) -> Iterator[None]:
    def note(swap: live.Swap) -> None:
        told.append(swap)
        progress.note(swap.message)

    live.on_swap.append(note)
    try:
        yield
    finally:
        live.on_swap.remove(note)


def _title(target: Net | Solver) -> str:
    return target.net.name if isinstance(target, Solver) else target.name
