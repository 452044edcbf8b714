"""Weighted sums of arrays, value by value."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from caffe_nb import device
from caffe_nb.ops.parallel import flat, run
from caffe_nb.ops.rectify import rectify, rectify_gradient

Array = NDArray[Any]

PIECE = 1 << 15
"""Values that are worked on together where there are several passes: they stay in the cache."""
FASTER = 8
"""How many values NumPy adds in the time that `run` counts for one."""


def weighted_sum(terms: Sequence[Array], weights: Sequence[float], out: Array, slope: float | None = None) -> None:
    """Write the sum of arrays, each times a number, and rectify it.

    Parameters
    ----------
    terms : sequence of arrays
        At least one, all of one shape.
    weights : sequence of float
        One for each.
    out : array of that shape
        Where to write; may be one of the terms if that is the first.
    slope : float, optional
        Of a rectifier behind it, as `rectify` takes it.
    """
    if device.holds(out):
        np.multiply(terms[0], weights[0], out=out)
        for term, weight in zip(terms[1:], weights[1:], strict=True):
            out += term if weight == 1 else term * term.dtype.type(weight)
        if slope is not None:
            rectify(out, slope, out)
        return
    rows, target = [flat(term) for term in terms], out.reshape(-1)

    def piece(part: slice) -> None:
        total, done = target[part], 1
        if list(weights[:2]) == [1, 1]:
            np.add(rows[0][part], rows[1][part], out=total)
            done = 2
        else:
            np.multiply(rows[0][part], weights[0], out=total)
        for row, weight in zip(rows[done:], weights[done:], strict=True):
            total += row[part] if weight == 1 else row[part] * row.dtype.type(weight)
        if slope is not None:
            rectify(total, slope, total)

    def some(start: int, stop: int) -> None:
        step = PIECE if len(rows) > 2 or slope is not None else max(1, stop - start)
        for begin in range(start, stop, step):
            piece(slice(begin, min(begin + step, stop)))

    run(some, target.size, target.size * len(terms) / FASTER)


def rectified_sum_gradient(y: Array, dy: Array, slope: float, weights: Sequence[float], out: Sequence[Array]) -> None:
    """Compute the gradient of a sum that was rectified.

    Parameters
    ----------
    y, dy : arrays of one shape
        The result, and its gradient, which is overwritten by the gradient of the sum.
    slope : float
        The rectifier's.
    weights : sequence of float
        Those of the terms whose gradient is asked for.
    out : sequence of arrays of that shape
        Where to write theirs.
    """
    if device.holds(dy):
        rectify_gradient(y, dy, slope, dy)
        for weight, target in zip(weights, out, strict=True):
            np.multiply(dy, weight, out=target)
        return
    values, above, targets = flat(y), dy.reshape(-1), [target.reshape(-1) for target in out]

    def some(start: int, stop: int) -> None:
        for begin in range(start, stop, PIECE):
            part = slice(begin, min(begin + PIECE, stop))
            rectify_gradient(values[part], above[part], slope, above[part])
            for weight, target in zip(weights, targets, strict=True):
                if weight == 1:
                    np.copyto(target[part], above[part])
                else:
                    np.multiply(above[part], weight, out=target[part])

    run(some, above.size, above.size * (1 + len(targets)) / FASTER)
