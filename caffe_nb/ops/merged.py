"""Convolution of small images: one matrix product for the whole batch.

An image of 7 by 7 has 49 columns; a product of so few is over before the BLAS has laid out the kernels for it, which
can be 9 MB. Side by side, the columns of all images go through together, and threads share out the kernels' rows.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from caffe_nb import device
from caffe_nb.ops.gemm import gemm
from caffe_nb.ops.im2col import col2im, columns_shape, im2col
from caffe_nb.ops.parallel import one_blas_thread, run
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


def is_small(images: Array, weight: Array, window: Window, groups: int) -> bool:
    """Whether images are so small and kernels so large that this way is the faster one."""
    if groups != 1 or len(images) < 2 or weight.size < KERNELS or device.holds(images):
        return False
    shape = columns_shape(images.shape, window)
    return 0 < prod(shape[2 + len(window.kernel) :]) <= PIXELS and prod(shape) * images.itemsize <= COLUMNS_BYTES


def convolve(images: Array, weight: Array, bias: Array | None, window: Window, out: Array) -> None:
    """Do `convolution.convolve` for one group."""
    columns = _columns(images, window)
    product = scratch("merged product", (len(weight), columns.shape[1]), out.dtype)
    gemm(weight.reshape(len(weight), -1), columns, out=product)
    maps = product.reshape(len(weight), len(out), -1).swapaxes(0, 1)
    target = out.reshape(maps.shape)
    if bias is None:
        np.copyto(target, maps)
    else:
        np.add(maps, bias[:, None], out=target)


def gradients(
    images: Array, gradient: Array, weight: Array, window: Window, d_weight: Array | None, d_images: Array | None
) -> None:
    """Do `convolution.gradients` for one group."""
    maps = len(weight)
    above = scratch("merged product", (maps, gradient.size // maps), gradient.dtype)
    np.copyto(above.reshape(maps, len(gradient), -1), gradient.reshape(len(gradient), maps, -1).swapaxes(0, 1))
    if d_weight is not None:
        _add_weight_gradient(above, _columns(images, window), d_weight.reshape(maps, -1))
    if d_images is not None:
        shape = columns_shape(d_images.shape, window)
        columns = scratch("merged columns", shape, d_images.dtype)
        matrix = weight.reshape(maps, -1)
        gemm(matrix.T, above, out=columns.reshape(matrix.shape[1], -1))
        whole, axis = d_images, 1 + len(window.kernel)

        def some(start: int, stop: int) -> None:
            part = np.moveaxis(np.moveaxis(columns, axis, 0)[start:stop], 0, axis)
            col2im(part, window, whole.shape[2:], whole[start:stop])

        run(some, len(whole), columns.size)


def _columns(images: Array, window: Window) -> Array:
    """Return the columns of all images side by side, ``(C taps, N pixels)``."""
    shape, axis = columns_shape(images.shape, window), 1 + len(window.kernel)
    columns = scratch("merged columns", shape, images.dtype)

    def some(start: int, stop: int) -> None:
        im2col(images[start:stop], window, np.moveaxis(np.moveaxis(columns, axis, 0)[start:stop], 0, axis))

    run(some, len(images), columns.size)
    return columns.reshape(prod(shape[:axis]), -1)


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
