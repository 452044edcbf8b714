"""Figures and pictures of arrays on a GPU: reduced there, so that only the result is copied and waited for.

The same as `caffe_nb.inspector.sample` and `distribution` compute on the host, up to rounding.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from caffe_nb import device
from caffe_nb.inspector.pieces import Statistics

Array = NDArray[Any]

PIECE = 1 << 22
"""Elements that are worked on at once: what is in between takes memory of the device."""


def pieces_of(array: Any) -> Iterator[Any]:
    """Yield all elements, in C order, as float64 in pieces."""
    flat = array.reshape(-1)
    for start in range(0, flat.size, PIECE):
        yield flat[start : start + PIECE].astype(np.float64)


def block_means(pictures: Any, row_block: int, col_block: int) -> Any:
    """Return the means of blocks of the last two axes; the last block of a side may be smaller."""
    tiles, planes, rows, cols = pictures.shape
    high, wide = -(-rows // row_block), -(-cols // col_block)
    xp = device.namespace_of(pictures)
    whole = xp.pad(pictures, ((0, 0), (0, 0), (0, high * row_block - rows), (0, wide * col_block - cols)))
    sums = whole.reshape(tiles, planes, high, row_block, wide, col_block).sum(axis=(3, 5), dtype=np.float64)
    heights = np.minimum(row_block, rows - row_block * np.arange(high))
    widths = np.minimum(col_block, cols - col_block * np.arange(wide))
    return sums / xp.asarray(np.multiply.outer(heights, widths))


class Moments:
    """What a first pass over an array finds: counts, extremes, and the sum; then, in a second one, the spread."""

    def __init__(self, array: Any) -> None:
        found = [self._first(piece) for piece in pieces_of(array)]
        values = device.on_host(device.namespace_of(array).stack(found))
        self.finite, self.zeros, self.negatives, self.nans, self.plus, self.minus, self.broken = (
            int(count) for count in values[:, :7].sum(axis=0)
        )
        self.low, self.high = float(values[:, 7].min()), float(values[:, 8].max())
        with np.errstate(over="ignore"):
            self.mean = float(values[:, 9].sum()) / max(1, self.finite)

    @staticmethod
    def _first(piece: Any) -> Any:
        xp = device.namespace_of(piece)
        finite = xp.isfinite(piece)
        kept = xp.where(finite, piece, 0)
        return xp.stack(
            [
                finite.sum(dtype=np.float64),
                (piece == 0).sum(dtype=np.float64),
                (piece < 0).sum(dtype=np.float64),
                xp.isnan(piece).sum(dtype=np.float64),
                (piece == np.inf).sum(dtype=np.float64),
                (piece == -np.inf).sum(dtype=np.float64),
                (kept != xp.rint(kept)).sum(dtype=np.float64),
                xp.where(finite, piece, np.inf).min(),
                xp.where(finite, piece, -np.inf).max(),
                kept.sum(),
            ]
        )

    def spread(self, array: Any) -> float:
        """Return the sum of squared distances from the mean."""
        xp = device.namespace_of(array)
        parts = [xp.square(xp.where(xp.isfinite(piece), piece - self.mean, 0)).sum() for piece in pieces_of(array)]
        return float(device.on_host(xp.stack(parts)).sum())


def statistics(array: Any, most_categories: int, largest_category: float) -> Statistics:
    """Return the exact figures of a whole array that has elements."""
    moments = Moments(array)
    some, few = moments.finite > 0, moments.finite == array.size and not moments.broken
    categories: list[int] = []
    if few and moments.low < moments.high and max(-moments.low, moments.high) <= largest_category:
        distinct = device.namespace_of(array).unique(array)
        if distinct.size <= most_categories:
            categories = [int(value) for value in device.on_host(distinct)]
    return Statistics(
        count=int(array.size),
        min=moments.low if some else 0.0,
        max=moments.high if some else 0.0,
        mean=moments.mean,
        std=math.sqrt(moments.spread(array) / moments.finite) if some else 0.0,
        zeros=moments.zeros,
        negatives=moments.negatives,
        nans=moments.nans,
        positive_infinities=moments.plus,
        negative_infinities=moments.minus,
        categories=categories,
    )


def counts_in_bins(piece: Any, low: float, high: float, bins: int, categories: list[int]) -> Array:
    """Return the finite elements below `low`, in each of the bins (of each category, where there are some), above."""
    xp = device.namespace_of(piece)
    if categories:
        at = xp.searchsorted(xp.asarray(np.array(categories, np.float64)), piece)
    else:
        width = high / 2 - low / 2
        share = (piece / 2 - low / 2) / width if width > 0 else xp.zeros_like(piece)
        at = xp.minimum(xp.where(xp.isfinite(share), share, 0) * bins, bins - 1)
    at = xp.where(piece < low, -1, xp.where(piece > high, bins, at))
    at = xp.where(xp.isfinite(piece), at, bins + 1).astype(np.int64) + 1
    return device.on_host(xp.bincount(at, minlength=bins + 3))[: bins + 2]


def largest(piece: Any, count: int) -> tuple[Array, Array]:
    """Return the places and values of the finite elements of the largest magnitude, the first of equal ones first."""
    xp = device.namespace_of(piece)
    sizes = xp.where(xp.isfinite(piece), -xp.abs(piece), np.inf)
    at = xp.argsort(sizes, kind="stable")[:count]
    places, values = device.on_host(at), device.on_host(piece[at])
    return places[np.isfinite(values)], values[np.isfinite(values)]


def not_finite(piece: Any, count: int) -> tuple[Array, Array]:
    """Return the places and values of the first elements that are not finite."""
    xp = device.namespace_of(piece)
    at = xp.flatnonzero(~xp.isfinite(piece))[:count]
    return device.on_host(at), device.on_host(piece[at])
