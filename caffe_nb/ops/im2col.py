"""im2col and its adjoint col2im, for images with any number of spatial axes.

Columns are laid out channel first, image after: ``(channels, *kernel, images, *output)``, so that a convolution of
several images is one matrix product, whose left factor is Caffe's weight matrix. What is written or read may also be
such a view of columns with the images first, which are one product an image, or some of the images of such columns.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from caffe_nb import device
from caffe_nb.ops.cuda import launch
from caffe_nb.ops.jit import compiled
from caffe_nb.ops.parallel import flat
from caffe_nb.ops.window import Window

Array = NDArray[Any]


def columns_shape(images: tuple[int, ...], window: Window) -> tuple[int, ...]:
    """Return the shape of the columns of images of this shape, ``(channels, *kernel, images, *output)``."""
    number, channels, *spatial = images
    return (channels, *window.kernel, number, *window.output_shape(tuple(spatial)))


def im2col(images: Array, window: Window, out: Array | None = None) -> Array:
    """Lay out what each tap of the kernel sees in each window.

    Parameters
    ----------
    images : (N, C, *spatial) ndarray
        The images.
    window : Window
        The kernel's extents.
    out : (C, *kernel, N, *output) ndarray, optional
        Where to write.

    Returns
    -------
    (C, *kernel, N, *output) ndarray
        The columns; zero where a tap lies in the padding.
    """
    shape = columns_shape(images.shape, window)
    columns = device.namespace_of(images).empty(shape, images.dtype) if out is None else out
    axes = len(window.kernel)
    output = shape[axes + 2 :]
    memory = _memory(images, columns)
    if memory is not None and device.holds(images):
        count, axes_of = prod(images.shape[:2]) * prod(output), _geometry(images, window, output)
        launch("im2col", "im2col", count, images, *memory, images.shape[1], *axes_of)
        return columns
    if memory is not None:
        if set(window.stride) == {1} and output == images.shape[2:]:
            _im2col_whole(flat(images), images.shape, window.kernel, window.pad, window.dilation, *memory)
            return columns
        geometry = (window.kernel, window.stride, window.pad, window.dilation)
        _im2col(flat(images), images.shape, *geometry, output, *memory)
        return columns
    source = images.swapaxes(0, 1)
    everything: tuple[slice, ...] = (slice(None), slice(None))
    for tap, windows, pixels in window.positions(images.shape[2:], output):
        target = _tap(columns, tap)
        if any(part.stop - part.start < length for part, length in zip(windows, output, strict=True)):
            target[...] = 0
        target[everything + windows] = source[everything + pixels]
    return columns


def col2im(columns: Array, window: Window, spatial: tuple[int, ...], out: Array | None = None) -> Array:
    """Add the columns back into the pixels they came from: the adjoint of `im2col`.

    Parameters
    ----------
    columns : (C, *kernel, N, *output) ndarray
        As `im2col` returns them.
    window : Window
        The kernel's extents.
    spatial : tuple of int
        Extents of the images.
    out : (N, C, *spatial) ndarray, optional
        Where to write; it is overwritten.

    Returns
    -------
    (N, C, *spatial) ndarray
        The sums.
    """
    axes = len(window.kernel)
    channels, number, output = columns.shape[0], columns.shape[axes + 1], columns.shape[axes + 2 :]
    images = device.namespace_of(columns).empty((number, channels, *spatial), columns.dtype) if out is None else out
    memory = _memory(images, columns)
    if memory is not None and device.holds(images):
        axes_of = _geometry(images, window, output)
        launch("im2col", "col2im", images.size, memory[0], images, *memory[1:], images.shape[1], *axes_of)
        return images
    images[...] = 0
    if memory is not None:
        held, rows, pictures = memory
        geometry = (window.kernel, window.stride, window.pad, window.dilation)
        _col2im(flat(held), rows, pictures, *geometry, output, images.shape, images.reshape(-1))
        return images
    target = images.swapaxes(0, 1)
    everything: tuple[slice, ...] = (slice(None), slice(None))
    for tap, windows, pixels in window.positions(spatial, output):
        target[everything + pixels] += _tap(columns, tap)[everything + windows]
    return images


def _geometry(images: Array, window: Window, output: tuple[int, ...]) -> list[int]:
    """Return what the device's kernels ask, each for three axes: extents of images and output, and the window's."""
    extents = images.shape[2:], output, window.kernel, window.stride, window.pad, window.dilation
    missing = 3 - len(output)
    return [n for row, blank in zip(extents, (1, 1, 1, 1, 0, 1), strict=True) for n in ((blank,) * missing + row)]


def _tap(columns: Array, tap: tuple[int, ...]) -> Array:
    """Return what one tap sees, ``(C, N, *output)``, a view."""
    index: tuple[slice | int, ...] = (slice(None), *tap)
    view: Array = columns[index]
    return view


def _memory(images: Array, columns: Array) -> tuple[Array, int, int] | None:
    """Return the columns' memory in one piece, and the steps from row to row and from image to image in it.

    None for what the kernels do not take: other than two spatial axes (a device's: more than three), other numbers,
    other layouts.
    """
    axes = images.ndim - 2
    if axes > 3 or (axes != 2 and not device.holds(images)):
        return None
    if images.dtype not in (np.float32, np.float64) or columns.dtype != images.dtype:
        return None
    if not images.flags.c_contiguous:
        return None
    if not device.holds(images):
        return _host_memory(columns)
    pixels = prod(columns.shape[axes + 2 :])
    if columns.flags.c_contiguous:
        return columns.reshape(-1), columns.shape[axes + 1] * pixels, pixels
    first = np.moveaxis(columns, axes + 1, 0)
    if first.flags.c_contiguous:
        return first.reshape(-1), pixels, first[0].size
    return None


def _host_memory(columns: Array) -> tuple[Array, int, int] | None:
    channels, high, wide, number, *_ = columns.shape
    *steps, across, one = (step // columns.itemsize for step in columns.strides)
    rows, pictures = steps[2], steps[3]
    if (steps[0], steps[1], across, one) != (high * wide * rows, wide * rows, columns.shape[5], 1):
        return None
    last = (channels * high * wide - 1) * rows + (number - 1) * pictures + columns.shape[4] * columns.shape[5]
    return np.lib.stride_tricks.as_strided(columns, (max(0, last),), (columns.itemsize,)), rows, pictures


@compiled
def _im2col(
    images: Any,
    shape: Any,
    kernel: Any,
    stride: Any,
    pad: Any,
    dilation: Any,
    output: Any,
    columns: Any,
    rows: Any,
    pictures: Any,
) -> None:
    # Indices are unsigned: signed ones may count from the end, which keeps a loop from becoming vector code.
    number, channels, height, width = shape
    step = np.uintp(stride[1])
    for c in range(channels):
        for ky in range(kernel[0]):
            for kx in range(kernel[1]):
                row = (c * kernel[0] + ky) * kernel[1] + kx
                offset = kx * dilation[1] - pad[1]
                first = min(output[1], max(0, -(offset // stride[1])))
                stop = max(first, min(output[1], (width - 1 - offset) // stride[1] + 1))
                for n in range(number):
                    for i in range(output[0]):
                        y = i * stride[0] + ky * dilation[0] - pad[0]
                        base = row * rows + n * pictures + i * output[1]
                        if y < 0 or y >= height:
                            here = np.uintp(base)
                            for j in range(np.uintp(output[1])):
                                columns[here + j] = 0
                            continue
                        here = np.uintp(base)
                        for j in range(np.uintp(first)):
                            columns[here + j] = 0
                        here = np.uintp(base + stop)
                        for j in range(np.uintp(output[1] - stop)):
                            columns[here + j] = 0
                        here, count = np.uintp(base + first), np.uintp(stop - first)
                        there = np.uintp(((n * channels + c) * height + y) * width + first * stride[1] + offset)
                        if stride[1] == 1:
                            for j in range(count):
                                columns[here + j] = images[there + j]
                        else:
                            for j in range(count):
                                columns[here + j] = images[there + j * step]


@compiled
def _im2col_whole(
    images: Any, shape: Any, kernel: Any, pad: Any, dilation: Any, columns: Any, rows: Any, pictures: Any
) -> None:
    """Do `_im2col` where there are as many windows as pixels: a tap sees the image itself, moved, but at the sides."""
    number, channels, height, width = shape
    pixels = height * width
    for c in range(channels):
        for ky in range(kernel[0]):
            for kx in range(kernel[1]):
                down, across = ky * dilation[0] - pad[0], kx * dilation[1] - pad[1]
                shift = down * width + across
                first = min(pixels, max(0, -shift))
                stop = max(first, min(pixels, pixels - shift))
                left, right = min(width, max(0, -across)), max(0, min(width, width - across))
                for n in range(number):
                    base = ((c * kernel[0] + ky) * kernel[1] + kx) * rows + n * pictures
                    columns[base : base + first] = 0
                    here, there = np.uintp(base + first), np.uintp((n * channels + c) * pixels + first + shift)
                    for j in range(np.uintp(stop - first)):
                        columns[here + j] = images[there + j]
                    columns[base + stop : base + pixels] = 0
                    for i in range(base, base + pixels, width):
                        for j in range(left):
                            columns[np.uintp(i + j)] = 0
                        for j in range(right, width):
                            columns[np.uintp(i + j)] = 0


@compiled
def _col2im(
    columns: Any,
    rows: Any,
    pictures: Any,
    kernel: Any,
    stride: Any,
    pad: Any,
    dilation: Any,
    output: Any,
    shape: Any,
    images: Any,
) -> None:
    number, channels, height, width = shape
    step = np.uintp(stride[1])
    for n in range(number):
        for c in range(channels):
            for ky in range(kernel[0]):
                for kx in range(kernel[1]):
                    row = (c * kernel[0] + ky) * kernel[1] + kx
                    offset = kx * dilation[1] - pad[1]
                    first = min(output[1], max(0, -(offset // stride[1])))
                    stop = max(first, min(output[1], (width - 1 - offset) // stride[1] + 1))
                    count = np.uintp(stop - first)
                    for i in range(output[0]):
                        y = i * stride[0] + ky * dilation[0] - pad[0]
                        if y < 0 or y >= height:
                            continue
                        here = np.uintp(row * rows + n * pictures + i * output[1] + first)
                        there = np.uintp(((n * channels + c) * height + y) * width + first * stride[1] + offset)
                        if stride[1] == 1:
                            for j in range(count):
                                images[there + j] += columns[here + j]
                        else:
                            for j in range(count):
                                images[there + j * step] += columns[here + j]
