"""Values brought to mean 0 and deviation 1 along some axes, and the gradient of that."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from caffe_nb import device
from caffe_nb.ops.cuda import launch
from caffe_nb.ops.jit import compiled_sums
from caffe_nb.ops.parallel import flat, run

Array = NDArray[Any]
Axes = tuple[int, ...]

PIECE = 2048
"""Values that are worked on together; they stay in the innermost cache."""


def center(x: Array, axes: Axes, out: Array) -> Array:
    """Subtract the mean along the axes.

    Parameters
    ----------
    x : array
        The values.
    axes : tuple of int
        The axes that a mean is taken over.
    out : array of the shape of `x`
        Where the result goes; may be `x` itself.

    Returns
    -------
    array
        The means, with the axes kept as 1.
    """
    mean: Array = x.mean(axis=axes, keepdims=True)
    np.subtract(x, mean, out=out)
    return mean


def variance(centered: Array, axes: Axes, scratch: Array) -> Array:
    """Return the mean of the squares along the axes, of values whose mean is 0.

    Parameters
    ----------
    centered : array
        What `center` wrote.
    axes : tuple of int
        The axes that a mean is taken over.
    scratch : array of the shape of `centered`
        Overwritten.

    Returns
    -------
    array
        The variances, with the axes kept as 1.
    """
    np.square(centered, out=scratch)
    mean: Array = scratch.mean(axis=axes, keepdims=True)
    return mean


def standardized_gradient(y: Array, dy: Array, deviation: Array, axes: Axes, out: Array) -> Array:
    """Compute the gradient of ``y = (x - mean(x)) / deviation(x)`` for `x`.

    It is ``(dy - mean(dy) - y * mean(y * dy)) / deviation``, with means along the axes.

    Parameters
    ----------
    y : array
        The standardized values.
    dy : array of the shape of `y`
        Their gradient.
    deviation : array
        What was divided by, with the axes kept as 1.
    axes : tuple of int
        The axes that the means were taken over.
    out : array of the shape of `y`
        Where the result goes; may be `dy` itself, not `y`.

    Returns
    -------
    array
        `out`.
    """
    scratch = y * dy
    correlation = scratch.mean(axis=axes, keepdims=True)
    mean = dy.mean(axis=axes, keepdims=True)
    np.multiply(y, correlation, out=scratch)
    scratch += mean
    np.subtract(dy, scratch, out=out)
    out /= deviation
    return out


def standardize_channels(x: Array, eps: float, out: Array, kept: Array) -> tuple[Array, Array, Array]:
    """Bring each channel to mean 0 and deviation 1: batch normalization, in two passes over memory.

    Parameters
    ----------
    x : (N, C, values) array
        The values.
    eps : float
        Added to the variance before the root.
    out, kept : arrays of that shape
        Where to write the result, twice; `out` may be `x` itself.

    Returns
    -------
    means, variances, deviations : (1, C, 1) arrays
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
    number, channels, values = x.shape
    mean, variance, deviation = (np.empty(channels, x.dtype) for _ in range(3))
    source, target, copy = flat(x), out.reshape(-1), kept.reshape(-1)

    def some(start: int, stop: int) -> None:
        _standardize(source, number, channels, values, start, stop, eps, target, copy, mean, variance, deviation)

    run(some, channels, x.size * 4)
    return mean.reshape(1, -1, 1), variance.reshape(1, -1, 1), deviation.reshape(1, -1, 1)


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


def channels_gradient(y: Array, dy: Array, deviation: Array, out: Array) -> None:
    """Compute `standardized_gradient` for what `standardize_channels` wrote; `out` may be `dy` itself."""
    if device.holds(y):
        means = dy.mean(axis=(0, 2)), (y * dy).mean(axis=(0, 2))
        launch("channels", "standardized_gradient", y.size, y, dy, *means, deviation, out, *y.shape[1:])
        return
    number, channels, values = y.shape
    standard, above, target, spread = flat(y), flat(dy), out.reshape(-1), flat(deviation)

    def some(start: int, stop: int) -> None:
        _channels_gradient(standard, above, number, channels, values, start, stop, spread, target)

    run(some, channels, y.size * 4)


@compiled_sums
def _standardize(
    x: Any,
    number: Any,
    channels: Any,
    values: Any,
    start: Any,
    stop: Any,
    eps: Any,
    out: Any,
    kept: Any,
    means: Any,
    variances: Any,
    deviations: Any,
) -> None:
    count = number * values
    piece = np.empty(PIECE, out.dtype)  # of its own: where `out` is `x`, the loop would be no vector code
    for c in range(start, stop):
        total = 0.0
        for n in range(number):
            base = np.uintp((n * channels + c) * values)
            for i in range(np.uintp(values)):
                total += x[base + i]
        mean, total = total / count, 0.0
        for n in range(number):
            base = np.uintp((n * channels + c) * values)
            for i in range(np.uintp(values)):
                apart = x[base + i] - mean
                total += apart * apart
        means[c], variances[c] = mean, total / count
        deviations[c] = np.sqrt(total / count + eps)
        centre, spread = means[c], deviations[c]
        for n in range(number):
            for begin in range(0, values, PIECE):
                base, length = np.uintp((n * channels + c) * values + begin), np.uintp(min(PIECE, values - begin))
                for i in range(length):
                    piece[i] = (x[base + i] - centre) / spread
                for i in range(length):
                    out[base + i] = piece[i]
                for i in range(length):
                    kept[base + i] = piece[i]


@compiled_sums
def _channels_gradient(
    y: Any,
    dy: Any,
    number: Any,
    channels: Any,
    values: Any,
    start: Any,
    stop: Any,
    deviations: Any,
    out: Any,
) -> None:
    count = number * values
    piece = np.empty(PIECE, out.dtype)
    means = np.empty(2, y.dtype)  # in the type of the values, so that the last pass is vector code in it
    for c in range(start, stop):
        total = products = 0.0
        for n in range(number):
            base = np.uintp((n * channels + c) * values)
            for i in range(np.uintp(values)):
                total += dy[base + i]
                products += y[base + i] * dy[base + i]
        means[0], means[1] = total / count, products / count
        mean, correlation, spread = means[0], means[1], deviations[c]
        for n in range(number):
            for begin in range(0, values, PIECE):
                base, length = np.uintp((n * channels + c) * values + begin), np.uintp(min(PIECE, values - begin))
                for i in range(length):
                    piece[i] = (dy[base + i] - mean - y[base + i] * correlation) / spread
                for i in range(length):
                    out[base + i] = piece[i]
