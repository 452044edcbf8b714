"""Pictures and exact figures of blobs: what the panel shows of an array, whatever its size.

A view never touches more of the array than the slice that it shows; figures read the whole array once, in pieces that
stay in the processor's cache. Neither copies a large array whole.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from caffe_nb import device
from caffe_nb.inspector import on_device
from caffe_nb.inspector.messages import MAX_VIEW_BYTES
from caffe_nb.inspector.pieces import Statistics
from caffe_nb.ops import compiling, figures

Array = NDArray[Any]

MAX_SIDE = 2048
"""Most rows and columns of a picture: more than a screen has."""
SMALL_TILE = 24
"""Side down to which tiles are reduced before tiles are left out."""
SMALL_IMAGE = 48
"""Side below which images are no longer shown beside each other."""
MAX_TILES = 1024
"""Most tiles of a view: more than a screen has room for."""
CHUNK = 1 << 18
"""Elements whose means are taken at once: numpy makes float64 of all that it is given."""
MAX_CATEGORIES = 20
"""Most distinct values of a blob of whole numbers that are categories."""
PIECE = 1 << 15
"""Elements that `statistics` reads at once."""
HEAD = 256
"""Elements that are looked at first: mostly one of them already is no whole number."""

LARGEST_CATEGORY = 1 << 24
"""Greatest magnitude of a category: up to here float32 has all whole numbers."""


@dataclass(frozen=True)
class View:
    """A view of an array as pictures.

    Attributes
    ----------
    axes : list of int
        The array's axes shown as tiles, rows and columns; -1 for one that is not.
    index : list of int
        The position used on each axis, clamped to its length; 0 on the axes that are shown.
    values : ndarray of float32, shape (tiles, rows, cols)
        Contiguous; an element of the array each, or what stands for a block of them. For a picture, its channels one
        after the other: (tiles * channels, rows, cols).
    reduced : bool
        Whether values stand for blocks, or tiles were left out.
    block : tuple of int
        Rows and columns of a block; (1, 1) where values are elements.
    channels : int
        1 or 3 for pictures, 0 for all other views.
    """

    axes: list[int]
    index: list[int]
    values: NDArray[np.float32]
    reduced: bool
    block: tuple[int, int] = (1, 1)
    channels: int = 0


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


def is_picture(shape: Sequence[int]) -> bool:
    """Whether a blob of this shape holds images or first-layer filters: (N, 1 or 3, H, W)."""
    return len(shape) == 4 and shape[1] in (1, 3) and min(shape[2:]) > 1


def view(
    array: Array,
    index: Sequence[int] = (),
    *,
    axes: Sequence[int] = (),
    picture: bool = False,
    picked: bool = False,
    max_bytes: int = MAX_VIEW_BYTES,
) -> View:
    """Return `array` as pictures of at most `max_bytes` of float32.

    Parameters
    ----------
    array : ndarray
        Any shape.
    index : sequence of int, default ()
        The position on each axis, for the axes that are not shown; missing ones are 0, others are clamped.
    axes : sequence of int, default ()
        The axes shown as tiles, rows and columns, -1 for none; those of `default_axes` where the array lacks one.
    picture : bool, default False
        Whether images, of shape (N, 1 or 3, H, W), are wanted with their channels together; nothing for other shapes.
    picked : bool, default False
        Whether a block's first element stands for it, not its mean: a mean of labels would be no label.
    max_bytes : int, default 262144
        The most that the values may take.

    Returns
    -------
    View
        Larger pictures are reduced by blocks, then the last tiles are left out.
    """
    limit = max(1, max_bytes // 4)
    channels = int(array.shape[1]) if picture and is_picture(array.shape) else 0
    chosen = _picture_axes(array.shape, axes, limit) if channels else _chosen_axes(array.shape, axes)
    shown = [*chosen, *([1] if channels else [])]
    wanted = [*index, *[0] * array.ndim]
    at = [max(0, min(int(i), n - 1)) for i, n in zip(wanted, array.shape, strict=False)]
    at = [0 if axis in shown else i for axis, i in enumerate(at)]
    if array.size == 0:
        rows, cols = (array.shape[axis] if axis >= 0 else 1 for axis in chosen[1:])
        return View(list(chosen), at, np.zeros((0, rows, cols), np.float32), False, (1, 1), channels)
    tile_axis, row_axis, col_axis = chosen
    pictures = _pictures(array, (tile_axis, 1 if channels else -1, row_axis, col_axis), at)
    tiles, planes, rows, cols = pictures.shape
    shown_tiles = min(tiles, MAX_TILES)
    per_tile = max(limit // (shown_tiles * planes), min(limit // planes, SMALL_TILE * SMALL_TILE))
    small_rows, small_cols = _fit(rows, cols, per_tile)
    block = _block(rows, small_rows), _block(cols, small_cols)
    size = planes * -(-rows // block[0]) * -(-cols // block[1])
    shown_tiles = min(shown_tiles, max(1, limit // size))
    pictures = pictures[:shown_tiles]
    pictures = pictures[:, :, :: block[0], :: block[1]] if picked else _block_means(pictures, *block)
    values = _float32(device.on_host(pictures)).reshape(shown_tiles * planes, *pictures.shape[2:])
    return View(list(chosen), at, values, block != (1, 1) or shown_tiles < tiles, block, channels)


def _chosen_axes(shape: Sequence[int], axes: Sequence[int]) -> tuple[int, int, int]:
    """Return the axes that were asked for, or the usual ones where they do not fit: the blob may have a new shape."""
    named = [axis for axis in axes if axis != -1]
    fit = len(axes) == 3 and len(set(named)) == len(named) and all(0 <= axis < len(shape) for axis in named)
    return (axes[0], axes[1], axes[2]) if fit else default_axes(shape)


def _picture_axes(shape: Sequence[int], axes: Sequence[int], limit: int) -> tuple[int, int, int]:
    """Return the axes of images: all beside each other, or, where they would get too small, one at a time."""
    if len(axes) == 3 and axes[0] in (0, -1):
        return axes[0], 2, 3
    room = limit // max(1, shape[0] * shape[1])
    return (0 if room >= min(shape[2] * shape[3], SMALL_IMAGE * SMALL_IMAGE) else -1), 2, 3


def _pictures(array: Array, axes: Sequence[int], index: list[int]) -> Array:
    """Return the slice that is shown, an axis of it for each of `axes`, of length 1 for -1, without copying."""
    shown = [axis for axis in axes if axis >= 0]
    picked = array[(*(slice(None) if axis in shown else i for axis, i in enumerate(index)), ...)]
    picked = picked.transpose([sorted(shown).index(axis) for axis in shown])
    return picked[tuple(slice(None) if axis >= 0 else np.newaxis for axis in axes)]


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
    if row_block == col_block == 1:
        return pictures
    if device.holds(pictures):
        reduced: Array = on_device.block_means(pictures, row_block, col_block)
        return reduced
    tiles, planes, rows, cols = pictures.shape
    means = np.empty((tiles, planes, -(-rows // row_block), -(-cols // col_block)))
    wide = max(1, min(means.shape[3], CHUNK // (row_block * col_block)))  # blocks taken at once, in each direction
    high = max(1, min(means.shape[2], CHUNK // (row_block * col_block * wide)))
    deep = max(1, min(tiles, CHUNK // (planes * row_block * col_block * wide * high)))
    for tile, row, col in product(
        range(0, tiles, deep), range(0, means.shape[2], high), range(0, means.shape[3], wide)
    ):
        chunk = pictures[
            tile : tile + deep,
            :,
            row * row_block : (row + high) * row_block,
            col * col_block : (col + wide) * col_block,
        ]
        means[tile : tile + deep, :, row : row + high, col : col + wide] = _chunk_means(chunk, row_block, col_block)
    return means


def _chunk_means(chunk: Array, row_block: int, col_block: int) -> Array:
    blocks = sorted(((2, row_block), (3, col_block)), key=lambda side: abs(chunk.strides[side[0]]))
    with np.errstate(invalid="ignore", over="ignore"):  # what is not finite is a value like others here
        for axis, block in blocks:  # along the memory first
            length = chunk.shape[axis]
            if block == 1:
                continue
            starts = np.arange(0, length, block)
            sizes = np.diff(np.append(starts, length))
            sums = np.add.reduceat(chunk, starts, axis=axis, dtype=np.float64)
            chunk = sums / (sizes if axis == 3 else sizes[:, None])
    return chunk


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
        float64; counts of zeros, of elements below zero, of NaN and of the infinities; the distinct values where they
        are 2 to 20 whole numbers.
    """
    if device.holds(array) and array.size:
        return on_device.statistics(array, MAX_CATEGORIES, LARGEST_CATEGORY)
    known = _at_once(array)
    if known is not None:
        return known
    found = _Figures()
    for piece in pieces_of(array):
        found.add(piece)
    return found.result(int(array.size))


