"""Batch normalization: channels brought to mean 0 and deviation 1, with what follows in place in the same pass.

Values are ``(outer, count, inner)``, of which the `count` are the channels.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from caffe_nb import device
from caffe_nb.ops import channel_kernels as kernels
from caffe_nb.ops.cuda import launch
from caffe_nb.ops.parallel import flat, run
from caffe_nb.ops.scratch import zeros

Array = NDArray[Any]


class Tail(NamedTuple):
    """What is done in place behind batch normalization, in the same pass; not on a device.

    Attributes
    ----------
    factors : (count,) array or None
        What the channels are multiplied with; None for nothing at all behind the normalization.
    offsets : (count,) array or None
        What is added.
    slope : float or None
        Of a rectifier behind the product, as `rectify` takes it; None for no rectifier.
    """

    factors: Array | None = None
    offsets: Array | None = None
    slope: float | None = None

    def arguments(self, values: Array) -> tuple[Any, ...]:
        """Return what the kernels take: factors, offsets, slope, and whether there are a product and a rectifier."""
        nothing = zeros(values.shape[1], values.dtype)
        factors, offsets = (flat(nothing if each is None else each) for each in (self.factors, self.offsets))
        return factors, offsets, values.dtype.type(self.slope or 0), self.factors is not None, self.slope is not None


NOTHING = Tail()


def standardize(x: Array, eps: float, out: Array, kept: Array, tail: Tail = NOTHING) -> tuple[Array, Array, Array]:
    """Bring each channel to mean 0 and deviation 1: batch normalization.

    Parameters
    ----------
    x : (outer, count, inner) array
        The values.
    eps : float
        Added to the variance before the root.
    out : array of that shape
        Where to write the result; may be `x` itself.
    kept : array of that shape
        Where to write the normalized values without the tail, for the gradient.
    tail : Tail, optional
        What follows.

    Returns
    -------
    means, variances, deviations : (1, count, 1) arrays
        Of the channels, summed up in float64; the deviations with `eps`.
    """
    if device.holds(x):
        mean = x.mean(axis=(0, 2), keepdims=True)
        launch("channels", "deviation_squares", x.size, x, mean, kept, *x.shape[1:])
        spread = kept.mean(axis=(0, 2), keepdims=True)
        deviation = np.empty_like(spread)
        launch("channels", "deviations", deviation.size, spread, deviation, float(eps))
        launch("channels", "standardize", x.size, x, mean, deviation, out, kept, *x.shape[1:])
        return mean, spread, deviation
    shape = (1, x.shape[1], 1)
    statistics = np.empty(shape, x.dtype), np.empty(shape, x.dtype), np.empty(shape, x.dtype)
    _normalize(x, eps, statistics, out, kept, tail)
    return statistics


def normalize(x: Array, mean: Array, deviation: Array, out: Array, kept: Array | None, tail: Tail = NOTHING) -> None:
    """Do `standardize` with means and deviations ``(1, count, 1)`` that are given; `kept` may be None."""
    if device.holds(x):
        np.subtract(x, mean, out=out)
        out /= deviation
        return
    _normalize(x, None, (mean, mean, deviation), out, kept, tail)


def _normalize(
    x: Array, eps: float | None, statistics: tuple[Array, ...], out: Array, kept: Array | None, tail: Tail
) -> None:
    source, target, copy = flat(x), out.reshape(-1), (out if kept is None else kept).reshape(-1)
    numbers, more = tuple(each.reshape(-1) for each in statistics), tail.arguments(x)
    keep, own = kept is not None, eps is not None

    def some(start: int, stop: int) -> None:
        kernels.standardize(source, x.shape, start, stop, eps or 0.0, own, numbers, more, copy, keep, target)

    run(some, x.shape[1], x.size * 4)


def remember(statistics: tuple[Array, Array, Array], mean: Array, variance: Array, fraction: float, count: int) -> None:
    """Add the statistics of a batch to those of the batches before, which fade.

    Parameters
    ----------
    statistics : arrays of shapes (C,), (C,) and (1,)
        Sums of means and of variances, and of the weights of both; brought up to date.
    mean, variance : (1, C, 1) arrays
        Those of the batch.
    fraction : float
        What the sums are multiplied with first.
    count : int
        How many values a channel has; the variance is stored as an estimate without bias.
    """
    unbiased = count / (count - 1) if count > 1 else 1.0
    if device.holds(mean):
        launch("channels", "remember", mean.size, mean, variance, *statistics, float(fraction), unbiased)
        return
    for stored, value in zip(statistics, (mean.ravel(), (variance * unbiased).ravel(), 1), strict=True):
        stored *= fraction
        stored += value


def standardize_gradient(
    y: Array,
    dy: Array,
    deviation: Array,
    out: Array,
    tail: Tail = NOTHING,
    top: Array | None = None,
    *,
    own: bool = True,
) -> tuple[Array, Array]:
    """Compute the gradient of `standardize`, or of `normalize` with a tail.

    Parameters
    ----------
    y : (outer, count, inner) array
        What `standardize` wrote into `kept`.
    dy : array of that shape
        The gradient of the result; with a tail it is overwritten by the gradient of `y`, as the layers of the tail do
        that work in place.
    deviation : (1, count, 1) array
        As returned.
    out : array of that shape
        Where to write the gradient of the values; may be `dy` itself.
    tail : Tail, optional
        What followed.
    top : array of that shape, optional
        The result; needed for a rectifier.
    own : bool, default True
        Whether means and deviations are those of the values; else they count as constants.

    Returns
    -------
    d_factors, d_offsets : (count,) arrays
        The gradients of the tail's factors and offsets; of no meaning without a tail.
    """
    d_factors, d_offsets = (np.zeros(y.shape[1], y.dtype) for _ in range(2))
    if device.holds(y):
        means = dy.mean(axis=(0, 2)), (y * dy).mean(axis=(0, 2))
        launch("channels", "standardized_gradient", y.size, y, dy, *means, deviation, out, *y.shape[1:])
        return d_factors, d_offsets
    standard, above, target, spread = flat(y), flat(dy), out.reshape(-1), flat(deviation)
    more, sums = tail.arguments(y), (d_factors, d_offsets)
    result = standard if top is None else flat(top)
    between = target if tail.factors is None else dy.reshape(-1)

    def some(start: int, stop: int) -> None:
        numbers = own, spread, more, sums
        kernels.standardize_gradient(standard, above, result, y.shape, start, stop, *numbers, between, target)

    run(some, y.shape[1], y.size * 4)
    return d_factors, d_offsets
