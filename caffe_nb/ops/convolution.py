"""Convolution as matrix products over columns, in pieces of the batch that bound the memory.

Images are ``(N, C, *spatial)``, weights ``(M, C / groups, *kernel)``, results ``(N, M, *output)``. What is computed is
a correlation, as in Caffe: the kernel is not flipped.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any

from numpy.typing import NDArray

from caffe_nb import device
from caffe_nb.ops.gemm import gemm
from caffe_nb.ops.im2col import col2im, columns_shape, im2col
from caffe_nb.ops.window import Window

Array = NDArray[Any]

PIECE_BYTES = 8 << 20
"""Upper bound of the columns in memory, unless a single image needs more."""


def convolve(images: Array, weight: Array, bias: Array | None, window: Window, groups: int, out: Array) -> None:
    """Correlate images with kernels and add the bias.

    Parameters
    ----------
    images : (N, C, *spatial) ndarray
        The images.
    weight : (M, C / groups, *kernel) ndarray
        The kernels.
    bias : (M,) ndarray or None
        Added to each map.
    window : Window
        The kernel's extents.
    groups : int
        Channels and maps are divided into so many groups that do not see each other.
    out : (N, M, *output) ndarray
        Where to write.
    """
    maps = weight.shape[0]
    matrix = _grouped(weight, groups)
    for part, columns in _pieces(images, window, groups):
        product = gemm(matrix, columns)
        result = product.reshape(maps, part.stop - part.start, *out.shape[2:]).swapaxes(0, 1)
        if bias is None:
            out[part] = result
        else:
            device.namespace().add(result, _per_map(bias, out.ndim), out=out[part])


def add_weight_gradient(images: Array, gradient: Array, window: Window, groups: int, out: Array) -> None:
    """Add the gradient of the kernels.

    Parameters
    ----------
    images : (N, C, *spatial) ndarray
        The images of the forward pass.
    gradient : (N, M, *output) ndarray
        The gradient of the result.
    window : Window
        The kernel's extents.
    groups : int
        As in `convolve`.
    out : (M, C / groups, *kernel) ndarray
        What is added to.
    """
    total = _grouped(out, groups)
    for part, columns in _pieces(images, window, groups):
        total += gemm(_by_map(gradient[part], groups), columns.swapaxes(1, 2))


def input_gradient(gradient: Array, weight: Array, window: Window, groups: int, out: Array) -> None:
    """Compute the gradient of the images.

    Parameters
    ----------
    gradient : (N, M, *output) ndarray
        The gradient of the result.
    weight : (M, C / groups, *kernel) ndarray
        The kernels.
    window : Window
        The kernel's extents.
    groups : int
        As in `convolve`.
    out : (N, C, *spatial) ndarray
        Where to write; it is overwritten.
    """
    transposed = _grouped(weight, groups).swapaxes(1, 2)
    for part in _parts(out.shape, window, out.itemsize):
        columns = gemm(transposed, _by_map(gradient[part], groups))
        shape = columns_shape(out[part].shape, window)
        if window.pointwise:
            out[part] = columns.reshape(shape[0], *shape[1 + len(window.kernel) :]).swapaxes(0, 1)
        else:
            col2im(columns.reshape(shape), window, out.shape[2:], out[part])


def _by_map(gradient: Array, groups: int) -> Array:
    """Return ``(n, M, *output)`` as ``(groups, M / groups, n * pixels)``."""
    return _grouped(gradient.swapaxes(0, 1), groups)


def _grouped(array: Array, groups: int) -> Array:
    """Return ``(M, ...)`` as ``(groups, M / groups, rest)``; any of the axes may have no elements."""
    return array.reshape(groups, array.shape[0] // groups, prod(array.shape[1:]))


def _per_map(bias: Array, axes: int) -> Array:
    return bias.reshape(-1, *(1,) * (axes - 2))


def _parts(images: tuple[int, ...], window: Window, itemsize: int) -> Iterator[slice]:
    """Yield slices of the batch whose columns fit into `PIECE_BYTES`."""
    one = prod(columns_shape((1, *images[1:]), window)) * itemsize
    step = max(1, PIECE_BYTES // max(one, 1))
    for start in range(0, images[0], step):
        yield slice(start, min(start + step, images[0]))


def _pieces(images: Array, window: Window, groups: int) -> Iterator[tuple[slice, Array]]:
    """Yield parts of the batch with their columns, ``(groups, rows, n * pixels)``; the memory is used again."""
    channels = images.shape[1]
    buffer: Array | None = None
    for part in _parts(images.shape, window, images.itemsize):
        piece = images[part]
        if window.pointwise:
            yield part, _grouped(piece.swapaxes(0, 1), groups)
            continue
        shape = columns_shape(piece.shape, window)
        count = prod(shape)
        if buffer is None:
            buffer = device.namespace().empty(count, images.dtype)
        columns = im2col(piece, window, buffer[:count].reshape(shape))
        yield part, columns.reshape(groups, channels // groups * window.taps, prod(shape[1 + len(window.kernel) :]))
