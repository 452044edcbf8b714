"""Values ``(outer, count, inner)`` and a number for each of the `count`: products and sums in one pass over memory."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from caffe_nb import device
from caffe_nb.ops.cuda import launch
from caffe_nb.ops.jit import compiled, compiled_sums
from caffe_nb.ops.parallel import flat, run

Array = NDArray[Any]


PIECE = 2048
"""Values that are worked on together; they stay in the innermost cache."""


def scale(x: Array, factors: Array, offsets: Array | None, out: Array, kept: Array | None = None) -> None:
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
    kept : array of the shape of `x`, optional
        Where to copy the values to.
    """
    if device.holds(x):
        added, copy = factors if offsets is None else offsets, out if kept is None else kept
        numbers = *x.shape[1:], offsets is not None, kept is not None
        launch("channels", "scale", x.size, x, factors, added, out, copy, *numbers)
        return
    outer, count, inner = x.shape
    source, target, times = flat(x), out.reshape(-1), flat(factors)
    plus = np.zeros(count, x.dtype) if offsets is None else offsets
    more, copy = flat(plus), (out if kept is None else kept).reshape(-1)

    def some(start: int, stop: int) -> None:
        _scale(source, outer, count, inner, start, stop, times, more, copy, kept is not None, target)

    run(some, count, x.size)


def scale_gradient(x: Array, dy: Array, factors: Array, out: Array | None) -> tuple[Array, Array]:
    """Compute the gradient of `scale`, in one pass.

    Parameters
    ----------
    x, dy : (outer, count, inner) arrays
        The values, and the gradient of the result.
    factors : (count,) array
        As in `scale`.
    out : array of the shape of `x`, or None
        Where to write the gradient of the values; may be `dy` itself.

    Returns
    -------
    d_factors, d_offsets : (count,) arrays
        The gradients of factors and offsets, added up in float64, in the arrays' type.
    """
    if device.holds(x):
        sums = (x * dy).sum(axis=(0, 2)), dy.sum(axis=(0, 2))
        if out is not None:
            np.multiply(dy, factors.reshape(-1, 1), out=out)
        return sums
    outer, count, inner = x.shape
    values, above, times = flat(x), flat(dy), flat(factors)
    target = np.empty(0, dy.dtype) if out is None else out.reshape(-1)
    d_factors, d_offsets = np.zeros(count, x.dtype), np.zeros(count, x.dtype)

    def some(start: int, stop: int) -> None:
        _gradient(values, above, outer, count, inner, start, stop, times, d_factors, d_offsets, out is not None, target)

    run(some, count, x.size)
    return d_factors, d_offsets


# Through a piece of memory of their own: where a result overwrites its source, the loop would be no vector code.


@compiled
def _scale(
    x: Any,
    outer: Any,
    count: Any,
    inner: Any,
    start: Any,
    stop: Any,
    factors: Any,
    offsets: Any,
    kept: Any,
    keep: Any,
    out: Any,
) -> None:
    piece = np.empty(PIECE, out.dtype)
    for n in range(outer):
        for c in range(start, stop):
            factor, offset = factors[c], offsets[c]
            for begin in range(0, inner, PIECE):
                base, length = np.uintp((n * count + c) * inner + begin), np.uintp(min(PIECE, inner - begin))
                for i in range(length):
                    piece[i] = x[base + i]
                if keep:
                    for i in range(length):
                        kept[base + i] = piece[i]
                for i in range(length):
                    out[base + i] = piece[i] * factor + offset


@compiled_sums
def _gradient(
    x: Any,
    dy: Any,
    outer: Any,
    count: Any,
    inner: Any,
    start: Any,
    stop: Any,
    factors: Any,
    d_factors: Any,
    d_offsets: Any,
    write: Any,
    out: Any,
) -> None:
    piece = np.empty(PIECE, out.dtype)
    for c in range(start, stop):
        factor, total, products = factors[c], 0.0, 0.0
        for n in range(outer):
            for begin in range(0, inner, PIECE):
                base, length = np.uintp((n * count + c) * inner + begin), np.uintp(min(PIECE, inner - begin))
                for i in range(length):
                    total += dy[base + i]
                    products += dy[base + i] * x[base + i]
                    piece[i] = dy[base + i] * factor
                if write:
                    for i in range(length):
                        out[base + i] = piece[i]
        d_factors[c], d_offsets[c] = products, total
