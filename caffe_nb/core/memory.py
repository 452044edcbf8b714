"""The memory of blobs: counted, and refused in words before it is taken when there cannot be so much."""

from __future__ import annotations

import os
import threading
from functools import cache
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from caffe_nb.core.mirror import Mirror
from caffe_nb.errors import ShapeError

MOST_ELEMENTS = 2**31 - 1
"""Elements of a blob, as in Caffe."""
MOST_AXES = 32
"""Axes of a blob, as in Caffe."""


class Layout:
    """How often any blob took another shape or other memory: what was worked out from those holds until this grows.

    Attributes
    ----------
    changes : int
        The count.
    """

    __slots__ = ("changes",)

    def __init__(self) -> None:
        self.changes = 0


layout = Layout()
"""Of the blobs of this process."""

_lock = threading.RLock()
_taken = 0


class Memory:
    """A flat buffer that blobs share, with a count of the writes to it.

    Parameters
    ----------
    capacity : int
        Number of elements.
    dtype : dtype
        Their type.
    counted : bool, default True
        Whether it counts as taken; not so for diffs, whose pages cost nothing until a backward writes them.

    Raises
    ------
    ShapeError
        When the blobs of this process together would need more memory than the machine has.

    Attributes
    ----------
    array : array
        The buffer on the host.
    mirror : Mirror or None
        The buffer on a device, once it was asked for.
    version : int
        How many times it was written (or taken for writing).
    blank : int
        The version up to which nobody wrote: as long as it is that one the buffer holds zeros.
    known : int
        The version that the nets using it know of; `caffe_nb.net.stale` keeps it, and the two below.
    written, writer : int
        When and by which net (0: by nobody's layers) it was last written from outside of the layers' own tops.
    """

    __slots__ = ("_counted", "array", "blank", "known", "mirror", "version", "writer", "written")

    def __init__(self, capacity: int, dtype: DTypeLike, *, counted: bool = True) -> None:
        global _taken
        needed = capacity * np.dtype(dtype).itemsize if counted else 0
        self._counted = needed
        with _lock:
            if _taken + needed > available():
                raise ShapeError(_too_much(needed))
        try:
            self.array: NDArray[Any] = np.zeros(capacity, dtype)
        except MemoryError:
            raise ShapeError(_too_much(capacity * np.dtype(dtype).itemsize)) from None
        with _lock:
            _taken += needed
        self.mirror: Mirror | None = None
        self.version = self.blank = 0
        self.known = 0
        self.written = 0
        self.writer = 0

    def host(self, *, write: bool = False) -> NDArray[Any]:
        """Return the buffer on the host, up to date; no write is counted. `write`: whether it will be written."""
        if self.mirror is not None:
            self.mirror.on_host(write=write)
        if write:
            self.blank = -1
        return self.array

    def renew(self) -> None:
        """Count a write that wrote nothing: a blob took other values by another shape or other memory."""
        self.version += 1
        if self.blank == self.version - 1:
            self.blank = self.version

    def __del__(self) -> None:
        global _taken
        if hasattr(self, "array"):
            with _lock:
                _taken -= self._counted


def check_shape(shape: tuple[int, ...]) -> None:
    """Refuse a shape that no blob can have.

    Parameters
    ----------
    shape : tuple of int
        The lengths of the axes.

    Raises
    ------
    ShapeError
        For a negative length, more than 32 axes, or more than 2³¹ - 1 elements (Caffe's bounds).
    """
    if any(length < 0 for length in shape):
        raise ShapeError(f"a blob's axes cannot have negative lengths, got {shape}")
    if len(shape) > MOST_AXES:
        raise ShapeError(f"a blob has up to {MOST_AXES} axes, got {len(shape)}")
    if prod(length or 1 for length in shape) > MOST_ELEMENTS:
        raise ShapeError(f"a blob has up to {MOST_ELEMENTS:,} elements, the shape {shape} asks for {prod(shape):,}")


@cache
def available() -> int:
    """Return the bytes of memory that this process can have: the machine's, or less where its group has less."""
    try:
        total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):  # no such call here: the allocation itself has to say it
        return 2**63 - 1
    try:
        return min(total, int(Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii")))
    except (OSError, ValueError):  # no control groups, or "max"
        return total


def _too_much(needed: int) -> str:
    return (
        f"a blob of {needed / 2**30:,.1f} GiB does not fit: this process can have {available() / 2**30:,.1f} GiB, of"
        f" which blobs hold {_taken / 2**30:,.1f} GiB; are the shapes meant so?"
    )
