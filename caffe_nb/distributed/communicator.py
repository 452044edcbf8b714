"""What data-parallel training asks of a network: five methods; and what is built on them."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


class Pending(Protocol):
    """A sum that is under way."""

    def ready(self) -> bool:
        """Return whether it is done; asking moves it on."""

    def wait(self) -> None:
        """Return when it is done."""


class Communicator(Protocol):
    """Processes that compute together; all call the same methods in the same order."""

    takes_device_arrays: bool
    """Whether `allreduce` takes arrays of a GPU, too."""

    @property
    def rank(self) -> int:
        """Which of them this one is, from 0."""

    @property
    def size(self) -> int:
        """How many there are."""

    def broadcast(self, values: Array, root: int = 0) -> None:
        """Overwrite a contiguous array by that of the process `root`."""

    def allreduce(self, values: Array) -> Pending:
        """Begin to overwrite a contiguous array by the sum of all processes'; leave it alone until that is done."""

    def barrier(self) -> None:
        """Return when all have called it."""


class Alone:
    """The communicator of a single process."""

    rank = 0
    size = 1
    takes_device_arrays = False

    def broadcast(self, values: Array, root: int = 0) -> None:
        """Leave the array as it is."""

    def allreduce(self, values: Array) -> Pending:
        """Leave the array as it is: it is the sum."""
        return _DONE

    def barrier(self) -> None:
        """Return at once."""


class _Done:
    def ready(self) -> bool:
        return True

    def wait(self) -> None:
        return


_DONE = _Done()


def gather(comm: Communicator, text: str) -> list[str]:
    """Return the texts that all processes give, by rank."""
    own = np.frombuffer(text.encode("utf-8", "surrogatepass"), np.uint8)
    lengths = np.zeros(comm.size, np.int64)
    lengths[comm.rank] = len(own)
    comm.allreduce(lengths).wait()
    ends = np.cumsum(lengths)
    joined = np.zeros(max(1, int(ends[-1])), np.uint8)
    joined[ends[comm.rank] - len(own) : ends[comm.rank]] = own
    comm.allreduce(joined).wait()
    parts = np.split(joined[: int(ends[-1])], ends[:-1])
    return [part.tobytes().decode("utf-8", "surrogatepass") for part in parts]


def broadcast_text(comm: Communicator, text: str) -> str:
    """Return the text that rank 0 gives."""
    content = np.frombuffer(text.encode("utf-8", "surrogatepass"), np.uint8).copy()
    length = np.array([len(content)], np.int64)
    comm.broadcast(length)
    if comm.rank:
        content = np.zeros(int(length[0]), np.uint8)
    if len(content):
        comm.broadcast(content)
    return content.tobytes().decode("utf-8", "surrogatepass")
