"""Pooling over windows of two-dimensional images, with Caffe's rounding of the output.

Images and results are ``(N, C, H, W)``. A mask holds, for each result, the pixel it came from, counted row by row
within its image, or -1 for a window that sees no pixel.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from caffe_nb import device, rng
from caffe_nb.errors import ShapeError
from caffe_nb.ops.cuda import in_one_piece, launch
from caffe_nb.ops.jit import compiled
from caffe_nb.ops.parallel import run
from caffe_nb.ops.window import Window

Array = NDArray[Any]
Mask = NDArray[np.int32]


def pooled_shape(spatial: tuple[int, ...], window: Window, ceil: bool = True) -> tuple[int, ...]:
    """Return how many windows pool an image.

    Parameters
    ----------
    spatial : tuple of int
        Extents of the image.
    window : Window
        The kernel's extents.
    ceil : bool, default True
        Whether a last window that reaches over the edge counts (Caffe's default).

    Returns
    -------
    tuple of int
        The extents of the result. With padding, a last window that would start beyond the image and its leading pad
        is left out.

    Raises
    ------
    ShapeError
        When no window fits.
    """
    output = []
    for length, kernel, stride, pad in zip(spatial, window.kernel, window.stride, window.pad, strict=True):
        room = length + 2 * pad - kernel
        count = (-(-room // stride) if ceil else room // stride) + 1
        if any(window.pad) and (count - 1) * stride >= length + pad:
            count -= 1
        output.append(count)
    if any(count < 1 for count in output):
        raise ShapeError(
            f"the pooling kernel {window.kernel} with pad {window.pad} does not fit into an image of {spatial};"
            " use a smaller kernel or global_pooling: true"
        )
    return tuple(output)


def max_pool(images: Array, window: Window, out: Array, mask: Mask) -> None:
    """Take the largest value of each window; the first one of equals, and NaN where there is one.

    Parameters
    ----------
    images : (N, C, H, W) ndarray
        The images.
    window : Window
        The kernel's extents.
    out : (N, C, h, w) ndarray
        Where to write the values; the least finite number for a window that sees no pixel.
    mask : (N, C, h, w) ndarray of int32
        Where to write the places.
    """
    if device.holds(images):
        lowest = float(np.finfo(images.dtype).min)
        launch("pooling", "max_pool", out.size, images, out, mask, lowest, *_geometry(images, window, out))
        return
    lowest = images.dtype.type(np.finfo(images.dtype).min)
    pixels, shape, grid = _planes(images), images.shape[1:], out.shape[2:]

    def some(start: int, stop: int) -> None:
        part = pixels[start:stop]
        _max_pool(
            part.reshape(-1),
            (stop - start, *shape[1:]),
            *_pairs(window),
            lowest,
            grid,
            _planes(out, True)[start:stop].reshape(-1),
            _planes(mask, True)[start:stop].reshape(-1),
        )

    run(some, pixels.shape[0], out.size * window.taps)


def stochastic_pool(images: Array, window: Window, out: Array, mask: Mask) -> None:
    """Take one value of each window, drawn with a probability in proportion to it (values must not be negative).

    Parameters are those of `max_pool`. Source: Zeiler and Fergus, Stochastic Pooling, 2013.
    """
    draws = rng.generator().random(out.shape)
    if device.holds(images):
        on_device = device.namespace_of(images).asarray(draws)
        geometry = _geometry(images, window, out)
        launch("pooling", "stochastic_pool", out.size, images, on_device, out, mask, *geometry)
        return
    _stochastic_pool(_planes(images), *_pairs(window), _planes(draws), _planes(out, True), _planes(mask, True))


def expected_pool(images: Array, window: Window, out: Array) -> None:
    """Take the mean of each window weighted by the values themselves: what `stochastic_pool` gives on average."""
    if device.holds(images):
        launch("pooling", "expected_pool", out.size, images, out, *_geometry(images, window, out))
        return
    _expected_pool(_planes(images), *_pairs(window), _planes(out, True))


def scatter(gradient: Array, mask: Mask, window: Window, out: Array) -> None:
    """Add each gradient to the pixel that the mask names.

    Parameters
    ----------
    gradient : (N, C, h, w) ndarray
        The gradient of the result.
    mask : (N, C, h, w) ndarray of int32
        As the forward pass wrote it.
    window : Window
        The kernel's extents.
    out : (N, C, H, W) ndarray
        Where to write; it is overwritten.
    """
    if device.holds(out):
        above = in_one_piece(gradient)
        launch("pooling", "mask_gradient", out.size, above, mask, out, *_geometry(out, window, gradient))
        return
    above, places, below = _planes(gradient), _planes(mask), _planes(out, True)
    run(
        lambda start, stop: _scatter(above[start:stop], places[start:stop], below[start:stop]),
        len(above),
        below.size,
    )


def average_pool(images: Array, window: Window, out: Array) -> None:
    """Take the mean of each window, where padding counts as zeros but what lies beyond the padding does not count.

    Parameters
    ----------
    images : (N, C, H, W) ndarray
        The images.
    window : Window
        The kernel's extents.
    out : (N, C, h, w) ndarray
        Where to write; 0 for a window that sees nothing.
    """
    if device.holds(images):
        launch("pooling", "average_pool", out.size, images, out, *_geometry(images, window, out))
        return
    pixels, means = _planes(images), _planes(out, True)
    run(
        lambda start, stop: _average_pool(pixels[start:stop], *_pairs(window), means[start:stop]),
        len(pixels),
        out.size * window.taps,
    )


def average_gradient(gradient: Array, window: Window, out: Array) -> None:
    """Spread each gradient evenly over its window: the adjoint of `average_pool`.

    Parameters
    ----------
    gradient : (N, C, h, w) ndarray
        The gradient of the result.
    window : Window
        The kernel's extents.
    out : (N, C, H, W) ndarray
        Where to write; it is overwritten.
    """
    if device.holds(out):
        above = in_one_piece(gradient)
        launch("pooling", "average_gradient", out.size, above, out, *_geometry(out, window, gradient))
        return
    above, below = _planes(gradient), _planes(out, True)
    run(
        lambda start, stop: _average_gradient(above[start:stop], *_pairs(window), below[start:stop]),
        len(above),
        gradient.size * window.taps,
    )


def _planes(array: Array, writable: bool = False) -> Array:
    """Return ``(N * C, H, W)``, read-only unless it is written: one type for each kernel to compile."""
    planes = array.reshape(array.shape[0] * array.shape[1], *array.shape[2:])
    if not writable:
        planes = planes.view()
        planes.flags.writeable = False
    return planes


def _geometry(images: Array, window: Window, grid: Array) -> tuple[int, ...]:
    """Return what the device's kernels ask: extents of the images and of the grid, kernel, stride and pad."""
    return (*images.shape[2:], *grid.shape[2:], *window.kernel, *window.stride, *window.pad)


def _pairs(window: Window) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    return window.kernel, window.stride, window.pad


@compiled
def _max_pool(  # noqa: C901  (a kernel cannot be taken apart without calls)
    images: Any, shape: Any, kernel: Any, stride: Any, pad: Any, lowest: Any, output: Any, out: Any, mask: Any
) -> None:
    # The largest of each column first, which is vector code, then along the row. Indices are unsigned: signed ones may
    # count from the end.
    planes, height, width = shape
    highest, places = np.empty(width, images.dtype), np.empty(width, np.int32)
    for p in range(planes):
        for i in range(output[0]):
            top = i * stride[0] - pad[0]
            bottom = min(top + kernel[0], height)
            top = max(top, 0)
            if top < bottom:
                line, pixel = np.uintp((p * height + top) * width), np.int32(top * width)
                for x in range(np.uintp(width)):
                    highest[x] = images[line + x]
                    places[x] = pixel + np.int32(x)
            for y in range(top + 1, bottom):
                line, pixel = np.uintp((p * height + y) * width), np.int32(y * width)
                for x in range(np.uintp(width)):
                    value, best = images[line + x], highest[x]
                    better = (value > best) | (value != value)
                    highest[x] = value if better else best
                    places[x] = pixel + np.int32(x) if better else places[x]
            here = np.uintp((p * output[0] + i) * output[1])
            if top >= bottom or stride[1] == 1:
                for j in range(np.uintp(output[1])):
                    out[here + j] = lowest
                    mask[here + j] = -1
            if top >= bottom:
                continue
            if stride[1] == 1:  # tap by tap, which is vector code again
                for kx in range(kernel[1]):
                    first = min(output[1], max(0, pad[1] - kx))
                    stop = max(first, min(output[1], width + pad[1] - kx))
                    line, there = here + np.uintp(first), np.uintp(first + kx - pad[1])
                    for j in range(np.uintp(stop - first)):
                        value, best = highest[there + j], out[line + j]
                        source, place = places[there + j], mask[line + j]
                        better = (value > best) | ((value == best) & (source < place)) | (place < 0) | (value != value)
                        out[line + j] = value if better else best
                        mask[line + j] = source if better else place
                continue
            for j in range(output[1]):
                left = j * stride[1] - pad[1]
                right = min(left + kernel[1], width)
                left = max(left, 0)
                best, place = lowest, np.int32(-1)
                if left < right:
                    best, place = highest[np.uintp(left)], places[np.uintp(left)]
                    for x in range(left + 1, right):
                        value, source = highest[np.uintp(x)], places[np.uintp(x)]
                        better = (value > best) | ((value == best) & (source < place)) | (value != value)
                        best = value if better else best
                        place = source if better else place
                out[here + np.uintp(j)] = best
                mask[here + np.uintp(j)] = place


@compiled
def _stochastic_pool(images: Any, kernel: Any, stride: Any, pad: Any, draws: Any, out: Any, mask: Any) -> None:
    planes, height, width = images.shape
    for p in range(planes):
        for i in range(out.shape[1]):
            top = i * stride[0] - pad[0]
            bottom = min(top + kernel[0], height)
            top = max(top, 0)
            for j in range(out.shape[2]):
                left = j * stride[1] - pad[1]
                right = min(left + kernel[1], width)
                left = max(left, 0)
                total = 0.0
                for y in range(top, bottom):
                    for x in range(left, right):
                        total += images[p, y, x]
                threshold = draws[p, i, j] * total
                total = 0.0
                place = -1
                for y in range(top, bottom):
                    for x in range(left, right):
                        if place < 0 or total < threshold:
                            place = y * width + x
                        total += images[p, y, x]
                mask[p, i, j] = place
                out[p, i, j] = images[p, place // width, place % width] if place >= 0 else 0


@compiled
def _expected_pool(images: Any, kernel: Any, stride: Any, pad: Any, out: Any) -> None:
    planes, height, width = images.shape
    for p in range(planes):
        for i in range(out.shape[1]):
            top = i * stride[0] - pad[0]
            bottom = min(top + kernel[0], height)
            top = max(top, 0)
            for j in range(out.shape[2]):
                left = j * stride[1] - pad[1]
                right = min(left + kernel[1], width)
                left = max(left, 0)
                total = 0.0
                squares = 0.0
                for y in range(top, bottom):
                    for x in range(left, right):
                        value = images[p, y, x]
                        total += value
                        squares += value * value
                out[p, i, j] = squares / total if total > 0 else 0


@compiled
def _scatter(gradient: Any, mask: Any, out: Any) -> None:
    width = out.shape[2]
    out[:] = 0
    for p in range(gradient.shape[0]):
        for i in range(gradient.shape[1]):
            for j in range(gradient.shape[2]):
                place = mask[p, i, j]
                if place >= 0:
                    out[p, place // width, place % width] += gradient[p, i, j]


# Both go down columns first and last, which is vector code, and along one row only.


@compiled
def _average_pool(images: Any, kernel: Any, stride: Any, pad: Any, out: Any) -> None:
    planes, height, width = images.shape
    columns = np.empty(width, np.float64)
    for p in range(planes):
        for i in range(out.shape[1]):
            top = i * stride[0] - pad[0]
            bottom = min(top + kernel[0], height + pad[0])
            rows = bottom - top
            columns[:] = 0
            for y in range(max(top, 0), min(bottom, height)):
                line = images[p, y]
                for x in range(np.uintp(width)):
                    columns[x] += line[x]
            means = out[p, i]
            for j in range(out.shape[2]):
                left = j * stride[1] - pad[1]
                right = min(left + kernel[1], width + pad[1])
                size = rows * (right - left)
                total = 0.0
                for x in range(max(left, 0), min(right, width)):
                    total += columns[np.uintp(x)]
                means[np.uintp(j)] = total / size if size > 0 else 0


@compiled
def _average_gradient(gradient: Any, kernel: Any, stride: Any, pad: Any, out: Any) -> None:
    planes, height, width = out.shape
    out[:] = 0
    shares = np.empty(width, out.dtype)
    for p in range(planes):
        for i in range(gradient.shape[1]):
            top = i * stride[0] - pad[0]
            bottom = min(top + kernel[0], height + pad[0])
            rows = bottom - top
            shares[:] = 0
            for j in range(gradient.shape[2]):
                left = j * stride[1] - pad[1]
                right = min(left + kernel[1], width + pad[1])
                size = rows * (right - left)
                if size > 0:
                    share = gradient[p, i, j] / size
                    for x in range(max(left, 0), min(right, width)):
                        shares[np.uintp(x)] += share
            for y in range(max(top, 0), min(bottom, height)):
                line = out[p, y]
                for x in range(np.uintp(width)):
                    line[x] += shares[x]
