"""Rows of a matrix by their numbers, and the way back: adding rows up."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from caffe_nb import device
from caffe_nb.core.deferred import refuse
from caffe_nb.errors import NetError
from caffe_nb.ops.cuda import in_one_piece, launch
from caffe_nb.ops.jit import compiled

Array = NDArray[Any]
Rows = NDArray[np.intp]


def row_numbers(values: Array, rows: int, what: str, whole: bool = False) -> Rows:
    """Return numbers of rows, which come as floats, as indices.

    Parameters
    ----------
    values : array
        The numbers, cut off to whole ones.
    rows : int
        How many rows there are.
    what : str
        Where the numbers come from, for the message.
    whole : bool, default False
        Whether numbers that are not whole are refused instead of cut off.

    Returns
    -------
    array of intp
        Of the shape of `values`.

    Raises
    ------
    NetError
        For a number that names no row, or is not whole where it must be; the message has the value and its place.
        On a device it is raised when the net is asked for a value; see `caffe_nb.core.deferred`.
    """
    inside = (values >= 0) & (values < rows)
    if whole:
        inside &= np.trunc(values) == values

    def describe(value: float, at: tuple[int, ...], more: int) -> NetError:
        return NetError(
            f"{value:g} at {list(at)} of {what} is not {'a whole number' if whole else 'one'} from 0 to "
            f"{rows - 1}" + (f" (and {more} more like it)" if more else "")
        )

    refuse(~inside, values, describe)
    if device.holds(values):
        values = np.where(inside, values, 0)  # they are used before anybody sees that they are wrong
    return values.astype(np.intp)


def add_rows(rows: Array, numbers: Rows, out: Array) -> None:
    """Add each row to the row of `out` that its number names, in order; a number may come several times.

    Parameters
    ----------
    rows : (N, K) ndarray
        What is added.
    numbers : (N,) ndarray of intp
        Where to, each from 0 to M - 1.
    out : (M, K) ndarray
        What it is added to.
    """
    if device.holds(out):
        count, xp = len(rows), device.namespace_of(out)
        keys = xp.sort(numbers.astype(np.int64) * count + xp.arange(count, dtype=np.int64))
        launch("gather", "add_rows", out.size, in_one_piece(rows), keys, out, out.shape[1], count)
        return
    _add_rows(rows, numbers, out)


@compiled
def _add_rows(rows: Array, numbers: Rows, out: Array) -> None:
    for i in range(numbers.size):
        to = numbers[i]
        for k in range(rows.shape[1]):
            out[to, k] += rows[i, k]
