"""Convolution in which each map sees one channel: no products of matrices, but images times numbers.

Images are ``(N, C, H, W)``, weights ``(M, 1, *kernel)`` with M a multiple of C, results ``(N, M, *output)``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from caffe_nb import device
from caffe_nb.ops.cuda import launch
from caffe_nb.ops.jit import compiled, compiled_sums
from caffe_nb.ops.parallel import flat, run
from caffe_nb.ops.window import Window

Array = NDArray[Any]
Layout = tuple[tuple[tuple[int, ...], tuple[int, ...]], tuple[tuple[int, int, int], Array]]

BLOCK = 4096
"""Windows that are worked on together: their sums are to stay in the innermost cache."""


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
    if device.holds(images):
        numbers = bias is not None, *_geometry(images.shape, window, out.shape)
        offsets = weight if bias is None else bias  # an array there must be
        launch("depthwise", "forward", out.size, images, weight, offsets, out, *numbers)
        return
    offsets = np.zeros(weight.shape[0], weight.dtype) if bias is None else bias
    x, w, b, y = flat(images), flat(weight), flat(offsets), out.reshape(-1)
    place, laid = _layout(images.shape, window, out.shape)
    shapes = images.shape, out.shape

    def some(start: int, stop: int) -> None:
        _forward(start, stop, x, *shapes, w, b, *place, *laid, y)

    run(some, images.shape[1], out.size * window.taps)


def add_weight_gradient(images: Array, gradient: Array, window: Window, out: Array) -> None:
    """Add the gradient of the kernels; parameters as in `caffe_nb.ops.convolution.add_weight_gradient`."""
    if device.holds(images):
        parts = device.namespace_of(out).empty((len(gradient), gradient.shape[2], *out.shape), out.dtype)
        geometry = _geometry(images.shape, window, gradient.shape)
        launch("depthwise", "weight_parts", parts.size, images, gradient, parts, *geometry)
        out += parts.sum(axis=(0, 1))
        return
    x, g, total = flat(images), flat(gradient), out.reshape(-1)
    place, laid = _layout(images.shape, window, gradient.shape)
    shapes = images.shape, gradient.shape

    def some(start: int, stop: int) -> None:
        _weights(start, stop, x, *shapes, g, *place, *laid, total)

    run(some, images.shape[1], gradient.size * window.taps)


def input_gradient(gradient: Array, weight: Array, window: Window, out: Array) -> None:
    """Compute the gradient of the images; parameters as in `caffe_nb.ops.convolution.input_gradient`."""
    if device.holds(out):
        geometry = _geometry(out.shape, window, gradient.shape)
        launch("depthwise", "input_gradient", out.size, gradient, weight, out, *geometry)
        return
    g, w, dx = flat(gradient), flat(weight), out.reshape(-1)
    place, laid = _layout(out.shape, window, gradient.shape)
    shapes = out.shape, gradient.shape

    def some(start: int, stop: int) -> None:
        _images(start, stop, g, *shapes, w, *place, *laid, dx)

    run(some, out.shape[1], gradient.size * window.taps)


def _geometry(images: tuple[int, ...], window: Window, grid: tuple[int, ...]) -> tuple[int, ...]:
    """Return what the device's kernels ask: channels, results of each, extents, and how the kernel moves."""
    moves = (*window.kernel, *window.stride, *window.pad, *window.dilation)
    return (images[1], grid[1] // images[1], *images[2:], *grid[2:], *moves)


def _layout(images: tuple[int, ...], window: Window, grid: tuple[int, ...]) -> Layout:
    """Return how a padded image is laid out so that a tap sees all windows in a row.

    With strides, pixels that the same taps see stand together: pixel ``(y, x)`` of the padded image in plane
    ``(y % stride, x % stride)`` at ``(y // stride, x // stride)``. All planes have one width, and so have the windows:
    what lies between the rows of windows is computed and left out.

    Returns
    -------
    (pad, stride), (extents of a plane, place of each tap among the planes)
    """
    high, wide = (
        (max((windows - 1) * stride + (kernel - 1) * dilation + 1, length + pad) - 1) // stride + 1
        for windows, stride, kernel, dilation, length, pad in zip(
            grid[2:], window.stride, window.kernel, window.dilation, images[2:], window.pad, strict=True
        )
    )
    plane = high * wide + window.kernel[1] * window.dilation[1]
    places = []
    for ky in range(window.kernel[0]):
        for kx in range(window.kernel[1]):
            y, x = ky * window.dilation[0], kx * window.dilation[1]
            (down, i), (across, j) = divmod(y, window.stride[0]), divmod(x, window.stride[1])
            places.append((i * window.stride[1] + j) * plane + down * wide + across)
    return (window.pad, window.stride), ((high, wide, plane), np.array(places))


@compiled
def _spread(images: Any, first: Any, shape: Any, pad: Any, stride: Any, extents: Any, planes: Any) -> None:
    """Lay an image out in planes whose padding is zero already."""
    height, width = shape[2], shape[3]
    step = np.uintp(stride[1])
    for y in range(height):
        row = (y + pad[0]) // stride[0] * extents[1]
        for j in range(min(stride[1], width)):
            column, plane = (j + pad[1]) // stride[1], (y + pad[0]) % stride[0] * stride[1] + (j + pad[1]) % stride[1]
            here, there = np.uintp(plane * extents[2] + row + column), np.uintp(first + y * width + j)
            count = np.uintp((width - j - 1) // stride[1] + 1)
            if stride[1] == 1:
                for x in range(count):
                    planes[here + x] = images[there + x]
            else:
                for x in range(count):
                    planes[here + x] = images[there + x * step]


@compiled
def _add_taps(source: Any, places: Any, weight: Any, first: Any, taps: Any, begin: Any, count: Any, out: Any) -> None:
    """Add to `out` what so many taps see from `begin` on, three at a time."""
    for k in range(0, taps - 2, 3):
        w0, w1, w2 = weight[first + k], weight[first + k + 1], weight[first + k + 2]
        p0, p1 = np.uintp(begin + places[k]), np.uintp(begin + places[k + 1])
        p2 = np.uintp(begin + places[k + 2])
        for i in range(np.uintp(count)):
            out[i] += w0 * source[p0 + i] + w1 * source[p1 + i] + w2 * source[p2 + i]
    for k in range(taps // 3 * 3, taps):
        w0, p0 = weight[first + k], np.uintp(begin + places[k])
        for i in range(np.uintp(count)):
            out[i] += w0 * source[p0 + i]


@compiled
def _forward(
    start: Any,
    stop: Any,
    images: Any,
    shape: Any,
    grid: Any,
    weight: Any,
    bias: Any,
    pad: Any,
    stride: Any,
    extents: Any,
    places: Any,
    out: Any,
) -> None:
    number, channels, height, width = shape
    maps, rows, columns = grid[1], grid[2], grid[3]
    taps, each, wide = len(places), grid[1] // shape[1], extents[1]
    planes = np.zeros(stride[0] * stride[1] * extents[2], images.dtype)
    band = max(1, BLOCK // wide)  # rows of windows at a time
    sums = np.empty(band * wide, images.dtype)
    for c in range(start, stop):
        for n in range(number):
            _spread(images, (n * channels + c) * height * width, shape, pad, stride, extents, planes)
            for m in range(c * each, c * each + each):
                for top in range(0, rows, band):
                    bottom = min(rows, top + band)
                    sums[:] = bias[m]
                    _add_taps(planes, places, weight, m * taps, taps, top * wide, (bottom - top) * wide, sums)
                    for i in range(top, bottom):
                        here, there = np.uintp(((n * maps + m) * rows + i) * columns), np.uintp((i - top) * wide)
                        for j in range(np.uintp(columns)):
                            out[here + j] = sums[there + j]


@compiled
def _images(
    start: Any,
    stop: Any,
    gradient: Any,
    shape: Any,
    grid: Any,
    weight: Any,
    pad: Any,
    stride: Any,
    extents: Any,
    places: Any,
    out: Any,
) -> None:
    number, channels, height, width = shape
    each, taps, wide, plane = grid[1] // channels, len(places), extents[1], extents[2]
    margin = plane + wide  # a tap reaches back by less than a plane
    above, sums = np.zeros(margin + plane, gradient.dtype), np.empty(plane, gradient.dtype)
    back, mine = np.empty(taps, np.int64), np.empty(taps, gradient.dtype)
    for c in range(start, stop):
        for n in range(number):
            for p in range(stride[0] * stride[1]):
                sums[:] = 0
                for m in range(c * each, c * each + each):
                    _spread_gradient(gradient, (n * grid[1] + m) * grid[2] * grid[3], grid, wide, margin, above)
                    seen = 0
                    for k in range(taps):
                        if places[k] // plane == p:
                            back[seen], mine[seen] = margin - places[k] % plane, weight[m * taps + k]
                            seen += 1
                    _add_taps(above, back, mine, 0, seen, 0, extents[0] * wide, sums)
                py, px = p // stride[1], p % stride[1]
                left = (px - pad[1]) % stride[1]  # the first column of the image that is in this plane
                count = np.uintp(max(0, (width - left - 1) // stride[1] + 1))
                step = np.uintp(stride[1])
                for y in range((py - pad[0]) % stride[0], height, stride[0]):
                    here = np.uintp(((n * channels + c) * height + y) * width + left)
                    there = np.uintp((y + pad[0]) // stride[0] * wide + (left + pad[1]) // stride[1])
                    for x in range(count):
                        out[here + x * step] = sums[there + x]


@compiled
def _spread_gradient(gradient: Any, first: Any, grid: Any, wide: Any, margin: Any, above: Any) -> None:
    """Lay the gradient of a map out in rows of another width; what lies between is zero already."""
    for i in range(grid[2]):
        here, there = np.uintp(margin + i * wide), np.uintp(first + i * grid[3])
        for j in range(np.uintp(grid[3])):
            above[here + j] = gradient[there + j]


@compiled_sums
def _weights(
    start: Any,
    stop: Any,
    images: Any,
    shape: Any,
    grid: Any,
    gradient: Any,
    pad: Any,
    stride: Any,
    extents: Any,
    places: Any,
    out: Any,
) -> None:
    number, channels, height, width = shape
    each, taps, wide = grid[1] // channels, len(places), extents[1]
    count = np.uintp(grid[2] * wide)
    planes = np.zeros(stride[0] * stride[1] * extents[2], images.dtype)
    above, zero = np.zeros(grid[2] * wide, gradient.dtype), gradient.dtype.type(0)
    for c in range(start, stop):
        for n in range(number):
            _spread(images, (n * channels + c) * height * width, shape, pad, stride, extents, planes)
            for m in range(c * each, c * each + each):
                _spread_gradient(gradient, (n * grid[1] + m) * grid[2] * grid[3], grid, wide, 0, above)
                for k in range(0, taps - 2, 3):
                    p0, p1, p2 = np.uintp(places[k]), np.uintp(places[k + 1]), np.uintp(places[k + 2])
                    s0, s1, s2 = zero, zero, zero
                    for i in range(count):
                        s0 += above[i] * planes[p0 + i]
                        s1 += above[i] * planes[p1 + i]
                        s2 += above[i] * planes[p2 + i]
                    out[m * taps + k] += s0
                    out[m * taps + k + 1] += s1
                    out[m * taps + k + 2] += s2
                for k in range(taps // 3 * 3, taps):
                    p0, s0 = np.uintp(places[k]), zero
                    for i in range(count):
                        s0 += above[i] * planes[p0 + i]
                    out[m * taps + k] += s0
