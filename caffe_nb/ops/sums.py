"""Weighted sums of arrays, value by value."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from caffe_nb import device
from caffe_nb.ops.jit import compiled
from caffe_nb.ops.parallel import flat, run
from caffe_nb.ops.rectify import rectify, rectify_gradient

Array = NDArray[Any]

PIECE = 2048
"""Values that are worked on together; they stay in the innermost cache."""
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

    together = len(rows) > 1 and all(weight == 1 for weight in weights)
    rectified, factor = slope is not None, out.dtype.type(slope or 0)

    def some(start: int, stop: int) -> None:
        part = slice(start, stop)
        if together:
            _add(tuple(row[part] for row in rows), rectified, factor, target[part])
            return
        np.multiply(rows[0][part], weights[0], out=target[part])
        for row, weight in zip(rows[1:], weights[1:], strict=True):
            target[part] += row[part] * row.dtype.type(weight)
        if slope is not None:
            rectify(target[part], slope, target[part])

    run(some, target.size, target.size * len(terms) / FASTER)


def rectified_sum_gradient(y: Array, dy: Array, slope: float, out: Sequence[Array]) -> None:
    """Compute the gradient of a sum that was rectified.

    Parameters
    ----------
    y, dy : arrays of one shape
        The result, and its gradient, which is overwritten by the gradient of the sum.
    slope : float
        The rectifier's.
    out : sequence of arrays of that shape
        Where to write the gradient of the terms, each the same.
    """
    if device.holds(dy) or not out:
        rectify_gradient(y, dy, slope, dy)
        for each in out:
            np.copyto(each, dy)
        return
    values, above, factor = flat(y), flat(dy), dy.dtype.type(slope)
    targets = [target.reshape(-1) for target in (dy, *out)]

    def some(start: int, stop: int) -> None:
        part = slice(start, stop)
        _gradients(values[part], above[part], factor, tuple(target[part] for target in targets))

    run(some, above.size, above.size * (1 + len(targets)) / FASTER)


@compiled
def _add(terms: Any, rectified: Any, slope: Any, out: Any) -> None:
    piece = np.empty(PIECE, out.dtype)
    for begin in range(0, len(out), PIECE):
        base, count = np.uintp(begin), np.uintp(min(PIECE, len(out) - begin))
        first = terms[0]
        for i in range(count):
            piece[i] = first[base + i]
        for term in terms[1:]:
            for i in range(count):
                piece[i] = piece[i] + term[base + i]
        if rectified:
            for i in range(count):
                value = piece[i]
                below = slope if slope == 0 else value * slope  # as in `rectify`
                piece[i] = value if value > 0 or value != value else below
        for i in range(count):
            out[base + i] = piece[i]


@compiled
def _gradients(y: Any, dy: Any, slope: Any, out: Any) -> None:
    piece = np.empty(PIECE, dy.dtype)
    for begin in range(0, len(dy), PIECE):
        base, count = np.uintp(begin), np.uintp(min(PIECE, len(dy) - begin))
        for i in range(count):
            piece[i] = dy[base + i] if y[base + i] > 0 else dy[base + i] * slope
        for target in out:
            for i in range(count):
                target[base + i] = piece[i]
