"""Pooling over regions of images: the cells of a grid laid over each region.

Features are ``(N, C, H, W)``; a region is a row (index of the image, x1, y1, x2, y2).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from caffe_nb.errors import ShapeError
from caffe_nb.ops.jit import compiled

Array = NDArray[Any]
Cells = NDArray[np.int64]


def images_of(regions: Array, count: int) -> Cells:
    """Return the index of the image of every region.

    Parameters
    ----------
    regions : (R, 5) ndarray
        The regions.
    count : int
        How many images there are.

    Raises
    ------
    ShapeError
        For an index of no image, and for a number that is no coordinate.
    """
    if not np.isfinite(regions).all():
        row = int(np.argmin(np.isfinite(regions).all(1)))
        raise ShapeError(f"region {row} is {regions[row].tolist()}; its numbers must be finite")
    images = regions[:, 0].astype(np.int64)
    wrong = np.flatnonzero((images < 0) | (images >= count))
    if wrong.size:
        row = int(wrong[0])
        raise ShapeError(f"region {row} is of image {regions[row, 0]:g}, and the batch has images 0 to {count - 1}")
    return images


def whole_cells(low: Array, high: Array, scale: float, cells: int, length: int) -> tuple[Cells, Cells]:
    """Return the first and the end pixel of each cell along an axis, for regions rounded to whole pixels.

    Parameters
    ----------
    low, high : (R,) ndarray
        The regions' first and last coordinate.
    scale : float
        From coordinates to pixels.
    cells : int
        How many.
    length : int
        The extent of the features.

    Returns
    -------
    first, end : (R, cells) ndarray
        Inside of the features; equal for a cell that sees none.
    """
    dtype = low.dtype
    start, last = _round(low * dtype.type(scale)), _round(high * dtype.type(scale))
    size = (np.maximum(last - start + 1, 1) / cells).astype(dtype)[:, None]
    number = np.arange(cells).astype(dtype)
    return _clipped(np.floor(number * size) + start[:, None], np.ceil((number + 1) * size) + start[:, None], length)


def scaled_cells(low: Array, high: Array, scale: float, cells: int, length: int) -> tuple[Cells, Cells]:
    """Return the cells as `whole_cells`, for regions whose whole coordinates are scaled to fractions of pixels."""
    dtype = low.dtype
    start, end = _round(low) * dtype.type(scale), (_round(high) + 1) * dtype.type(scale)
    size = (np.maximum(end - start, dtype.type(0.1)) / cells).astype(dtype)[:, None]
    number, start = np.arange(cells).astype(dtype), start.astype(dtype)[:, None]
    return _clipped(np.floor(number * size + start), np.ceil((number + 1) * size + start), length)


def _round(x: Array) -> Array:
    """Round halves away from 0, as C does."""
    whole = np.trunc(x)
    rounded: Array = whole + np.sign(x) * (np.abs(x - whole) >= 0.5)
    return rounded


def _clipped(first: Array, end: Array, length: int) -> tuple[Cells, Cells]:
    first, end = (np.clip(np.nan_to_num(edge), 0, length).astype(np.int64) for edge in (first, end))
    return first, np.maximum(first, end)


@compiled
def max_cells(
    x: Array, images: Cells, top: Cells, bottom: Cells, left: Cells, right: Cells, out: Array, mask: Array
) -> None:
    """Write the largest value of each cell and its pixel, ``y * W + x``; 0 and -1 for a cell that sees none."""
    for r in range(out.shape[0]):
        for c in range(out.shape[1]):
            for i in range(out.shape[2]):
                for j in range(out.shape[3]):
                    value, place = x.dtype.type(0), -1
                    for y in range(top[r, i], bottom[r, i]):
                        for z in range(left[r, j], right[r, j]):
                            if place < 0 or x[images[r], c, y, z] > value:
                                value, place = x[images[r], c, y, z], y * x.shape[3] + z
                    out[r, c, i, j] = value
                    mask[r, c, i, j] = place


@compiled
def add_max_gradient(gradient: Array, images: Cells, mask: Array, out: Array) -> None:
    """Add each gradient to the pixel that its value came from; `out` is ``(N, C, H * W)``."""
    for r in range(gradient.shape[0]):
        for c in range(gradient.shape[1]):
            for i in range(gradient.shape[2]):
                for j in range(gradient.shape[3]):
                    if mask[r, c, i, j] >= 0:
                        out[images[r], c, mask[r, c, i, j]] += gradient[r, c, i, j]


@compiled
def mean_cells(x: Array, images: Cells, top: Cells, bottom: Cells, left: Cells, right: Cells, out: Array) -> None:
    """Write the mean of each cell, taken from a channel of its own; 0 for a cell that sees no pixel."""
    for r in range(out.shape[0]):
        for c in range(out.shape[1]):
            for i in range(out.shape[2]):
                for j in range(out.shape[3]):
                    channel = (c * out.shape[2] + i) * out.shape[3] + j
                    total, count = x.dtype.type(0), (bottom[r, i] - top[r, i]) * (right[r, j] - left[r, j])
                    for y in range(top[r, i], bottom[r, i]):
                        for z in range(left[r, j], right[r, j]):
                            total += x[images[r], channel, y, z]
                    out[r, c, i, j] = total / max(1, count)


@compiled
def add_mean_gradient(
    gradient: Array, images: Cells, top: Cells, bottom: Cells, left: Cells, right: Cells, out: Array
) -> None:
    """Spread each gradient evenly over the pixels of its cell."""
    for r in range(gradient.shape[0]):
        for c in range(gradient.shape[1]):
            for i in range(gradient.shape[2]):
                for j in range(gradient.shape[3]):
                    channel = (c * gradient.shape[2] + i) * gradient.shape[3] + j
                    count = (bottom[r, i] - top[r, i]) * (right[r, j] - left[r, j])
                    for y in range(top[r, i], bottom[r, i]):
                        for z in range(left[r, j], right[r, j]):
                            out[images[r], channel, y, z] += gradient[r, c, i, j] / count
