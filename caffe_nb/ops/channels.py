"""Values ``(outer, count, inner)`` and a number for each of the `count`: products and sums in one pass over memory."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from caffe_nb import device
from caffe_nb.ops import channel_kernels as kernels
from caffe_nb.ops.cuda import launch
from caffe_nb.ops.parallel import flat, run

Array = NDArray[Any]


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
        kernels.scale(source, outer, count, inner, start, stop, times, more, copy, kept is not None, target)

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
        kernels.scale_gradient(
            values, above, outer, count, inner, start, stop, times, d_factors, d_offsets, out is not None, target
        )

    run(some, count, x.size)
    return d_factors, d_offsets
