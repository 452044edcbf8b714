"""Pooling over regions of images: the cells of a grid laid over each region.

Features are ``(N, C, H, W)``; a region is a row (index of the image, x1, y1, x2, y2).
"""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from caffe_nb import device
from caffe_nb.core.deferred import refuse
from caffe_nb.errors import ShapeError
from caffe_nb.ops.cuda import launch
from caffe_nb.ops.jit import compiled

Array = NDArray[Any]
Edges = NDArray[np.integer[Any]]


class Cells(NamedTuple):
    """A grid of cells over each region, in pixels of the features.

    Attributes
    ----------
    images : (R,) ndarray of int
        The index of each region's image.
    top, bottom : (R, rows) ndarray of int
        The first and the end row of each row of cells; equal for cells that see no pixel.
    left, right : (R, columns) ndarray of int
        The same of the columns.
    """

    images: Edges
    top: Edges
    bottom: Edges
    left: Edges
    right: Edges


def cells_of(
    regions: Array,
    features: tuple[int, ...],
    grid: tuple[int, int],
    scale: float,
    *,
    whole: bool,
    checked: bool = False,
) -> Cells:
    """Lay a grid over each region.

    Parameters
    ----------
    regions : (R, 5) ndarray
        The regions.
    features : tuple of int
        The shape of the features.
    grid : (int, int)
        Rows and columns of cells.
    scale : float
        From coordinates to pixels.
    whole : bool
        How regions are rounded: as in `whole_cells`, or as in `scaled_cells`.
    checked : bool, default False
        That the regions were looked at before, on a device.

    Raises
    ------
    ShapeError
        As `images_of` does; on a device when the net is asked for a value, see `caffe_nb.core.deferred`.
    """
    number, _, height, width = features
    if device.holds(regions):
        xp, count = device.namespace_of(regions), len(regions)
        images = xp.empty(count, np.int32)
        edges = [xp.empty((count, cells), np.int32) for cells in grid for _ in range(2)]
        launch("regions", "cells", count, regions, images, *edges, float(scale), number, height, width, *grid, whole)
        if not checked:
            refuse(images < 0, regions[:, 0], partial(_refused, number))
        return Cells(images, *edges)
    cells = whole_cells if whole else scaled_cells
    rows = cells(regions[:, 2], regions[:, 4], scale, grid[0], height)
    columns = cells(regions[:, 1], regions[:, 3], scale, grid[1], width)
    return Cells(images_of(regions, number), *rows, *columns)


def max_cells(x: Array, cells: Cells, out: Array, mask: Edges) -> None:
    """Write the largest value of each cell and its pixel.

    Parameters
    ----------
    x : (N, C, H, W) ndarray
        The features.
    cells : Cells
        The grids.
    out : (R, C, rows, columns) ndarray
        Where to write the values; 0 for a cell that sees no pixel.
    mask : (R, C, rows, columns) ndarray of int32
        Where to write the pixels, ``y * W + x``, or -1. Of equal values it is the first one's.
    """
    if device.holds(x):
        launch("regions", "max_cells", out.size, x, *cells, out, mask, *x.shape[1:], *out.shape[2:])
        return
    _max_cells(x, *cells, out, mask)


def max_gradient(gradient: Array, cells: Cells, mask: Edges, out: Array) -> None:
    """Write the gradient of `max_cells` for the features, which is overwritten."""
    if device.holds(out):
        shape = len(gradient), *out.shape[1:], *gradient.shape[2:]
        launch("regions", "max_gradient", out.size, gradient, *cells, mask, out, *shape)
        return
    out[...] = 0
    _add_max_gradient(gradient, cells.images, mask, out.reshape(*out.shape[:2], out.shape[2] * out.shape[3]))


def mean_cells(x: Array, cells: Cells, out: Array) -> None:
    """Write the mean of each cell of a square grid, taken from a channel of its own.

    Parameters
    ----------
    x : (N, outputs * group ** 2, H, W) ndarray
        The features.
    cells : Cells
        The grids.
    out : (R, outputs, group, group) ndarray
        Where to write; 0 for a cell that sees no pixel.
    """
    if device.holds(x):
        launch("regions", "mean_cells", out.size, x, *cells, out, out.shape[1], *x.shape[2:], out.shape[2])
        return
    _mean_cells(x, *cells, out)


def mean_gradient(gradient: Array, cells: Cells, out: Array) -> None:
    """Write the gradient of `mean_cells` for the features, which is overwritten."""
    if device.holds(out):
        shape = len(gradient), gradient.shape[1], *out.shape[2:], gradient.shape[2]
        launch("regions", "mean_gradient", out.size, gradient, *cells, out, *shape)
        return
    out[...] = 0
    _add_mean_gradient(gradient, *cells, out)


def images_of(regions: Array, count: int) -> Edges:
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
        raise _refused(count, float(regions[row, 0]), (row,), 0)
    return images


def _refused(count: int, image: float, at: tuple[int, ...], _more: int) -> ShapeError:
    if -1 < image < count:
        return ShapeError(f"region {at[0]} has a number that is not finite")
    return ShapeError(f"region {at[0]} is of image {image:g}, and the batch has images 0 to {count - 1}")


def whole_cells(low: Array, high: Array, scale: float, cells: int, length: int) -> tuple[Edges, Edges]:
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


def scaled_cells(low: Array, high: Array, scale: float, cells: int, length: int) -> tuple[Edges, Edges]:
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


def _clipped(first: Array, end: Array, length: int) -> tuple[Edges, Edges]:
    first, end = (np.clip(np.nan_to_num(edge), 0, length).astype(np.int64) for edge in (first, end))
    return first, np.maximum(first, end)


@compiled
def _max_cells(
    x: Array, images: Edges, top: Edges, bottom: Edges, left: Edges, right: Edges, out: Array, mask: Array
) -> None:
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
def _add_max_gradient(gradient: Array, images: Edges, mask: Array, out: Array) -> None:
    for r in range(gradient.shape[0]):
        for c in range(gradient.shape[1]):
            for i in range(gradient.shape[2]):
                for j in range(gradient.shape[3]):
                    if mask[r, c, i, j] >= 0:
                        out[images[r], c, mask[r, c, i, j]] += gradient[r, c, i, j]


@compiled
def _mean_cells(x: Array, images: Edges, top: Edges, bottom: Edges, left: Edges, right: Edges, out: Array) -> None:
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
def _add_mean_gradient(
    gradient: Array, images: Edges, top: Edges, bottom: Edges, left: Edges, right: Edges, out: Array
) -> None:
    for r in range(gradient.shape[0]):
        for c in range(gradient.shape[1]):
            for i in range(gradient.shape[2]):
                for j in range(gradient.shape[3]):
                    channel = (c * gradient.shape[2] + i) * gradient.shape[3] + j
                    count = (bottom[r, i] - top[r, i]) * (right[r, j] - left[r, j])
                    for y in range(top[r, i], bottom[r, i]):
                        for z in range(left[r, j], right[r, j]):
                            out[images[r], channel, y, z] += gradient[r, c, i, j] / count
