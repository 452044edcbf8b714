"""Values ``(outer, count, inner)`` and a number for each of the `count`: products and sums in one pass over memory."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from caffe_nb import device
from caffe_nb.ops.jit import compiled, compiled_sums
from caffe_nb.ops.parallel import flat, run

Array = NDArray[Any]


def scale(x: Array, factors: Array, offsets: Array | None, out: Array) -> None:
    """Multiply with a number for each channel, and add another.

    Parameters
    ----------
    x : (outer, count, inner) array
        The values.
    factors : (count,) array
        What they are multiplied with.
    offsets : (count,) array or None
        What is added.
    out : array of the shape of `x`
        Where to write; may be `x` itself.
    """
    if device.holds(x):
        np.multiply(x, factors.reshape(-1, 1), out=out)
        if offsets is not None:
            out += offsets.reshape(-1, 1)
        return
    outer, count, inner = x.shape
    source, target, times = flat(x), out.reshape(-1), flat(factors)
    plus = np.zeros(count, x.dtype) if offsets is None else offsets
    more = flat(plus)

    def some(start: int, stop: int) -> None:
        _scale(source, outer, count, inner, start, stop, times, more, target)

    run(some, count, x.size)


def products(a: Array, b: Array) -> Array:
    """Return the sums of ``a * b`` for each channel, added up in float64.

    Parameters
    ----------
    a, b : (outer, count, inner) arrays
        The factors.

    Returns
    -------
    (count,) array
        In the arrays' type.
    """
    if device.holds(a):
        product: Array = (a * b).sum(axis=(0, 2))
        return product
    outer, count, inner = a.shape
    left, right, sums = flat(a), flat(b), np.zeros(count, a.dtype)

    def some(start: int, stop: int) -> None:
        _products(left, right, outer, count, inner, start, stop, sums)

    run(some, count, a.size)
    return sums


@compiled
def _scale(
    x: Any, outer: Any, count: Any, inner: Any, start: Any, stop: Any, factors: Any, offsets: Any, out: Any
) -> None:
    for n in range(outer):
        for c in range(start, stop):
            factor, offset = factors[c], offsets[c]
            base = np.uintp((n * count + c) * inner)
            for i in range(np.uintp(inner)):
                out[base + i] = x[base + i] * factor + offset


@compiled_sums
def _products(a: Any, b: Any, outer: Any, count: Any, inner: Any, start: Any, stop: Any, sums: Any) -> None:
    for c in range(start, stop):
        total = 0.0
        for n in range(outer):
            base = np.uintp((n * count + c) * inner)
            for i in range(np.uintp(inner)):
                total += a[base + i] * b[base + i]
        sums[c] = total
