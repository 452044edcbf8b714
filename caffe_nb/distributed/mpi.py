"""The communicator over MPI, through mpi4py."""

from __future__ import annotations

import os
import sys
import sysconfig
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from caffe_nb import device
from caffe_nb.distributed.communicator import Alone, Array, Communicator
from caffe_nb.distributed.supervise import RANKS
from caffe_nb.errors import CaffeError

LOCAL_RANKS = ("MPI_LOCALRANKID", "OMPI_COMM_WORLD_LOCAL_RANK", "SLURM_LOCALID")
"""Where MPIs tell a process which of those of its machine it is."""
SPIN = 5e-4
"""Seconds for which a wait asks without a pause: what is under way moves on by being asked for."""
PAUSES = (2e-5, 2e-4)
"""Seconds between two questions after that, at first and when the wait is long; others use the processor meanwhile."""
LONG = 0.5
"""Seconds of waiting after which `on_long_wait` is called, again and again."""

MISSING = (
    "several processes need packages that are not installed: pip install 'caffe-nb[distributed]'"
    " (ipyparallel, mpi4py and an MPI)"
)


class MPICommunicator:
    """Processes that `mpiexec` started.

    Parameters
    ----------
    comm : mpi4py.MPI.Comm, optional
        Whose processes; all that were started together by default.

    Attributes
    ----------
    on_long_wait : callable or None
        Called with the seconds so far while a wait is long; it may raise to end it.
    control : mpi4py.MPI.Comm
        For signs of life, beside what is computed.
    waiting : bool
        Whether somebody waits for something right now.
    lock : threading.Lock
        Held for each call into MPI: calls are short, and other threads may make some too.
    """

    takes_device_arrays = False

    def __init__(self, comm: Any = None) -> None:
        self._mpi = mpi()
        self.comm = (self._mpi.COMM_WORLD if comm is None else comm).Dup()
        self.control = self.comm.Dup()
        self.on_long_wait: Callable[[float], None] | None = None
        self.waiting = False
        self.lock = threading.Lock()
        self.rank = int(self.comm.Get_rank())
        self.size = int(self.comm.Get_size())

    def broadcast(self, values: Array, root: int = 0) -> None:
        """Overwrite a contiguous array by that of the process `root`."""
        with self.lock:
            request = self.comm.Ibcast(values, root)
        Request(request.Test, self).wait()

    def allreduce(self, values: Array) -> Request:
        """Begin to overwrite a contiguous array by the sum of all processes'."""
        with self.lock:
            return Request(self.comm.Iallreduce(self._mpi.IN_PLACE, values).Test, self)

    def barrier(self) -> None:
        """Return when all have called it."""
        with self.lock:
            request = self.comm.Ibarrier()
        Request(request.Test, self).wait()


class Request:
    """What is under way, until `test` says that it is done."""

    def __init__(self, test: Callable[[], bool], owner: MPICommunicator) -> None:
        self._test = test
        self._owner = owner

    def ready(self) -> bool:
        """Return whether it is done; asking moves it on."""
        with self._owner.lock:
            return bool(self._test())

    def wait(self) -> None:
        """Return when it is done; `on_long_wait` may end that."""
        began = time.perf_counter()
        self._owner.waiting = True
        try:
            while not self.ready():
                waited = time.perf_counter() - began
                if waited > SPIN:
                    time.sleep(PAUSES[waited > LONG])
                if waited > LONG and self._owner.on_long_wait is not None:
                    self._owner.on_long_wait(waited)
        finally:
            self._owner.waiting = False


def mpi() -> Any:
    """Return mpi4py's MPI.

    Raises
    ------
    CaffeError
        When it, or an MPI for it, is not installed.
    """
    try:
        from mpi4py import MPI
    except ImportError as error:
        raise CaffeError(f"{MISSING}: {error}") from error
    except RuntimeError as error:  # mpi4py is there, but no libmpi
        raise CaffeError(f"mpi4py finds no MPI: {error}; {MISSING}") from error
    return MPI


def started_by_mpi() -> bool:
    """Whether `mpiexec`, or a batch system in its place, has started this process."""
    return any(name in os.environ for name in RANKS)


def world() -> Communicator:
    """Return the communicator of all processes that were started together; one alone needs no MPI.

    In GPU mode they sum on their GPUs where that can be.
    """
    if not started_by_mpi():
        return Alone()
    comm = MPICommunicator()
    if comm.size == 1:
        return Alone()
    if device.current() is None:
        return comm
    from caffe_nb.distributed.nccl import over

    return over(comm)


def local_rank() -> int:
    """Return which of the processes of its own machine this one is, from 0; 0 where no MPI says."""
    return next((int(os.environ[name]) for name in LOCAL_RANKS if name in os.environ), 0)


def mpiexec() -> Path:
    """Return the program that starts processes: the environment's own, of the MPI that mpi4py uses there.

    Raises
    ------
    CaffeError
        When there is none.
    """
    import shutil

    mpi()
    folders = [sysconfig.get_path("scripts"), str(Path(sys.prefix) / "Library" / "bin")]
    for folder in [*folders, None]:
        found = shutil.which("mpiexec", path=folder) or shutil.which("mpirun", path=folder)
        if found:
            return Path(found)
    raise CaffeError(f"there is no mpiexec beside {sys.executable} or on the PATH; {MISSING}")
