"""Batches made ahead of their use, in the background."""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

import numpy as np

Batch = TypeVar("Batch")


class Prefetcher(Generic[Batch]):
    """Calls a function in one background thread, some calls ahead of what is asked for.

    The calls follow one another in one thread, so what they draw and read does not depend on timing. The thread starts
    with the first `next` and ends with the prefetcher.

    Parameters
    ----------
    make : callable
        Makes the next batch. It must not refer to the owner of the prefetcher, or neither is ever freed.
    depth : int
        How many batches are made ahead; 0 counts as 1.
    """

    def __init__(self, make: Callable[[], Batch], depth: int) -> None:
        self._make = make
        self._depth = max(1, depth)
        self._waiting: deque[Future[Batch]] = deque()
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="caffe-prefetch")
        weakref.finalize(self, self._executor.shutdown, wait=False, cancel_futures=True)

    def next(self) -> Batch:
        """Return the next batch; wait for it where it is not ready.

        Raises
        ------
        Exception
            What the function raised for this batch, as itself. The next call returns the batch after it.
        """
        self._fill()
        self._waiting[0].exception()  # an interrupt while waiting loses no batch
        future = self._waiting.popleft()
        self._fill()
        return future.result()

    def _fill(self) -> None:
        while len(self._waiting) < self._depth:
            self._waiting.append(self._executor.submit(_call, self._make))


def _call(make: Callable[[], Batch]) -> Batch:
    with np.errstate(over="ignore", invalid="ignore"):  # as built-in layers run: absurd scales show in the values
        return make()
