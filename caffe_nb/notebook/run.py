"""`%caffe_run`: run a solver or a net with progress, and stop cleanly on interrupt."""

from __future__ import annotations

import operator
import signal
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from caffe_nb import device, live
from caffe_nb.core.layer import Phase
from caffe_nb.errors import SolverError
from caffe_nb.inspector.control import control_of
from caffe_nb.net import Net
from caffe_nb.net.interrupts import Interrupt
from caffe_nb.notebook.display import REFRESH, Progress, shown
from caffe_nb.solvers import Solver

told: list[live.Swap] = []
"""Swaps that the output of a run has shown; who shows the others empties it."""


def run(
    target: Net | Solver,
    iterations: int | None = None,
    *,
    backward: bool = True,
    quiet: bool = False,
    wait: bool = False,
) -> None:
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
    wait : bool, default False
        When a layer raises: wait for the next accepted edit of the net's layers, then go on; an interrupt ends it.

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
    second one, while that iteration still runs, raises KeyboardInterrupt before the next layer; running again goes on
    within the iteration, as it does after a layer's exception.
    """
    __tracebackhide__ = True
    if not isinstance(target, Net | Solver):
        raise TypeError(f"run takes a net or a solver, got {type(target).__name__}")
    if iterations is None:
        iterations = _left(target) if isinstance(target, Solver) else 1
    iterations = operator.index(iterations)
    if iterations < 0:
        raise SolverError(f"cannot run {iterations} iterations; give a number from 0 up")
    start = target.iter if isinstance(target, Solver) else 0
    progress = Progress(_title(target), start, start + iterations)
    with shown(progress, quiet=quiet), _swaps_into(progress):
        if isinstance(target, Solver):
            _going_on(target.net, progress, wait, partial(_run_solver, target, start + iterations, progress))
        else:
            with_backward = backward and target.phase == Phase.TRAIN
            _going_on(target, progress, wait, partial(_run_net, target, iterations, with_backward, progress))


def run_on_cluster(target: Net | Solver, iterations: int | None = None, *, quiet: bool = False) -> None:
    """Run a solver on the notebook's cluster, with one progress bar and what each rank does.

    Parameters
    ----------
    target : Solver
        One that comes from a file; it has the state that rank 0 reached, when the run ends.
    iterations : int, optional
        How many; what is left to max_iter by default.
    quiet : bool, default False
        Show nothing.

    Raises
    ------
    CaffeError
        When no cluster runs, or the solver comes from no file.
    RankError
        When a rank cannot go on; all have stopped then, after the same iteration.

    Notes
    -----
    The first interrupt stops all ranks after the same iteration; the second one ends their processes.
    """
    from caffe_nb.notebook import cluster

    if not isinstance(target, Solver):
        raise TypeError(f"a cluster trains a solver, got {type(target).__name__}")
    cluster.current().run(target, _left(target) if iterations is None else iterations, quiet=quiet)


def _going_on(net: Net, progress: Progress, wait: bool, body: Callable[[], None]) -> None:
    """Run; where a layer stops it say how to go on, or wait for the mend and do so.

    `body` is no closure: one would keep the net in the traceback that IPython keeps.
    """
    __tracebackhide__ = True
    while True:
        try:
            body()
            return
        except Exception as error:
            if net.paused is None:
                raise
            frame = traceback.extract_tb(error.__traceback__)[-1]
            progress.note(f"paused before the {net.paused.method} of layer '{net.paused.layer}'")
            if not wait:
                progress.note("mend it, save, and run again: it goes on from there, with the same batch")
                raise
            progress.note(f"{type(error).__name__}: {error} ({Path(frame.filename).name}:{frame.lineno})")
            progress.note("waiting for a save; interrupt to stop")
            _wait_for_swap(net)


def _wait_for_swap(net: Net) -> None:
    came = threading.Event()

    def heard(swap: live.Swap) -> None:
        if swap.ok and any(place[0] == net.id for place in swap.nets):
            came.set()

    live.on_swap.append(heard)
    try:
        while not came.wait(0.05):  # in pieces, so that an interrupt gets through
            pass
    finally:
        live.on_swap.remove(heard)


def _left(solver: Solver) -> int:
    left = solver.param.max_iter - solver.iter
    if left <= 0:
        raise SolverError(
            f"the solver is at iteration {solver.iter} and max_iter is {solver.param.max_iter}:"
            " nothing is left; say how many to run with -n (iterations=)"
        )
    return left


def _run_solver(solver: Solver, end: int, progress: Progress) -> None:
    __tracebackhide__ = True

    read = 0.0

    def after_iteration(solver: Solver) -> None:
        nonlocal read
        now = time.perf_counter()
        if device.current() is None or now - read > REFRESH:  # reading the loss waits for a GPU
            read = now
            progress.advance(solver.iter, solver.loss, solver.lr)

    def after_test(solver: Solver, index: int, outputs: dict[str, float]) -> None:
        progress.test(solver.iter, index, outputs)

    solver.hooks.after_iteration.append(after_iteration)
    solver.hooks.after_test.append(after_test)
    iterations = end - solver.iter
    try:
        with _interrupt(solver.stop, [solver.net, *solver.test_nets], progress):
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
        if progress.iteration != solver.iter:
            progress.advance(solver.iter, solver.loss, solver.lr)
        solver.hooks.after_iteration.remove(after_iteration)
        solver.hooks.after_test.remove(after_test)


def _run_net(net: Net, iterations: int, backward: bool, progress: Progress) -> None:
    __tracebackhide__ = True
    stop = threading.Event()
    with _interrupt(stop.set, [net], progress):
        for done in range(1, iterations + 1):
            loss = _pass(net, backward)
            weighted = any(weight for node in net.nodes for weight in node.loss_weights)
            progress.advance(done, loss if weighted else None, None)
            if stop.is_set():
                break


def _pass(net: Net, backward: bool) -> float:
    """Run a net once, or go on with the pass that was stopped."""
    __tracebackhide__ = True
    paused = net.paused
    if paused is None:
        if backward:
            net.clear_param_diffs()
        return net.forward_backward() if backward else net.forward_pass()
    loss = net.resume()
    if backward and paused.method == "forward":
        net.backward_pass()
    return loss


@contextmanager
def _interrupt(stop: Callable[[], object], nets: Sequence[Net], progress: Progress) -> Iterator[None]:
    """Let the first interrupt call `stop`, and the second stop the first net before its next layer."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def first(_number: int, _frame: Any) -> None:
        progress.note("stopped by interrupt; run again to go on")
        stop()
        for net in nets:
            control_of(net).release()
        signal.signal(signal.SIGINT, Interrupt(nets))

    nets[0].interrupted = False
    before = signal.signal(signal.SIGINT, first)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        nets[0].interrupted = False


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
