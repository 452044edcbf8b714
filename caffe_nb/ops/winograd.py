"""Convolution by Winograd's minimal filtering: kernels of 3 by 3 that move by single pixels, in float32.

The image is cut into tiles of 6 by 6, each of which gives 4 by 4 results. Tiles and kernels are brought into a form in
which their correlation is a product element by element, so that the sums over channels are 36 products of matrices,
with 36 multiplications where the direct way takes 144. Gradients are the adjoints of these steps. With the points 0,
±1, ±2 and infinity, results differ from the exact ones by some 1e-5 of the largest.

References
----------
Lavin and Gray, "Fast algorithms for convolutional neural networks", 2015.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from caffe_nb.ops import tiles as kernel
from caffe_nb.ops.parallel import flat, run
from caffe_nb.ops.scratch import scratch, zeros
from caffe_nb.ops.tiles import STEP
from caffe_nb.ops.window import Window

Array = NDArray[Any]
Rows = tuple[tuple[int, ...], tuple[int, int], int, int]

CHUNK = 3 << 20
"""About how many elements the transformed tiles of a chunk have, channels and maps together: they are to stay in the
processor's outer cache."""
CHUNK_TILES = 256
"""A chunk has at least so many tiles, or the products would only move the kernels through the cache."""
LEAST_TILES = 64
"""With fewer tiles than this, transforming the kernels takes longer than what is saved."""
LEAST_CHANNELS = 16
"""With fewer channels or maps in a group than this, transforming the tiles does."""

POINTS = ((1 / 4, 0.0), (-1 / 6, 1.0), (-1 / 6, -1.0), (1 / 24, 2.0), (1 / 24, -2.0))
"""Factors and points of the kernel's transform; the last point is infinity."""


