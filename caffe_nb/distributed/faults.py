"""What goes wrong on one of several processes, told to all of them."""

from __future__ import annotations

import json
import os
import socket
import traceback
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TypeVar

import numpy as np

from caffe_nb.distributed.communicator import Communicator, gather
from caffe_nb.errors import CaffeError
from caffe_nb.layers.frames import users_frames

Result = TypeVar("Result")


@dataclass(frozen=True)
class Fault:
    """What happened to one process.

    Attributes
    ----------
    rank : int
        Which one.
    name : str
        Its process and machine, as ``process 4711 on node3``.
    message : str
        What happened, in a line or a few.
    traceback : str
        Where; empty where nothing is known.
    """

    rank: int
    name: str
    message: str
    traceback: str = ""


class RankError(CaffeError, RuntimeError):
    """One or several of the processes that train together could not go on; all have stopped.

    Attributes
    ----------
    faults : list of Fault
        By rank.
    mine : bool
        Whether it is this process's own.
    """

    def __init__(self, faults: list[Fault], *, mine: bool = False) -> None:
        self.faults = faults
        self.mine = mine
        super().__init__("\n".join(map(_told, _alike(faults))))


class Hung(RankError):  # noqa: N818  (it is one)
    """A process gives no sign of life; what was under way with it cannot be ended."""


def own_name() -> str:
    """Return what this process is called in messages."""
    return f"process {os.getpid()} on {socket.gethostname()}"


def together(comm: Communicator, call: Callable[[], Result]) -> Result:
    """Call a function on all processes, and raise on all of them when it raises on one.

    Raises
    ------
    RankError
        With the rank, its message and its traceback; chained to the exception on the process where it was raised.
    """
    try:
        result = call()
    except Exception as error:
        agree(comm, error)
        raise
    agree(comm)
    return result


def agree(comm: Communicator, error: BaseException | None = None) -> None:
    """Say whether this process can go on, and hear whether all can.

    Raises
    ------
    RankError
        When one cannot.
    """
    failed = np.zeros(comm.size)
    failed[comm.rank] = error is not None
    comm.allreduce(failed).wait()
    raise_together(comm, failed, error)


def raise_together(
    comm: Communicator, failed: np.ndarray[tuple[int], np.dtype[np.float64]], error: BaseException | None
) -> None:
    """Raise on all processes when some have failed, as all know by now."""
    if not failed.any():
        return
    own = json.dumps(asdict(fault_of(comm.rank, error))) if error is not None else ""
    faults = [Fault(**json.loads(text)) for text in gather(comm, own) if text]
    raise RankError(faults, mine=error is not None) from error


def fault_of(rank: int, error: BaseException) -> Fault:
    """Return an exception of this process as the others are told of it."""
    notes = "".join(f"\n{note}" for note in getattr(error, "__notes__", ()))
    kind = "" if isinstance(error, CaffeError) else f"{type(error).__name__}: "
    users = users_frames(error.__traceback__) or error.__traceback__
    lines = "" if isinstance(error, CaffeError) else "".join(traceback.format_exception(type(error), error, users))
    return Fault(rank, own_name(), f"{kind}{error}{notes}", lines)


def _alike(faults: list[Fault]) -> list[list[Fault]]:
    """Put together what is wrong everywhere."""
    groups: dict[str, list[Fault]] = {}
    for fault in faults:
        groups.setdefault(fault.message, []).append(fault)
    return list(groups.values())


def _told(faults: list[Fault]) -> str:
    first, *more = faults
    who = f"rank {first.rank} ({first.name})"
    if more:
        who += f" and {len(more)} more, rank" + "s" * (len(more) > 1) + " " + ", ".join(str(f.rank) for f in more[:8])
    where = f"\n{first.traceback.rstrip()}" if first.traceback else ""
    return f"{who}: {first.message}{where}"
