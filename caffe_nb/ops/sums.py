"""Weighted sums of arrays, value by value."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from caffe_nb import device
from caffe_nb.ops.parallel import flat, run

Array = NDArray[Any]

FASTER = 8
"""How many values NumPy adds in the time that `run` counts for one."""


def weighted_sum(terms: Sequence[Array], weights: Sequence[float], out: Array) -> None:
    """Write the sum of arrays, each times a number.

    Parameters
    ----------
    terms : sequence of arrays
        At least one, all of one shape.
    weights : sequence of float
        One for each.
    out : array of that shape
        Where to write; may be one of the terms if that is the first.
    """
    if device.holds(out):
        np.multiply(terms[0], weights[0], out=out)
        for term, weight in zip(terms[1:], weights[1:], strict=True):
            out += term if weight == 1 else term * term.dtype.type(weight)
        return
    rows, target = [flat(term) for term in terms], out.reshape(-1)

    def some(start: int, stop: int) -> None:
        part = slice(start, stop)
        total, done = target[part], 1
        if list(weights[:2]) == [1, 1]:
            np.add(rows[0][part], rows[1][part], out=total)
            done = 2
        else:
            np.multiply(rows[0][part], weights[0], out=total)
        for row, weight in zip(rows[done:], weights[done:], strict=True):
            total += row[part] if weight == 1 else row[part] * row.dtype.type(weight)

    run(some, target.size, target.size * len(terms) / FASTER)
