"""Data-parallel training: each process runs its share of a global batch, and all make the same update."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

import numpy as np

from caffe_nb.distributed.buckets import Buckets
from caffe_nb.distributed.communicator import Array, Communicator
from caffe_nb.distributed.faults import RankError, raise_together, together
from caffe_nb.solvers import Solver


class DataParallel:
    """Trains a solver's net together with the same solver in other processes.

    The global batch is the net's batch times the number of processes. All processes begin with the weights and the
    state of rank 0, average their gradients before each update, and so stay equal; rank 0 writes the snapshots, runs
    the tests and logs.

    Parameters
    ----------
    solver : Solver
        The same in all processes; `start.build` makes one whose data layers take their share.
    comm : Communicator
        The processes.

    Attributes
    ----------
    losses, seconds, waits : (size,) ndarray
        Of the last iteration, by rank: the loss of its share, the time that it computed, and the time that it then
        waited for the others' gradients.
    want_stop : bool
        Set it on any rank, from a signal handler too: all stop after the same iteration.
    edits_wait : callable
        Asked on rank 0 before each iteration; where it says yes, `take_edits` is called on all ranks.
    take_edits : callable
        Takes edits of layers up, on all ranks or on none.
    watch : context manager
        Entered while it trains: `Pulse` finds processes that hang.
    """

    def __init__(self, solver: Solver, comm: Communicator) -> None:
        self.solver = solver
        self.comm = comm
        self.buckets = Buckets(solver.net, comm)
        self.losses, self.seconds, self.waits = (np.zeros(comm.size) for _ in range(3))
        self.want_stop = False
        self.edits_wait: Callable[[], bool] = _no
        self.take_edits: Callable[[], object] = _no
        self.watch: AbstractContextManager[object] = nullcontext()
        self._in_passes = False
        self._agreed_to_stop = False
        self._began = 0.0
        if comm.rank:
            _only_compute(solver)
        solver.hooks.before_iteration.insert(0, self._begin)
        solver.net.hooks.after_backward.append(self._layer_done)
        solver.add_callback(_no, self._gradients_ready)
        self.share_state()

    def restore(self, path: str | os.PathLike[str]) -> None:
        """Take up a .solverstate that rank 0 can read; it may come from another number of processes.

        Raises
        ------
        RankError
            When it cannot be read, on all ranks.
        """
        together(self.comm, lambda: None if self.comm.rank else self.solver.restore(path))
        self.share_state()

    def share_state(self) -> None:
        """Give all processes the weights, the solver's history and the iteration of rank 0."""
        iteration = np.array([self.solver.iter], np.int64)
        self.comm.broadcast(iteration)
        if self.comm.rank:
            self.solver.go_back(int(iteration[0]))
        for blob in self.solver.net.learnable_params:
            self.comm.broadcast(blob.data)
        for history in self.solver.rule.history:
            self.comm.broadcast(history)

    def step(self, iterations: int) -> None:
        """Run that many iterations, on all processes together; see `Solver.step`.

        Raises
        ------
        RankError
            When one of them cannot go on: on all of them, after the same iteration.
        """
        self._together(lambda: self.solver.step(iterations))

    def solve(self) -> None:
        """Train until `max_iter`, on all processes together; see `Solver.solve`.

        Raises
        ------
        RankError
            As `step`.
        """
        self._together(self.solver.solve)

    def _together(self, run: Callable[[], object]) -> None:
        self._agreed_to_stop = self._in_passes = False
        with self.watch:
            try:
                run()
                if not self._agreed_to_stop:
                    self._before(None)
            except RankError:
                raise
            except BaseException as error:
                self._tell(error)
                raise

    def _tell(self, error: BaseException) -> None:
        """Go through what the others wait for, and let them hear of an exception there."""
        if self._in_passes:
            self.buckets.finish()
            self._after(error)
        else:
            self._before(error)

    def _begin(self, solver: Solver) -> None:
        if self._before(None):
            self._agreed_to_stop = True
            solver.stop()
            return
        self.buckets.begin()
        self._in_passes = True
        self._began = time.perf_counter()

    def _before(self, error: BaseException | None) -> bool:
        """Say and hear how things stand before an iteration, or at the end; return whether all stop."""
        size = self.comm.size
        standing = np.zeros(size + 2)
        standing[self.comm.rank] = error is not None
        standing[size] = self.want_stop or self.solver.stopping
        standing[size + 1] = not self.comm.rank and self.edits_wait()
        self.comm.allreduce(standing).wait()
        raise_together(self.comm, standing[:size], error)
        if standing[size]:
            self.want_stop = False
            return True
        if standing[size + 1]:
            self.take_edits()
        return False

    def _layer_done(self, index: int) -> None:
        if self._in_passes and self.solver.last_pass:
            self.buckets.layer_done(index)

    def _gradients_ready(self) -> None:
        computed = time.perf_counter() - self._began
        self.buckets.finish()
        self._after(None, computed)
        self.solver.loss = float(np.mean(self.losses))

    def _after(self, error: BaseException | None, computed: float = 0.0) -> None:
        """Say and hear how the passes of an iteration went."""
        size, rank = self.comm.size, self.comm.rank
        told: Array = np.zeros((4, size))
        told[:, rank] = error is not None, self.solver.loss, computed, self.buckets.spent.waiting
        self.comm.allreduce(told).wait()
        self._in_passes = False
        raise_together(self.comm, told[0], error)
        _, self.losses, self.seconds, self.waits = told


def _only_compute(solver: Solver) -> None:
    """Leave to rank 0 what is done once."""
    param = solver.param
    param.snapshot = param.display = param.test_interval = 0
    param.snapshot_after_train = False


def _no() -> bool:
    return False
