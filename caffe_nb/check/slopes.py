"""Slopes from three runs of forward, with their bounds at kinks and their rounding."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

_KINK = 1e-3
"""Relative difference of the slopes to both sides from which a top is taken to have a kink."""
ROUNDING = 8.0
"""How many rounding errors of the tops a difference may be off by."""
INSENSITIVE = 1e-7
"""A gradient counts as at least so large that it moves the largest top by this, relatively, when the values double."""


def measure(
    top_diffs: Sequence[Array], runs: tuple[Sequence[Array], ...], steps: tuple[float, float], precision: float
) -> NDArray[np.float64]:
    """Return the bounds of a right slope, the central slope and its rounding error.

    Parameters
    ----------
    top_diffs : sequence of arrays
        What each top's slope is weighted with.
    runs : three sequences of arrays
        The tops below, at and above the point.
    steps : (float, float)
        The distances to both sides.
    precision : float
        Relative rounding error of the tops.

    Notes
    -----
    Each top at a kink may take its slope of either side by itself, so the bounds are of the sum of the least and of
    the sum of the greatest: with top diffs of both signs the sums to either side would not do.
    """
    low = high = centre = noise = 0.0
    for diff, below, at, above in zip(top_diffs, *runs, strict=True):
        moved = (above != at) | (below != at)
        if not moved.any():
            noise += float(np.abs(diff * at).max(initial=0.0))
            continue
        weight, a, b, c = diff[moved], below[moved].astype(np.float64), at[moved], above[moved].astype(np.float64)
        with np.errstate(invalid="ignore", over="ignore"):
            left, right, middle = (b - a) / steps[0], (c - b) / steps[1], (c - a) / sum(steps)
            kink = np.abs(right - left) > _KINK * np.maximum(np.abs(right), np.abs(left))
            sides = np.where(kink, np.stack([left, right]), middle) * weight
            low, high = low + float(sides.min(axis=0).sum()), high + float(sides.max(axis=0).sum())
            centre += float((middle * weight).sum())
            noise += float(np.abs(weight * b).max())
    return np.array([low, high, centre, noise * ROUNDING * precision / sum(steps)])


def typical(value: Array) -> float:
    """Return the size of a blob's values: the median of those that are not zero, 1 where there are none.

    Of a large blob some 100,000 values stand for all.
    """
    value = value.reshape(-1)[:: max(1, value.size // 100_000)]
    sizes = np.abs(value[np.isfinite(value) & (value != 0)])
    return float(np.median(sizes)) if sizes.size else 1.0
