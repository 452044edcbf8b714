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
    factor = out.dtype.type(slope or 0)

    def some(start: int, stop: int) -> None:
        part = slice(start, stop)
        total, done = target[part], 1
        if list(weights) == [1, 1] and slope is not None:
            _add_rectified(rows[0][part], rows[1][part], factor, total)
            return
        if list(weights[:2]) == [1, 1]:
            np.add(rows[0][part], rows[1][part], out=total)
            done = 2
        else:
            np.multiply(rows[0][part], weights[0], out=total)
        for row, weight in zip(rows[done:], weights[done:], strict=True):
            total += row[part] if weight == 1 else row[part] * row.dtype.type(weight)
        if slope is not None:
            rectify(total, slope, total)

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
    if device.holds(dy) or len(out) != 2:
        rectify_gradient(y, dy, slope, dy)
        for each in out:
            np.copyto(each, dy)
        return
    values, factor = flat(y), dy.dtype.type(slope)
    above, first, second = (each.reshape(-1) for each in (dy, *out))

    def some(start: int, stop: int) -> None:
        part = slice(start, stop)
        _gradients(values[part], factor, above[part], first[part], second[part])

    run(some, above.size, above.size * 3 / FASTER)


@compiled
def _add_rectified(a: Any, b: Any, slope: Any, out: Any) -> None:
    for i in range(np.uintp(len(out))):
        value = a[i] + b[i]
        below = slope if slope == 0 else value * slope  # as in `rectify`
        out[i] = value if value > 0 or value != value else below


@compiled
def _gradients(y: Any, slope: Any, dy: Any, first: Any, second: Any) -> None:
    for i in range(np.uintp(len(dy))):
        value = dy[i] if y[i] > 0 else dy[i] * slope
        dy[i] = value
        first[i] = value
        second[i] = value
