"""Convolution in which each map sees one channel: no products of matrices, but rows times numbers.

Images are ``(N, C, H, W)``, weights ``(M, 1, *kernel)`` with M a multiple of C, results ``(N, M, *output)``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from caffe_nb.ops.jit import compiled
from caffe_nb.ops.parallel import flat, run
from caffe_nb.ops.window import Window

Array = NDArray[Any]
Extents = tuple[int, ...]


def is_depthwise(images: Array, window: Window, groups: int) -> bool:
    """Whether these functions compute such a convolution: one channel a group, two spatial axes, ordinary numbers."""
    return (
        groups > 1
        and groups == images.shape[1]
        and len(window.kernel) == 2
        and images.dtype in (np.float32, np.float64)
    )


def convolve(images: Array, weight: Array, bias: Array | None, window: Window, out: Array) -> None:
    """Correlate each channel with its kernels and add the bias.

    Parameters
    ----------
    images : (N, C, H, W) ndarray
        The images.
    weight : (M, 1, *kernel) ndarray
        The kernels.
    bias : (M,) ndarray or None
        Added to each map.
    window : Window
        The kernel's extents.
    out : (N, M, *output) ndarray
        Where to write.
    """
    offsets = np.zeros(weight.shape[0], weight.dtype) if bias is None else bias
    x, w = flat(images), flat(weight)

    def some(start: int, stop: int) -> None:
        _forward(start, stop, x, images.shape, w, offsets, *_geometry(window), out.shape, out.reshape(-1))

    run(some, weight.shape[0], out.size * window.taps)


def add_weight_gradient(images: Array, gradient: Array, window: Window, out: Array) -> None:
    """Add the gradient of the kernels; parameters as in `caffe_nb.ops.convolution.add_weight_gradient`."""
    x, g = flat(images), flat(gradient)

    def some(start: int, stop: int) -> None:
        _weights(start, stop, x, images.shape, g, gradient.shape, *_geometry(window), out.reshape(-1))

    run(some, gradient.shape[1], gradient.size * window.taps)


def input_gradient(gradient: Array, weight: Array, window: Window, out: Array) -> None:
    """Compute the gradient of the images; parameters as in `caffe_nb.ops.convolution.input_gradient`."""
    g, w = flat(gradient), flat(weight)
    out[...] = 0

    def some(start: int, stop: int) -> None:
        _images(start, stop, g, gradient.shape, w, *_geometry(window), out.shape, out.reshape(-1))

    run(some, out.shape[1], gradient.size * window.taps)


def _geometry(window: Window) -> tuple[Extents, Extents, Extents, Extents]:
    return window.kernel, window.stride, window.pad, window.dilation


@compiled
def _forward(
    start: Any,
    stop: Any,
    images: Any,
    shape: Any,
    weight: Any,
    bias: Any,
    kernel: Any,
    stride: Any,
    pad: Any,
    dilation: Any,
    grid: Any,
    out: Any,
) -> None:
    # Unsigned indices here and below: signed ones may count from the end, which keeps a loop from being vector code.
    number, channels, height, width = shape
    maps, rows, columns = grid[1], grid[2], grid[3]
    step = np.uintp(stride[1])
    for n in range(number):
        for m in range(start, stop):
            c = m // (maps // channels)
            for i in range(rows):
                line = ((n * maps + m) * rows + i) * columns
                here = np.uintp(line)
                for j in range(np.uintp(columns)):
                    out[here + j] = bias[m]
                for ky in range(kernel[0]):
                    y = i * stride[0] + ky * dilation[0] - pad[0]
                    if y < 0 or y >= height:
                        continue
                    for kx in range(kernel[1]):
                        factor = weight[(m * kernel[0] + ky) * kernel[1] + kx]
                        offset = kx * dilation[1] - pad[1]
                        first = min(columns, max(0, -(offset // stride[1])))
                        last = max(first, min(columns, (width - 1 - offset) // stride[1] + 1))
                        here = np.uintp(line + first)
                        there = np.uintp(((n * channels + c) * height + y) * width + first * stride[1] + offset)
                        if stride[1] == 1:
                            for j in range(np.uintp(last - first)):
                                out[here + j] += factor * images[there + j]
                        else:
                            for j in range(np.uintp(last - first)):
                                out[here + j] += factor * images[there + j * step]


@compiled
def _images(
    start: Any,
    stop: Any,
    gradient: Any,
    grid: Any,
    weight: Any,
    kernel: Any,
    stride: Any,
    pad: Any,
    dilation: Any,
    shape: Any,
    out: Any,
) -> None:
    number, channels, height, width = shape
    maps, rows, columns = grid[1], grid[2], grid[3]
    each = maps // channels
    step = np.uintp(stride[1])
    for n in range(number):
        for m in range(start * each, stop * each):
            c = m // each
            for i in range(rows):
                for ky in range(kernel[0]):
                    y = i * stride[0] + ky * dilation[0] - pad[0]
                    if y < 0 or y >= height:
                        continue
                    for kx in range(kernel[1]):
                        factor = weight[(m * kernel[0] + ky) * kernel[1] + kx]
                        offset = kx * dilation[1] - pad[1]
                        first = min(columns, max(0, -(offset // stride[1])))
                        last = max(first, min(columns, (width - 1 - offset) // stride[1] + 1))
                        here = np.uintp(((n * maps + m) * rows + i) * columns + first)
                        there = np.uintp(((n * channels + c) * height + y) * width + first * stride[1] + offset)
                        if stride[1] == 1:
                            for j in range(np.uintp(last - first)):
                                out[there + j] += factor * gradient[here + j]
                        else:
                            for j in range(np.uintp(last - first)):
                                out[there + j * step] += factor * gradient[here + j]


@compiled
def _weights(
    start: Any,
    stop: Any,
    images: Any,
    shape: Any,
    gradient: Any,
    grid: Any,
    kernel: Any,
    stride: Any,
    pad: Any,
    dilation: Any,
    out: Any,
) -> None:
    number, channels, height, width = shape
    maps, rows, columns = grid[1], grid[2], grid[3]
    step = np.uintp(stride[1])
    sums = np.empty(columns, gradient.dtype)  # a sum for each column: adding them up at once would be no vector code
    for m in range(start, stop):
        c = m // (maps // channels)
        for ky in range(kernel[0]):
            for kx in range(kernel[1]):
                sums[:] = 0
                offset = kx * dilation[1] - pad[1]
                first = min(columns, max(0, -(offset // stride[1])))
                last = max(first, min(columns, (width - 1 - offset) // stride[1] + 1))
                for n in range(number):
                    for i in range(rows):
                        y = i * stride[0] + ky * dilation[0] - pad[0]
                        if y < 0 or y >= height:
                            continue
                        here = np.uintp(((n * maps + m) * rows + i) * columns + first)
                        there = np.uintp(((n * channels + c) * height + y) * width + first * stride[1] + offset)
                        if stride[1] == 1:
                            for j in range(np.uintp(last - first)):
                                sums[j] += gradient[here + j] * images[there + j]
                        else:
                            for j in range(np.uintp(last - first)):
                                sums[j] += gradient[here + j] * images[there + j * step]
                out[(m * kernel[0] + ky) * kernel[1] + kx] += sums.sum()
