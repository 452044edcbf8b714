"""Convolution, in whichever way is fastest for the shape.

Kernels of 3 by 3 go Winograd's way where that wins; channels that do not see each other, one by one; all others are
matrix products over columns, of the whole batch where images are small or few, else in pieces that bound the memory. On
a GPU cuDNN takes them where it is installed.

Images are ``(N, C, *spatial)``, weights ``(M, C / groups, *kernel)``, results ``(N, M, *output)``. What is computed is
a correlation, as in Caffe: the kernel is not flipped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from math import prod
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from caffe_nb import device
from caffe_nb.ops import depthwise, merged, winograd
from caffe_nb.ops.channels import offset
from caffe_nb.ops.cuda import cudnn
from caffe_nb.ops.depthwise import is_depthwise
from caffe_nb.ops.im2col import col2im, columns_shape, im2col
from caffe_nb.ops.parallel import one_blas_thread, run
from caffe_nb.ops.rectify import rectify
from caffe_nb.ops.scratch import scratch
from caffe_nb.ops.window import Window

Array = NDArray[Any]
Result = TypeVar("Result")

PIECE_BYTES = 1 << 20
"""Upper bound of the columns of a thread, unless a single image needs more: they are to stay in the cache."""
DEVICE_PIECE_BYTES = 1 << 28
"""The same on a device, where it only bounds the memory."""
TALL = 192
"""A BLAS is faster when the result has more rows than columns; from so many rows on it makes little difference."""
KEPT_BYTES = 1 << 25
"""Upper bound of the work space that a thread keeps for the next time."""
MERGED_PIXELS = 1024
"""The gradient of the kernels takes so many pixels together, so that its products are not all overhead."""


def convolve(
    images: Array,
    weight: Array,
    bias: Array | None,
    window: Window,
    groups: int,
    out: Array,
    slope: float | None = None,
) -> None:
    """Correlate images with kernels, add the bias, and rectify.

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
    slope : float, optional
        Of a rectifier behind it, as `rectify` takes it.
    """
    # On a GPU nothing is asked to be rectified: chains run on the CPU.
    if slope is None and cudnn.takes(images, weight, out) and not is_depthwise(images, window, groups):
        otherwise = partial(convolve, images, weight, None, window, groups, out)
        if cudnn.compute(cudnn.FORWARD, images, weight, out, window, otherwise):
            if bias is not None:
                out += bias.reshape(-1, *(1,) * (out.ndim - 2))
            return
    if is_depthwise(images, window, groups):
        depthwise.convolve(images, weight, bias, window, out)
    elif (how := _plan(images, weight, window, groups)) is not None and winograd.convolve(
        how, images, weight, bias, out, slope
    ):
        return
    elif merged.pays(images, weight, window, groups):
        merged.convolve(images, weight, bias, window, out)
    else:
        _convolve(images, weight, bias, window, groups, out, slope)
        return
    if slope is not None:
        rectify(out, slope, out)


def _convolve(
    images: Array,
    weight: Array,
    bias: Array | None,
    window: Window,
    groups: int,
    out: Array,
    slope: float | None,
) -> None:
    """Do `convolve` as products over columns, in pieces."""
    maps, matrix = weight.shape[0], _grouped(weight, groups)

    def some(start: int, stop: int) -> None:
        for part, columns in _pieces(images[start:stop], window, groups):
            result = out[start:stop][part]
            pixels = prod(out.shape[2:])
            _multiply(matrix, columns, out=result.reshape(len(result), groups, maps // groups, pixels))
            offset(result.reshape(len(result), maps, pixels), bias, slope)

    with one_blas_thread():
        _share_out(some, images, out.size * matrix.shape[2])


def gradients(
    images: Array,
    gradient: Array,
    weight: Array,
    window: Window,
    groups: int,
    d_weight: Array | None,
    d_images: Array | None,
) -> None:
    """Add the gradient of the kernels and compute that of the images, each where it is asked for.

    Parameters
    ----------
    images, gradient, weight, window, groups
        As in `add_weight_gradient` and `input_gradient`, which this does in one.
    d_weight : (M, C / groups, *kernel) ndarray or None
        What the gradient of the kernels is added to.
    d_images : (N, C, *spatial) ndarray or None
        Where to write the gradient of the images; it is overwritten.
    """
    how = _plan(images, weight, window, groups)
    if how is not None and winograd.gradients(how, images, gradient, weight, d_weight, d_images):
        return
    if merged.pays(images, weight, window, groups):
        merged.gradients(images, gradient, weight, window, d_weight, d_images)
        return
    if d_weight is not None:
        add_weight_gradient(images, gradient, window, groups, d_weight)
    if d_images is not None:
        input_gradient(gradient, weight, window, groups, d_images)


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
    if cudnn.takes(images, gradient, out) and not is_depthwise(images, window, groups):
        added = device.namespace_of(out).empty(out.shape, out.dtype)

        def otherwise() -> None:
            added.fill(0)
            add_weight_gradient(images, gradient, window, groups, added)

        if cudnn.compute(cudnn.KERNELS, images, gradient, added, window, otherwise):
            out += added
            return
    if is_depthwise(images, window, groups):
        depthwise.add_weight_gradient(images, gradient, window, out)
        return
    total = _grouped(out, groups)
    upright = total.shape[1] >= min(total.shape[2], TALL)

    def some(start: int, stop: int) -> Array | None:
        mine: Array | None = None
        for part, columns in _merged_pieces(images[start:stop], window, groups):
            above = _by_map(gradient[start:stop][part], groups)
            left, right = (above, columns) if upright else (columns, above)
            if mine is None:
                mine = _multiply(left, right.swapaxes(1, 2))
            else:
                mine += _multiply(left, right.swapaxes(1, 2), out=_work(mine, mine.shape, "kernels"))
        return mine

    with one_blas_thread():
        shares = _share_out(some, images, gradient.size * total.shape[2])
    for share in shares:
        if share is not None:
            total += share if upright else share.swapaxes(1, 2)


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
    if cudnn.takes(gradient, weight, out) and not is_depthwise(out, window, groups):
        otherwise = partial(input_gradient, gradient, weight, window, groups, out)
        if cudnn.compute(cudnn.IMAGES, gradient, weight, out, window, otherwise):
            return
    if is_depthwise(out, window, groups):
        depthwise.input_gradient(gradient, weight, window, out)
        return
    transposed = _grouped(weight, groups).swapaxes(1, 2)
    pixels = prod(gradient.shape[2:])
    shape = columns_shape((1, *out.shape[1:]), window)  # checks the geometry, too

    def some(start: int, stop: int) -> None:
        for part in _parts(out[start:stop], window):
            above, below = gradient[start:stop][part], out[start:stop][part]
            above = above.reshape(len(above), groups, transposed.shape[2], pixels)
            if window.pointwise:
                _multiply(transposed, above, out=below.reshape(len(below), groups, transposed.shape[1], pixels))
                continue
            columns = _multiply(transposed, above, out=_work(out, (len(below), groups, transposed.shape[1], pixels)))
            axes = 1 + len(window.kernel)
            columns = columns.reshape(len(below), *shape[:axes], *shape[axes + 1 :])
            col2im(_images_last(columns, axes), window, out.shape[2:], below)

    with one_blas_thread():
        _share_out(some, out, gradient.size * transposed.shape[1])


def _multiply(a: Array, b: Array, out: Array | None = None) -> Array:
    """Return the products of matrices of each group, ``(groups, rows, columns)``, and perhaps of each image before."""
    if not device.holds(a) or a.shape[-3] > 1:
        return device.namespace_of(a).matmul(a, b, out=out)  # type: ignore[no-any-return]
    # Without the axis of the one group, CuPy launches less and copies no matrix to transpose it.
    target = None if out is None else out[..., 0, :, :]
    product = device.namespace_of(a).matmul(a[..., 0, :, :], b[..., 0, :, :], out=target)
    return product[..., None, :, :]  # type: ignore[no-any-return]


def _plan(images: Array, weight: Array, window: Window, groups: int) -> winograd.Plan | None:
    if device.holds(images):
        return None
    return winograd.plan(images.shape, weight.shape[0], window, groups, images.dtype)


def _by_map(gradient: Array, groups: int) -> Array:
    """Return ``(n, M, *output)`` as ``(groups, M / groups, n * pixels)``."""
    return _grouped(gradient.swapaxes(0, 1), groups)


def _grouped(array: Array, groups: int) -> Array:
    """Return ``(M, ...)`` as ``(groups, M / groups, rest)``; any of the axes may have no elements."""
    return array.reshape(groups, array.shape[0] // groups, prod(array.shape[1:]))


def _share_out(some: Callable[[int, int], Result], images: Array, work: int) -> list[Result]:
    """Do some of the images on each thread; on a device, whose threads are its own, all at once."""
    return [some(0, len(images))] if device.holds(images) else run(some, len(images), work)


def _parts(images: Array, window: Window, pixels: int = 0) -> Iterator[slice]:
    """Yield slices of the batch whose columns fit into `PIECE_BYTES`, or that have at least so many pixels."""
    shape = columns_shape((1, *images.shape[1:]), window)
    piece = DEVICE_PIECE_BYTES if device.holds(images) else PIECE_BYTES
    step = max(1, piece // max(prod(shape) * images.itemsize, 1))
    step = max(step, -(-pixels // max(prod(shape[2 + len(window.kernel) :]), 1)))
    for start in range(0, len(images), step):
        yield slice(start, min(start + step, len(images)))


def _pieces(images: Array, window: Window, groups: int) -> Iterator[tuple[slice, Array]]:
    """Yield parts of the batch with their columns, ``(n, groups, rows, pixels)``; the memory is used again."""
    channels, axes = images.shape[1] // groups, 1 + len(window.kernel)
    for part in _parts(images, window):
        piece = images[part]
        count = len(piece)
        if window.pointwise:
            yield part, piece.reshape(count, groups, channels, prod(piece.shape[2:]))
            continue
        shape = columns_shape(piece.shape, window)
        columns = _work(images, (count, *shape[:axes], *shape[axes + 1 :]))
        im2col(piece, window, _images_last(columns, axes))
        yield part, columns.reshape(count, groups, channels * window.taps, prod(shape[axes + 1 :]))


def _merged_pieces(images: Array, window: Window, groups: int) -> Iterator[tuple[slice, Array]]:
    """Yield parts of the batch with their columns side by side, ``(groups, rows, n * pixels)``."""
    channels, axes = images.shape[1] // groups, 1 + len(window.kernel)
    for part in _parts(images, window, MERGED_PIXELS):
        piece = images[part]
        if window.pointwise:
            yield part, _grouped(piece.swapaxes(0, 1), groups)
            continue
        shape = columns_shape(piece.shape, window)
        columns = im2col(piece, window, _work(images, shape))
        yield part, columns.reshape(groups, channels * window.taps, prod(shape[axes:]))


def _work(like: Array, shape: tuple[int, ...], use: str = "columns") -> Array:
    """Return memory that the thread uses again, but for what is large; on a device it comes from the device's pool."""
    if device.holds(like) or prod(shape) * like.itemsize > KEPT_BYTES:
        return device.namespace_of(like).empty(shape, like.dtype)  # type: ignore[no-any-return]
    return scratch(use, shape, like.dtype)


def _images_last(columns: Array, axes: int) -> Array:
    """Return ``(n, C, *kernel, *output)`` as ``(C, *kernel, n, *output)``, a view."""
    return np.moveaxis(columns, 0, axes)
