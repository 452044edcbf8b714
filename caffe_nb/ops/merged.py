"""Convolution in one matrix product for the whole batch, whose rows the threads share out: of small or few images.

An image of 7 by 7 has 49 columns; a product of so few is over before the BLAS has laid out the kernels for it, which
can be 9 MB. Side by side, the columns of all images go through together. And where there are fewer images than threads,
an image for each would leave threads idle.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from caffe_nb import device
from caffe_nb.ops.gemm import gemm
from caffe_nb.ops.im2col import col2im, columns_shape, im2col
from caffe_nb.ops.parallel import one_blas_thread, run, threads
from caffe_nb.ops.scratch import scratch
from caffe_nb.ops.window import Window

Array = NDArray[Any]

PIXELS = 100
"""Most pixels of a result that are merged with those of other images."""
KERNELS = 1 << 19
"""Fewest numbers in the kernels for which that pays."""
COLUMNS_BYTES = 1 << 25
"""Upper bound of all columns together."""
PIECE = 1 << 17
"""Elements of a piece of the kernels' gradient."""


def pays(images: Array, weight: Array, window: Window, groups: int) -> bool:
    """Whether images are so few, or so small and kernels so large, that this way is the faster one."""
    if groups != 1 or device.holds(images):
        return False
    shape = columns_shape(images.shape, window)
    pixels = prod(shape[2 + len(window.kernel) :])
    if not pixels or not weight.size or (not window.pointwise and prod(shape) * images.itemsize > COLUMNS_BYTES):
        return False
    return 0 < 2 * len(images) <= threads() or (len(images) > 1 and pixels <= PIXELS and weight.size >= KERNELS)


def convolve(images: Array, weight: Array, bias: Array | None, window: Window, out: Array) -> None:
    """Do `convolution.convolve` for one group."""
    maps, columns = len(weight), _columns(images, window)
    alone = len(out) == 1
    product = out.reshape(maps, -1) if alone else scratch("merged maps", (maps, columns.shape[1]), out.dtype)
    gemm(weight.reshape(maps, -1), columns, out=product)
    by_image = product.reshape(maps, len(out), -1).swapaxes(0, 1)
    if bias is not None:
        np.add(by_image, bias[:, None], out=out.reshape(by_image.shape))
    elif not alone:
        np.copyto(out.reshape(by_image.shape), by_image)


def gradients(
    images: Array, gradient: Array, weight: Array, window: Window, d_weight: Array | None, d_images: Array | None
) -> None:
    """Do `convolution.gradients` for one group."""
    maps, matrix = len(weight), weight.reshape(len(weight), -1)
    above = _side_by_side(gradient, "merged maps")
    if d_weight is not None:
        _add_weight_gradient(above, _columns(images, window), d_weight.reshape(maps, -1))
    if d_images is None:
        return
    if window.pointwise and len(images) == 1:
        gemm(matrix.T, above, out=d_images.reshape(matrix.shape[1], -1))
        return
    columns = scratch("merged columns", columns_shape(d_images.shape, window), d_images.dtype)
    gemm(matrix.T, above, out=columns.reshape(matrix.shape[1], -1))
    _share_out(lambda part, target: col2im(part, window, target.shape[2:], target), columns, d_images, window)


def _columns(images: Array, window: Window) -> Array:
    """Return the columns of all images side by side, ``(C taps, N pixels)``."""
    if window.pointwise:
        return _side_by_side(images, "merged columns")
    columns = scratch("merged columns", columns_shape(images.shape, window), images.dtype)
    _share_out(lambda part, source: im2col(source, window, part), columns, images, window)
    return columns.reshape(prod(columns.shape[: 1 + len(window.kernel)]), -1)


def _side_by_side(images: Array, use: str) -> Array:
    """Return ``(N, C, *spatial)`` as ``(C, N pixels)``."""
    number, channels = images.shape[:2]
    if number == 1:
        return images.reshape(channels, -1)
    result = scratch(use, (channels, images.size // channels), images.dtype)
    np.copyto(result.reshape(channels, number, -1), images.reshape(number, channels, -1).swapaxes(0, 1))
    return result


def _share_out(some: Callable[[Array, Array], object], columns: Array, images: Array, window: Window) -> None:
    """Call a function for parts of columns and images: of the batch, or of the channels of a single image."""
    alone, axis = len(images) == 1, 1 + len(window.kernel)

    def part(start: int, stop: int) -> None:
        here = slice(start, stop)
        some(
            columns[here] if alone else columns[(slice(None),) * axis + (here,)],
            images[:, here] if alone else images[here],
        )

    run(part, images.shape[1] if alone else len(images), columns.size)


def _add_weight_gradient(above: Array, columns: Array, out: Array) -> None:
    """Add ``above @ columns.T``, some of its columns at a time."""
    step = max(1, PIECE // len(above))

    def some(start: int, stop: int) -> None:
        for first in range(start, stop, step):
            rows = columns[first : min(first + step, stop)]
            part = scratch("merged piece", (len(above), len(rows)), out.dtype)
            np.matmul(above, rows.T, out=part)
            out[:, first : first + len(rows)] += part

    with one_blas_thread():
        run(some, len(columns), out.size + above.size * len(columns) / 32)
