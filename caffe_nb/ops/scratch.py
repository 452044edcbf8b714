"""Work space that is used again: memory that a call needs only while it runs, one piece for each thread and use."""

from __future__ import annotations

import threading
from math import prod
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

Array = NDArray[Any]

_held = threading.local()
_zeros: dict[np.dtype[Any], Array] = {}


def scratch(use: str, shape: tuple[int, ...], dtype: DTypeLike) -> Array:
    """Return memory of this shape, with anything in it; the next call for the same use hands it out again.

    Parameters
    ----------
    use : str
        What it is for. Two uses at the same time have two names.
    shape : tuple of int
        The lengths of the axes.
    dtype : dtype
        Type of the elements.

    Returns
    -------
    ndarray
        Belongs to the calling thread. It grows with what was asked for, and is kept as long as the thread lives.
    """
    needed = prod(shape) * np.dtype(dtype).itemsize
    memory: Array | None = getattr(_held, use, None)
    if memory is None or memory.size < needed:
        setattr(_held, use, None)  # the old memory may go before the new one comes
        memory = np.empty(needed, np.uint8)
        setattr(_held, use, memory)
    result: Array = memory[:needed].view(dtype).reshape(shape)
    return result


def zeros(count: int, dtype: np.dtype[Any]) -> Array:
    """Return so many zeros, read-only: for kernels that add numbers which a caller may leave out."""
    held = _zeros.get(dtype)
    if held is None or held.size < count:
        held = _zeros[dtype] = np.zeros(count, dtype)
        held.flags.writeable = False
    return held[:count]