@dataclass(frozen=True)
class Plan:
    """A convolution that can be done this way.

    Attributes
    ----------
    images, results : (int, int, int, int)
        Shapes of the images and of the results.
    groups : int
        Groups of channels and maps.
    pad : (int, int)
        Zeros before and after the image.
    """

    images: tuple[int, ...]
    results: tuple[int, ...]
    groups: int
    pad: tuple[int, ...]

    @property
    def grid(self) -> tuple[int, int]:
        """How many tiles there are down and across an image."""
        return -(-self.results[2] // STEP), -(-self.results[3] // STEP)

    def chunks(self) -> list[tuple[int, int]]:
        """Return ranges of rows of tiles, counted through the batch, that are worked on together."""
        down, across = self.grid
        rows = self.images[0] * down
        each = max(CHUNK_TILES, CHUNK // (36 * (self.images[1] + self.results[1])))
        number = min(-(-rows * across // each), rows)
        return [(rows * i // number, rows * (i + 1) // number) for i in range(number)]


def plan(images: tuple[int, ...], maps: int, window: Window, groups: int, dtype: np.dtype[Any]) -> Plan | None:
    """Return how to do a convolution, or None where another way is better, or the only one.

    Parameters
    ----------
    images : tuple of int
        Shape of the images, ``(N, C, *spatial)``.
    maps : int
        How many maps there are.
    window : Window
        The kernel's extents.
    groups : int
        Groups of channels and maps.
    dtype : dtype
        Of the images.
    """
    if len(images) != 4 or window.kernel != (3, 3) or dtype != np.float32:
        return None
    if set(window.stride) != {1} or set(window.dilation) != {1}:
        return None
    if min(images[1], maps) < LEAST_CHANNELS * groups:
        return None
    results = (images[0], maps, *window.output_shape(images[2:]))
    found = Plan(tuple(images), results, groups, window.pad)
    down, across = found.grid
    return found if images[0] * down * across >= LEAST_TILES else None


def convolve(
    how: Plan, images: Array, weight: Array, bias: Array | None, out: Array, slope: float | None = None
) -> bool:
    """Correlate images with kernels, add the bias, and rectify.

    Parameters
    ----------
    how : Plan
        What `plan` returned.
    images, weight, bias, out, slope
        As in `caffe_nb.ops.convolution.convolve`.

    Returns
    -------
    bool
        Whether all results are finite; where not, they are wrong, as infinities and NaN reach the whole of a tile.
    """
    kernels, maps = _kernels(how, weight), weight.shape[0]
    offsets = zeros(maps, out.dtype) if bias is None else bias
    shared, target, finite = flat(offsets), out.reshape(-1), True
    tail = slope is not None, np.float32(slope or 0)
    for rows in how.chunks():
        tiles = _image_tiles(how, images, rows)
        products = _tiles("winograd products", maps, tiles.shape[2])
        _multiply(kernels, tiles, products)
        values, place = flat(products), (how.results, how.grid, rows[0], rows[1])

        def write(start: int, stop: int, values: Array = values, place: Rows = place) -> bool:
            return bool(kernel.results(values, *place, start, stop, shared, *tail, target))

        finite &= all(run(write, maps, products.size))
    return finite


def gradients(
    how: Plan, images: Array, gradient: Array, weight: Array, d_weight: Array | None, d_images: Array | None
) -> bool:
    """Add the gradient of the kernels and compute that of the images, each where it is asked for.

    Parameters
    ----------
    how : Plan
        What `plan` returned.
    images, gradient, weight
        Images, gradient of the results, kernels.
    d_weight : array or None
        What the gradient of the kernels is added to.
    d_images : array or None
        Where to write the gradient of the images; it is overwritten.

    Returns
    -------
    bool
        Whether all results are finite; where not, nothing was added to `d_weight`, and `d_images` is wrong.
    """
    kernels = None if d_images is None else _kernels(how, weight).swapaxes(2, 3)
    sums = None if d_weight is None else scratch("winograd sums", (36, *weight.shape[:2]), np.float32)
    finite = True
    if d_images is not None:
        d_images[...] = 0
    for rows in how.chunks():
        above = _gradient_tiles(how, gradient, rows)
        if sums is not None:
            _add_products(above, _image_tiles(how, images, rows), sums, how.groups, first=rows[0] == 0)
        if kernels is not None and d_images is not None:
            spread = _tiles("columns", how.images[1], above.shape[2])
            _multiply(kernels, above, spread)
            finite &= _add_to_images(how, spread, rows, d_images)
    return finite and (sums is None or d_weight is None or _add_kernels(sums, d_weight))


@cache
def _square() -> Array:
    """Return the kernel's transform along both axes, ``(36, 9)``."""
    line = [[factor * point**tap for tap in range(3)] for factor, point in POINTS]
    return np.kron([*line, [0, 0, 1]], [*line, [0, 0, 1]]).astype(np.float32)


def _kernels(how: Plan, weight: Array) -> Array:
    """Return the transformed kernels, ``(36, groups, M / groups, C / groups)``."""
    square, rows = _square(), weight.reshape(-1, 9)
    out = scratch("winograd kernels", (36, len(rows)), np.float32)
    run(lambda start, stop: np.matmul(square, rows[start:stop].T, out=out[:, start:stop]), len(rows), out.size * 4)
    return out.reshape(36, how.groups, -1, weight.shape[1])


def _add_kernels(sums: Array, out: Array) -> bool:
    """Add the kernels whose transform is ``(36, M, C / groups)``, if all are finite; return whether they are."""
    square, columns = _square(), sums.reshape(36, -1)
    kernels = scratch("winograd part", (columns.shape[1], 9), np.float32)
    target = out.reshape(-1, 9)

    def some(start: int, stop: int) -> bool:
        np.matmul(columns[:, start:stop].T, square, out=kernels[start:stop])
        return bool(np.isfinite(kernels[start:stop].sum()))  # one that is not finite makes the sum so

    def add(start: int, stop: int) -> None:
        np.add(target[start:stop], kernels[start:stop], out=target[start:stop])

    finite = all(run(some, len(kernels), sums.size))
    if finite:
        run(add, len(kernels), sums.size)
    return finite


def _tiles(use: str, channels: int, count: int) -> Array:
    """Return work space for tiles; that of the images takes the place of columns, which are never there as well."""
    return scratch(use, (36, channels, count), np.float32)


def _image_tiles(how: Plan, images: Array, rows: tuple[int, int]) -> Array:
    """Return the transformed tiles of the images, ``(36, C, tiles)``."""
    out = _tiles("columns", how.images[1], (rows[1] - rows[0]) * how.grid[1])
    source, target, place = flat(images), out.reshape(-1), (how.images, how.pad, how.grid, *rows)
    run(lambda start, stop: kernel.image_tiles(source, *place, start, stop, target), how.images[1], out.size)
    return out


def _gradient_tiles(how: Plan, gradient: Array, rows: tuple[int, int]) -> Array:
    """Return the transformed tiles of the gradient of the results, ``(36, M, tiles)``."""
    out = _tiles("winograd products", how.results[1], (rows[1] - rows[0]) * how.grid[1])
    source, target, place = flat(gradient), out.reshape(-1), (how.results, how.grid, *rows)
    run(lambda start, stop: kernel.gradient_tiles(source, *place, start, stop, target), how.results[1], out.size)
    return out


def _add_to_images(how: Plan, tiles: Array, rows: tuple[int, int], out: Array) -> bool:
    source, target, place = flat(tiles), out.reshape(-1), (how.images, how.pad, how.grid, *rows)

    def some(start: int, stop: int) -> bool:
        return bool(kernel.add_to_images(source, *place, start, stop, target))

    return all(run(some, how.images[1], tiles.size))


def _multiply(kernels: Array, tiles: Array, out: Array) -> None:
    """Multiply at each of the 36 places, kernels ``(36, groups, rows, columns)`` by tiles ``(36, channels, count)``."""
    groups, count = kernels.shape[1], tiles.shape[2]
    right, product = tiles.reshape(36, groups, -1, count), out.reshape(36, groups, -1, count)

    def some(start: int, stop: int) -> None:
        np.matmul(kernels[start:stop], right[start:stop], out=product[start:stop])

    run(some, 36, kernels.size * count)


def _add_products(above: Array, tiles: Array, sums: Array, groups: int, *, first: bool) -> None:
    """Add to ``(36, M, C / groups)`` the products of gradients and images, summed over tiles."""
    count = tiles.shape[2]
    left, right = above.reshape(36, groups, -1, count), tiles.reshape(36, groups, -1, count).swapaxes(2, 3)
    total = sums.reshape(36, groups, -1, sums.shape[2])
    part = total if first else scratch("winograd part", total.shape, np.float32)

    def some(start: int, stop: int) -> None:
        np.matmul(left[start:stop], right[start:stop], out=part[start:stop])
        if not first:
            np.add(total[start:stop], part[start:stop], out=total[start:stop])

    run(some, 36, sums.size * count)