def _at_once(array: Array) -> Statistics | None:
    """Return the figures of a large blob of finite values that are no categories, several times as fast, or None."""
    if array.size <= PIECE or not array.flags.c_contiguous or array.dtype not in (np.float32, np.float64):
        return None
    flat = array.reshape(-1)
    head = flat[:HEAD]
    with np.errstate(all="ignore"), compiling.quietly():
        if (head == np.rint(head)).all():
            return None
        low, high = float(flat.min()), float(flat.max())
        if not (math.isfinite(low) and math.isfinite(high)):
            return None
        total, zeros, negatives = figures.sums(flat)
        mean = total / flat.size
        spread = figures.spread(flat, mean)
    if not math.isfinite(spread):
        return None
    return Statistics(
        count=flat.size,
        min=low,
        max=high,
        mean=mean,
        std=math.sqrt(spread / flat.size),
        zeros=zeros,
        negatives=negatives,
        nans=0,
        positive_infinities=0,
        negative_infinities=0,
        categories=[],
    )


def pieces_of(array: Array) -> Iterator[NDArray[np.float64]]:
    """Yield all elements, in C order, as float64 in pieces that may be written over; copies no more than a piece."""
    if array.flags.c_contiguous:
        flat = array.reshape(-1)
        for start in range(0, flat.size, PIECE):
            yield flat[start : start + PIECE].astype(np.float64)
    else:
        flags: Any = ["external_loop", "buffered", "zerosize_ok"]
        with np.nditer(array, flags, ["readonly"], order="C", buffersize=PIECE) as pieces:
            for piece in pieces:
                yield np.array(piece, dtype=np.float64)


