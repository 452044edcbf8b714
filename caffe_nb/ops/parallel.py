"""Sharing work out to threads: one number of threads for the kernels and for NumPy's BLAS.

Kernels and NumPy let go of the interpreter's lock while they compute, so plain threads do; each takes a part of the
batch, and calls a BLAS that runs on one thread meanwhile.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from caffe_nb.ops.processors import processors

if TYPE_CHECKING:
    from threadpoolctl import LibController

Array = NDArray[Any]
Result = TypeVar("Result")

LEAST_WORK = 400_000
"""Work below this is done by the thread that asks: waking another takes some 50 µs."""

_pool: ThreadPoolExecutor | None = None
_guard = threading.RLock()
_single = 0  # callers that want a BLAS of one thread now
_before: list[int] = []
_wanted: int | None = None
_inside = threading.local()


def threads() -> int:
    """Return how many threads compute: those of NumPy's BLAS, but no more than there are processors for this process.

    Affinity and a container's quota count. ``OMP_NUM_THREADS``, ``NUMBA_NUM_THREADS`` and ``OPENBLAS_NUM_THREADS`` hold
    for BLAS and kernels alike.
    """
    return _default() if _wanted is None else _wanted


def set_threads(count: int | None) -> None:
    """Compute on so many threads, kernels and BLAS alike.

    Parameters
    ----------
    count : int or None
        At least 1; None for the default.

    Raises
    ------
    ValueError
        For less than 1.
    """
    global _wanted
    if count is not None and count < 1:
        raise ValueError(f"at least 1 thread is needed, got {count}")
    default = _default()
    with _guard:
        _wanted = count
        _forget_pool()
    with one_blas_thread():
        for place, _ in enumerate(_before):
            _before[place] = count or default


def run(function: Callable[[int, int], Result], count: int, work: float) -> list[Result]:
    """Call ``function(start, stop)`` for parts that together are ``range(count)``, several at a time where worth it.

    Parameters
    ----------
    function : callable
        Computes one part. May be called in other threads, on parts that do not overlap.
    count : int
        Length of what is shared out.
    work : float
        About how many multiplications, or elements moved, it is in all.

    Returns
    -------
    list
        What the calls returned, in the order of their parts.

    Raises
    ------
    BaseException
        What a call raises; all have ended by then.
    """
    parts = min(threads(), count)
    if parts < 2 or work < LEAST_WORK or getattr(_inside, "here", False):
        return [function(0, count)]
    bounds = [count * i // parts for i in range(parts + 1)]

    errors = np.geterr()  # each thread has its own

    def part(place: int) -> Result:
        _inside.here = True
        try:
            with np.errstate(**errors):
                return function(bounds[place], bounds[place + 1])
        finally:
            _inside.here = False

    with one_blas_thread():
        futures = [_executor().submit(part, place) for place in range(1, parts)]
        try:
            first = part(0)
        finally:
            for future in futures:  # they write into the caller's arrays
                future.exception()  # waits until it has ended, in less time than `wait` takes
    return [first, *(future.result() for future in futures)]


def flat(array: Array) -> Array:
    """Return the elements in a row, read-only: one type for kernels to compile, be it written elsewhere or not."""
    row = array.reshape(-1).view()
    row.flags.writeable = False
    return row


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Let NumPy's BLAS run on one thread inside the block; blocks may overlap in several threads."""
    global _single
    with _guard:
        _single += 1
        if _single == 1:
            _before[:] = [library.num_threads or 1 for library in _blas()]
            for library in _blas():
                library.set_num_threads(1)
    try:
        yield
    finally:
        with _guard:
            _single -= 1
            if _single == 0:
                for library, number in zip(_blas(), _before, strict=True):
                    library.set_num_threads(number)


@cache
def _blas() -> list[LibController]:
    """Return NumPy's BLAS, which gets no more threads than there are processors: it counts the machine's."""
    from threadpoolctl import ThreadpoolController  # when something computes: `import caffe` is to be quick

    libraries = list(ThreadpoolController().select(user_api="blas").lib_controllers)
    most = processors()
    for library in libraries:
        if (library.num_threads or 1) > most:
            library.set_num_threads(most)
    return libraries


@cache
def _default() -> int:
    with _guard:
        blas = _before if _single else [library.num_threads or 1 for library in _blas()]
        return int(min([processors(), *blas]))


def _executor() -> ThreadPoolExecutor:
    global _pool
    with _guard:
        if _pool is None:
            _pool = ThreadPoolExecutor(max(1, threads() - 1), thread_name_prefix="caffe_nb compute")
        return _pool


def _forget_pool() -> None:
    global _pool
    if _pool is not None:
        _pool.shutdown(wait=False)
    _pool = None


def _after_fork() -> None:
    """Begin anew in a forked process: it has none of the threads."""
    global _pool, _guard, _single
    _pool, _guard, _single = None, threading.RLock(), 0


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
