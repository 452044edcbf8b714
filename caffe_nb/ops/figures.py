"""Sums and counts over all elements of an array, in float64."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from caffe_nb.ops.jit import compiled_sums

Array = NDArray[Any]


@compiled_sums
def sums(x: Array) -> tuple[float, int, int]:
    """Compute the sum of finite elements, and count the zeros and the elements below zero.

    Parameters
    ----------
    x : array of one axis, contiguous
        Float32 or float64.

    Returns
    -------
    total : float
    zeros, negatives : int
    """
    total = 0.0
    zeros = negatives = 0
    for i in range(x.size):
        total += np.float64(x[i])
        zeros += x[i] == 0
        negatives += x[i] < 0
    return total, zeros, negatives


@compiled_sums
def spread(x: Array, mean: float) -> float:
    """Compute the sum of the squared distances of finite elements, (n,) contiguous, from their mean."""
    total = 0.0
    for i in range(x.size):
        distance = np.float64(x[i]) - mean
        total += distance * distance
    return total
