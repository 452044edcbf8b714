"""Pictures and exact figures of blobs: what the panel shows of an array, whatever its size.

A view never touches more of the array than the slice that it shows; figures read the whole array once, in pieces that
stay in the processor's cache.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from caffe_nb.inspector.messages import MAX_VIEW_BYTES
from caffe_nb.inspector.pieces import Statistics

Array = NDArray[Any]

MAX_SIDE = 2048
"""Most rows and columns of a picture: more than a screen has."""
SMALL_TILE = 24
"""Side down to which tiles are reduced before tiles are left out."""
PIECE = 1 << 15
"""Elements that `statistics` reads at once."""


@dataclass(frozen=True)
class View:
    """A view of an array as pictures.

    Attributes
    ----------
    axes : list of int
        The array's axes shown as tiles, rows and columns; -1 for one that it does not have.
    index : list of int
        The position used on each axis, clamped to its length; 0 on the axes that are shown.
    values : ndarray of float32, shape (tiles, rows, cols)
        Contiguous; an element of the array each, or the mean of a block of them.
    reduced : bool
        Whether values are means, or tiles were left out.
    """

    axes: list[int]
    index: list[int]
    values: NDArray[np.float32]
    reduced: bool


def default_axes(shape: Sequence[int]) -> tuple[int, int, int]:
    """Return the axes shown as tiles, rows and columns; -1 for one that there is not.

    Rows and columns are the last two axes. Tiles are the channels of images (axis 1), or the images where there is one
    channel; axis 0 of three axes, and the third from the end of five and more. Images of one pixel are shown as a
    matrix of images by channels.
    """
    rank = len(shape)
    if rank < 3:
        return -1, rank - 2 if rank == 2 else -1, rank - 1
    if rank == 4 and tuple(shape[2:]) == (1, 1):
        return -1, 0, 1
    if rank == 4:
        return (0 if shape[1] == 1 else 1), 2, 3
    return rank - 3, rank - 2, rank - 1


def view(array: Array, index: Sequence[int] = (), *, max_bytes: int = MAX_VIEW_BYTES) -> View:
    """Return `array` as pictures of at most `max_bytes` of float32.

    Parameters
    ----------
    array : ndarray
        Any shape.
    index : sequence of int, default ()
        The position on each axis, for the axes that are not shown; missing ones are 0, others are clamped.
    max_bytes : int, default 262144
        The most that the values may take.

    Returns
    -------
    View
        Larger pictures are reduced by the means of blocks, then the last tiles are left out.
    """
    axes = default_axes(array.shape)
    wanted = [*index, *[0] * array.ndim]
    at = [max(0, min(int(i), n - 1)) for i, n in zip(wanted, array.shape, strict=False)]
    at = [0 if axis in axes else i for axis, i in enumerate(at)]
    pictures = _pictures(array, axes, at)
    tiles, rows, cols = pictures.shape
    limit = max(1, max_bytes // 4)
    per_tile = max(limit // max(tiles, 1), min(limit, SMALL_TILE * SMALL_TILE))
    small_rows, small_cols = _fit(rows, cols, per_tile)
    row_block, col_block = _block(rows, small_rows), _block(cols, small_cols)
    shown_tiles = min(tiles, limit // max(1, -(-rows // row_block) * -(-cols // col_block)))
    pictures = pictures[:shown_tiles]
    reduced = row_block > 1 or col_block > 1 or shown_tiles < tiles
    return View(list(axes), at, _float32(_block_means(pictures, row_block, col_block)), reduced)


def _pictures(array: Array, axes: tuple[int, int, int], index: list[int]) -> Array:
    """Return the slice that is shown, of shape (tiles, rows, cols), without copying."""
    shown = [axis for axis in axes if axis >= 0]
    picked = array[tuple(slice(None) if axis in shown else i for axis, i in enumerate(index))]
    picked = picked.transpose(np.argsort(np.argsort(shown)))
    return picked.reshape((1,) * (3 - picked.ndim) + picked.shape)


def _fit(rows: int, cols: int, limit: int) -> tuple[int, int]:
    """Return the rows and columns of a picture with at most `limit` elements; the longer side gives way first."""
    short = max(1, min(rows, cols, math.isqrt(limit)))
    long = max(1, min(max(rows, cols), limit // short, MAX_SIDE))
    short = min(short, MAX_SIDE)
    return (short, long) if rows <= cols else (long, short)


def _block(length: int, wanted: int) -> int:
    return max(1, -(-length // wanted))


def _block_means(pictures: Array, row_block: int, col_block: int) -> Array:
    """Return the means of blocks; the last block of a side may be smaller."""
    means = pictures
    with np.errstate(invalid="ignore", over="ignore"):  # what is not finite is a value like others here
        for axis, block in ((2, col_block), (1, row_block)):
            length = means.shape[axis]
            if block == 1 or length == 0:
                continue
            starts = np.arange(0, length, block)
            sizes = np.diff(np.append(starts, length))
            sums = np.add.reduceat(means, starts, axis=axis, dtype=np.float64)
            means = sums / (sizes if axis == 2 else sizes[:, None])
    return means


def _float32(values: Array) -> NDArray[np.float32]:
    """Return contiguous float32; finite values stay finite."""
    if values.dtype == np.float32:
        return np.ascontiguousarray(values)
    largest = np.finfo(np.float32).max
    clipped = np.where(np.isfinite(values), np.clip(values, -largest, largest), values)
    return np.ascontiguousarray(clipped, dtype=np.float32)


def statistics(array: Array) -> Statistics:
    """Return the exact figures of a whole array.

    Parameters
    ----------
    array : ndarray
        Any shape, also an empty one.

    Returns
    -------
    Statistics
        Minimum, maximum, mean and standard deviation of the finite elements (0 where there are none), computed in
        float64; counts of zeros, of elements below zero, of NaN and of the infinities.
    """
    figures = _Figures()
    flat = array.reshape(-1)
    for start in range(0, flat.size, PIECE):
        figures.add(flat[start : start + PIECE].astype(np.float64))
    return figures.result(int(flat.size))


class _Figures:
    """Figures of the pieces seen so far; mean and spread are merged pairwise (Chan, Golub and LeVeque, 1983)."""

    def __init__(self) -> None:
        self.finite = 0
        self.low, self.high = math.inf, -math.inf
        self.mean = self.spread = 0.0
        self.zeros = self.negatives = self.nans = self.plus = self.minus = 0

    def add(self, piece: NDArray[np.float64]) -> None:
        """Take a piece in; it is written over."""
        self.negatives += int(np.count_nonzero(piece < 0))
        self.zeros += piece.size - int(np.count_nonzero(piece))
        with np.errstate(all="ignore"):
            total = float(piece.sum())
            if not math.isfinite(total):
                piece = self._sort_out(piece)
                total = float(piece.sum())
            if not piece.size:
                return
            self.low = min(self.low, float(piece.min()))
            self.high = max(self.high, float(piece.max()))
            mean = total / piece.size
            piece -= mean
            delta = mean - self.mean
            both = self.finite + piece.size
            np.square(piece, out=piece)  # not a dot product: its threads would stand in a running net's way
            self.spread += float(piece.sum()) + delta * delta * self.finite * piece.size / both
            self.mean += delta * piece.size / both
            self.finite = both

    def _sort_out(self, piece: NDArray[np.float64]) -> NDArray[np.float64]:
        self.nans += int(np.count_nonzero(np.isnan(piece)))
        self.plus += int(np.count_nonzero(piece == np.inf))
        self.minus += int(np.count_nonzero(piece == -np.inf))
        return piece[np.isfinite(piece)]

    def result(self, count: int) -> Statistics:
        some = self.finite > 0
        return Statistics(
            count=count,
            min=self.low if some else 0.0,
            max=self.high if some else 0.0,
            mean=_bounded(self.mean),
            std=_bounded(math.sqrt(self.spread / self.finite)) if some else 0.0,
            zeros=self.zeros,
            negatives=self.negatives,
            nans=self.nans,
            positive_infinities=self.plus,
            negative_infinities=self.minus,
        )


def _bounded(value: float) -> float:
    """Return a number that JSON has; only float64 blobs near the end of its range need it."""
    if math.isnan(value):
        return 0.0
    return max(-sys.float_info.max, min(sys.float_info.max, value))
