"""Values brought to mean 0 and deviation 1 along some axes, and the gradient of that."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Axes = tuple[int, ...]


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