class _Categories:
    """The distinct values seen so far, as long as they are few whole numbers."""

    def __init__(self) -> None:
        self.values: set[int] | None = set()

    def add(self, piece: NDArray[np.float64], low: float, high: float) -> None:
        """Take a piece in; its least and greatest elements are NaN where one of it is."""
        if self.values is None:
            return
        if not -LARGEST_CATEGORY <= low <= high <= LARGEST_CATEGORY or (piece[:HEAD] != np.rint(piece[:HEAD])).any():
            self.values = None  # as most blobs: they are no whole numbers, which is soon seen
            return
        whole = piece.astype(np.int64)
        if (whole != piece).any():
            self.values = None
            return
        first = int(low)
        if int(high) - first < piece.size:
            whole -= first
            found = np.flatnonzero(np.bincount(whole)) + first
        else:
            found = np.unique(whole)
        self.values.update(int(value) for value in found[: MAX_CATEGORIES + 1])
        if len(self.values) > MAX_CATEGORIES:
            self.values = None

    def result(self) -> list[int]:
        return sorted(self.values) if self.values and len(self.values) > 1 else []


class _Figures:
    """Figures of the pieces seen so far; mean and spread are merged pairwise (Chan, Golub and LeVeque, 1983)."""

    def __init__(self) -> None:
        self.finite = 0
        self.low, self.high = math.inf, -math.inf
        self.mean = self.spread = 0.0
        self.zeros = self.negatives = self.nans = self.plus = self.minus = 0
        self.categories = _Categories()

    def add(self, piece: NDArray[np.float64]) -> None:
        """Take a piece in; it is written over."""
        with np.errstate(all="ignore"):
            low, high = float(piece.min()), float(piece.max())
            self.categories.add(piece, low, high)
            self.negatives += int(np.count_nonzero(piece < 0))
            self.zeros += int(np.count_nonzero(piece == 0))  # counting among booleans is four times as fast
            total = float(piece.sum())
            if not math.isfinite(low) or not math.isfinite(high):
                piece = self._sort_out(piece)
                if not piece.size:
                    return
                total, low, high = float(piece.sum()), float(piece.min()), float(piece.max())
            self.low, self.high = min(self.low, low), max(self.high, high)
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
            categories=self.categories.result(),
        )


def _bounded(value: float) -> float:
    """Return a number that JSON has; only float64 blobs near the end of its range need it."""
    if math.isnan(value):
        return 0.0
    return max(-sys.float_info.max, min(sys.float_info.max, value))
