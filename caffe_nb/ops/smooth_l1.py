"""The smooth L1 function: quadratic near 0, linear beyond."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def smooth_l1(x: Array, sigma: float) -> Array:
    """Return ``(sigma x)² / 2`` where ``|x| < 1 / sigma²``, and ``|x| - 1 / (2 sigma²)`` beyond.

    Parameters
    ----------
    x : array
        Any shape.
    sigma : float
        Above 0.

    Returns
    -------
    array
        Of the shape and type of `x`.
    """
    square, size = x.dtype.type(sigma) ** 2, np.abs(x)
    with np.errstate(over="ignore"):  # where the square is too large it is not the one that counts
        values: Array = np.where(size < 1 / square, size**2 * square / 2, size - 1 / (2 * square))
    return values


def smooth_l1_slope(x: Array, sigma: float) -> Array:
    """Return the derivative of `smooth_l1`: ``sigma² x``, from -1 to 1."""
    square = x.dtype.type(sigma) ** 2
    slopes: Array = np.where(np.abs(x) < 1 / square, x * square, np.sign(x))
    return slopes
