"""`caffe train` in several processes at once, as `mpiexec` starts them."""

from __future__ import annotations

import argparse
import faulthandler
import logging
import os
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager

from caffe_nb.distributed import Communicator, DataParallel, RankError, build
from caffe_nb.distributed import supervise as supervisor
from caffe_nb.distributed.communicator import gather
from caffe_nb.distributed.edits import follow_edits
from caffe_nb.distributed.faults import Hung, own_name
from caffe_nb.distributed.mpi import started_by_mpi
from caffe_nb.distributed.supervise import SUPERVISED
from caffe_nb.proto.text import SolverSource
from caffe_nb.solvers import Solver

log = logging.getLogger("caffe_nb")

Signals = Callable[[Solver, argparse.Namespace, bool], AbstractContextManager[None]]
GRACE = 2.0
"""Seconds for which the others let the one who speaks finish, before they end themselves."""


def supervise() -> None:
    """Where MPI has started this process: begin anew under a supervisor, which can say how it ended."""
    if os.name == "posix" and started_by_mpi() and SUPERVISED not in os.environ:
        os.execv(sys.executable, [sys.executable, supervisor.__file__, *sys.orig_argv])


def train(comm: Communicator, args: argparse.Namespace, read: Callable[[], SolverSource], signals: Signals) -> int:
    """Train together; rank 0 logs.

    Parameters
    ----------
    comm : Communicator
        The processes.
    args : argparse.Namespace
        The command's options.
    read : callable
        Returns the solver's text.
    signals : callable
        Makes what handles signals while it trains.

    Returns
    -------
    int
        The process's exit code.
    """
    faulthandler.enable()  # a process that crashes leaves its stack
    if comm.rank:
        log.setLevel(logging.WARNING)
    for rank, name in enumerate(gather(comm, own_name())):
        log.info("Rank %d of %d: %s", rank, comm.size, name)
    try:
        training = build(read, comm, weights=args.weights, snapshot=args.snapshot)
        follow_edits(training)
        log.info("Starting Optimization")
        with signals(training.solver, args, not comm.rank):
            training.solve()
    except Hung as error:
        _end(comm, error)
    except RankError as error:
        if not comm.rank:
            print(f"caffe train: {error}", file=sys.stderr, flush=True)
        return 1
    _report(training)
    log.info("Optimization Done.")
    return 0


def _report(training: DataParallel) -> None:
    for rank, (loss, seconds, wait) in enumerate(zip(training.losses, training.seconds, training.waits, strict=True)):
        log.info("Rank %d, last iteration: loss = %g, %.3g s at work, %.3g s waiting", rank, loss, seconds, wait)


def _end(comm: Communicator, error: Hung) -> None:
    """End all processes: what is under way with one that hangs cannot be taken back."""
    hung = [fault.rank for fault in error.faults]
    if comm.rank == min(rank for rank in range(comm.size) if rank not in hung):
        print(f"caffe train: {error}", file=sys.stderr, flush=True)
    else:
        time.sleep(GRACE)
    os._exit(1)  # MPI's own end would wait for the one that hangs; mpiexec ends what is left
