"""pycaffe's settings and tools of the process: the log, a stopwatch, and the names of parallel training."""

from __future__ import annotations

import logging
import sys
import time
from typing import NoReturn

from caffe_nb.errors import CaffeError
from caffe_nb.ranks import share

_log = logging.getLogger("caffe_nb")
_LEVELS = (logging.INFO, logging.WARNING, logging.ERROR, logging.CRITICAL)


def init_log(level: int = 0, stderr: bool = True) -> None:
    """Show what the engine logs, from a level on.

    Parameters
    ----------
    level : int, default 0
        As glog counts: 0 info, 1 warnings, 2 errors, 3 what ends the process.
    stderr : bool, default True
        Whether to write it to the standard error stream; where False, the handlers of `logging` decide.
    """
    _log.setLevel(_LEVELS[min(max(int(level), 0), 3)])
    if stderr and not any(getattr(handler, "of_init_log", False) for handler in _log.handlers):
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(logging.Formatter("%(levelname).1s%(asctime)s] %(message)s", "%m%d %H:%M:%S"))
        handler.of_init_log = True  # type: ignore[attr-defined]
        _log.addHandler(handler)


def log(text: str) -> None:
    """Write a line into the log, as information."""
    _log.info("%s", text)


class Timer:
    """A stopwatch.

    Examples
    --------
    >>> timer = Timer()
    >>> timer.start()
    >>> timer.stop()
    >>> timer.ms >= 0
    True
    """

    def __init__(self) -> None:
        self._begun: float | None = None
        self._seconds = 0.0

    def start(self) -> None:
        """Begin to measure."""
        self._begun = time.perf_counter()

    def stop(self) -> None:
        """End the measurement."""
        self._seconds = self._elapsed()
        self._begun = None

    def _elapsed(self) -> float:
        return self._seconds if self._begun is None else time.perf_counter() - self._begun

    @property
    def ms(self) -> float:
        """Milliseconds between `start` and `stop`; so far, while it runs."""
        return self._elapsed() * 1000


class NCCL:
    """pycaffe's training on several GPUs, which is not there: making one is refused."""

    def __init__(self, solver: object, uid: str = "") -> None:
        _no_nccl()

    @staticmethod
    def new_uid() -> str:
        """Refuse, as the constructor does."""
        _no_nccl()


def _no_nccl() -> NoReturn:
    raise CaffeError(
        "caffe_nb has no NCCL object: several processes train with `mpiexec -n N caffe train`, which uses NCCL itself "
        "where there are GPUs. `caffe.has_nccl()` says so to scripts that ask; leave the object and its callbacks out, "
        "and call solver.solve()"
    )


def has_nccl() -> bool:
    """Whether scripts can train on several GPUs through an NCCL object: False."""
    return False


def solver_count() -> int:
    """Return how many solvers train side by side, each in a process of its own: 1 without `mpiexec` or a cluster."""
    return share().size


def solver_rank() -> int:
    """Return which of the solvers this process runs, from 0."""
    return share().rank


def set_solver_count(count: int) -> None:
    """Say how many solvers train side by side.

    Raises
    ------
    CaffeError
        For any other number than `solver_count` gives: processes are started by `mpiexec` or `%caffe_cluster`.
    """
    if count != solver_count():
        raise CaffeError(
            f"{solver_count()} solvers train here, set_solver_count({count}) starts no more: use"
            " `mpiexec -n N caffe train` or %caffe_cluster"
        )


def set_solver_rank(rank: int) -> None:
    """Say which of the solvers this process runs.

    Raises
    ------
    CaffeError
        For any other than `solver_rank` gives.
    """
    if rank != solver_rank():
        raise CaffeError(
            f"this process runs solver {solver_rank()}, which `mpiexec` or %caffe_cluster says; got {rank}"
        )


def set_multiprocess(multiprocess: bool) -> None:
    """Say whether the solvers run in processes of their own; with one solver that changes nothing."""
