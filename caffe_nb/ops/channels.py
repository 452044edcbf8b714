"""Values ``(outer, count, inner)`` and a number for each of the `count`: products and sums in one pass over memory."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from caffe_nb import device
from caffe_nb.ops import channel_kernels as kernels
from caffe_nb.ops.cuda import launch
from caffe_nb.ops.parallel import flat, run
from caffe_nb.ops.rectify import rectify, rectify_gradient
from caffe_nb.ops.scratch import zeros

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
    plus = zeros(count, x.dtype) if offsets is None else offsets
    more, copy = flat(plus), (out if kept is None else kept).reshape(-1)

    def some(start: int, stop: int) -> None:
        kernels.scale(source, outer, count, inner, start, stop, times, more, copy, kept is not None, target)

    run(some, count, x.size)


def offset(values: Array, offsets: Array | None, slope: float | None = None) -> None:
    """Add a number to each channel, and rectify: in place.

    Parameters
    ----------
    values : (outer, count, inner) array
        What is added to.
    offsets : (count,) array or None
        What is added.
    slope : float, optional
        Of a rectifier behind it, as `rectify` takes it.
    """
    if device.holds(values):
        if offsets is not None:
            values += offsets.reshape(-1, 1)
        if slope is not None:
            rectify(values, slope, values)
        return
    outer, count, inner = values.shape
    target, plus = values.reshape(-1), flat(zeros(count, values.dtype) if offsets is None else offsets)
    rectified, factor = slope is not None, values.dtype.type(slope or 0)

    def some(start: int, stop: int) -> None:
        kernels.offset(target, outer, count, inner, start, stop, plus, rectified, factor)

    if offsets is not None or rectified:
        run(some, count, values.size)


def offset_gradient(dy: Array, top: Array | None = None, slope: float | None = None) -> Array:
    """Compute the gradient of `offset` for the offsets, after that of its rectifier.

    Parameters
    ----------
    dy : (outer, count, inner) array
        The gradient of the result; with a rectifier it is overwritten by the gradient of what came before that.
    top : array of that shape, optional
        The result; needed for a rectifier.
    slope : float, optional
        As in `offset`.

    Returns
    -------
    (count,) array
        The sums of the channels, added up in float64, in the arrays' type.
    """
    if device.holds(dy):
        if top is not None and slope is not None:
            rectify_gradient(top, dy, slope, dy)
        return dy.sum(axis=(0, 2))  # type: ignore[no-any-return]
    outer, count, inner = dy.shape
    above, result, d_offsets = flat(dy), flat(dy if top is None else top), np.zeros(count, dy.dtype)
    rectified, factor = slope is not None, dy.dtype.type(slope or 0)
    target = dy.reshape(-1) if rectified else np.empty(0, dy.dtype)

    def some(start: int, stop: int) -> None:
        kernels.offset_gradient(above, result, outer, count, inner, start, stop, rectified, factor, target, d_offsets)

    run(some, count, dy.size)
    return d_offsets


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
