"""Pooling and interpolation in operations on whole arrays, one or a few for each tap of the window.

For arrays on a device, whose memory compiled loops of the host cannot reach; `pooling`, `lrn` and `interpolation` call
them there. Results are those of the loops, sums in another order.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from caffe_nb import device, rng
from caffe_nb.ops.window import Window

DeviceArray = Any
Slices = tuple[slice, ...]


def max_pool(images: DeviceArray, window: Window, out: DeviceArray, mask: DeviceArray) -> None:
    """Do what `pooling.max_pool` does."""
    out[...] = np.finfo(images.dtype).min
    mask[...] = -1
    places = _places(images)
    for windows, pixels in _taps(images, window, out):
        seen, best = images[pixels], out[windows]
        better = (seen > best) | (mask[windows] < 0) | np.isnan(seen)
        out[windows] = np.where(better, seen, best)
        mask[windows] = np.where(better, places[pixels[2:]], mask[windows])


def average_pool(images: DeviceArray, window: Window, out: DeviceArray) -> None:
    """Do what `pooling.average_pool` does."""
    out[...] = 0
    for windows, pixels in _taps(images, window, out):
        out[windows] += images[pixels]
    out *= _shares(images.shape, window, out)


def average_gradient(gradient: DeviceArray, window: Window, out: DeviceArray) -> None:
    """Do what `pooling.average_gradient` does."""
    shared = gradient * _shares(out.shape, window, gradient)
    out[...] = 0
    for windows, pixels in _taps(out, window, gradient):
        out[pixels] += shared[windows]


def stochastic_pool(images: DeviceArray, window: Window, out: DeviceArray, mask: DeviceArray) -> None:
    """Do what `pooling.stochastic_pool` does, with the same draws."""
    total = device.namespace_of(images).zeros(out.shape, np.float64)
    for windows, pixels in _taps(images, window, out):
        total[windows] += images[pixels]
    threshold = total * device.namespace_of(images).asarray(rng.generator().random(out.shape))
    total[...] = 0
    mask[...] = -1
    out[...] = 0
    places = _places(images)
    for windows, pixels in _taps(images, window, out):
        seen = images[pixels]
        taken = (mask[windows] < 0) | (total[windows] < threshold[windows])
        out[windows] = np.where(taken, seen, out[windows])
        mask[windows] = np.where(taken, places[pixels[2:]], mask[windows])
        total[windows] += seen


def expected_pool(images: DeviceArray, window: Window, out: DeviceArray) -> None:
    """Do what `pooling.expected_pool` does."""
    total = device.namespace_of(images).zeros(out.shape, np.float64)
    squares = total.copy()
    for windows, pixels in _taps(images, window, out):
        seen = images[pixels]
        total[windows] += seen
        squares[windows] += seen.astype(np.float64) ** 2
    out[...] = np.where(total > 0, squares / np.where(total > 0, total, 1), 0)


def scatter(gradient: DeviceArray, mask: DeviceArray, out: DeviceArray) -> None:
    """Do what `pooling.scatter` does."""
    xp = device.namespace_of(out)
    planes = out.shape[0] * out.shape[1]
    out[...] = 0
    flat, sources = out.reshape(-1), mask.reshape(planes, -1)
    bases = xp.arange(planes)[:, None] * (out.shape[2] * out.shape[3])
    values = np.where(sources >= 0, gradient.reshape(planes, -1), 0)
    xp.add.at(flat, (bases + np.maximum(sources, 0)).reshape(-1), values.reshape(-1))


def sums_across_channels(values: DeviceArray, size: int) -> DeviceArray:
    """Return, for each channel of ``(N, C, ...)``, the sum of the `size` channels around it."""
    channels, half = values.shape[1], size // 2
    sums = values.copy()
    for step in range(1, min(half, channels - 1) + 1):
        sums[:, step:] += values[:, :-step]
        sums[:, :-step] += values[:, step:]
    return sums


def _taps(images: DeviceArray, window: Window, grid: DeviceArray) -> Iterator[tuple[Slices, Slices]]:
    """Yield which windows see the images through each tap, and the pixels that they see."""
    everything = (slice(None), slice(None))
    for _, windows, pixels in window.positions(images.shape[2:], grid.shape[2:]):
        if all(part.stop > part.start for part in windows):
            yield everything + windows, everything + pixels


def _places(images: DeviceArray) -> DeviceArray:
    """Return the number of each pixel of an image, row by row."""
    height, width = images.shape[2:]
    return device.namespace_of(images).arange(height * width, dtype=np.int32).reshape(height, width)


def _shares(images: tuple[int, ...], window: Window, grid: DeviceArray) -> DeviceArray:
    """Return 1 over the number of pixels of each window, padding counted, what lies beyond it not."""
    sizes = []
    for length, count, kernel, stride, pad in zip(
        images[2:], grid.shape[2:], window.kernel, window.stride, window.pad, strict=True
    ):
        first = np.arange(count) * stride - pad
        sizes.append(np.minimum(first + kernel, length + pad) - first)
    size = sizes[0][:, None] * sizes[1]
    return device.namespace_of(grid).asarray(np.where(size > 0, 1 / np.maximum(size, 1), 0).astype(grid.dtype))
