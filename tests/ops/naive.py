"""Convolution and pooling by their definitions, pixel by pixel: slow, and plainly right."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from caffe_nb.ops.window import Window

Array = NDArray[Any]


def truncated(a: int, b: int) -> int:
    """Divide as C does."""
    return int(a / b)


def output_shape(spatial: tuple[int, ...], window: Window) -> tuple[int, ...]:
    """Caffe's rule for a convolution's output, axis by axis."""
    axes = zip(spatial, window.kernel, window.stride, window.pad, window.dilation, strict=True)
    return tuple(truncated(n + 2 * p - (d * (k - 1) + 1), s) + 1 for n, k, s, p, d in axes)


def convolve(images: Array, weight: Array, bias: Array | None, window: Window, groups: int = 1) -> Array:
    """Correlate, one output pixel after the other."""
    number, channels, *spatial = images.shape
    maps = weight.shape[0]
    output = output_shape(tuple(spatial), window)
    result = np.zeros((number, maps, *output))
    for n, m, at in product(range(number), range(maps), np.ndindex(output)):
        first = m // (maps // groups) * (channels // groups)
        for c, tap in product(range(channels // groups), np.ndindex(window.kernel)):
            axes = zip(at, tap, window.stride, window.pad, window.dilation, strict=True)
            pixel = tuple(o * s - p + t * d for o, t, s, p, d in axes)
            if all(0 <= x < length for x, length in zip(pixel, spatial, strict=True)):
                result[(n, m, *at)] += images[(n, first + c, *pixel)] * weight[(m, c, *tap)]
        result[(n, m, *at)] += 0 if bias is None else bias[m]
    return result


def pooled_length(length: int, kernel: int, stride: int, pad: int, padded: bool, ceil: bool = True) -> int:
    """Caffe's rule for a pooling's output along one axis; `padded`: whether any axis has a pad."""
    rounded = np.ceil if ceil else np.floor
    count = int(rounded((length + 2 * pad - kernel) / stride)) + 1
    if padded and (count - 1) * stride >= length + pad:
        count -= 1
    return count


def pool(images: Array, window: Window, output: tuple[int, ...], kind: str) -> tuple[Array, Array]:
    """Return the pooled values and, for maxima, the place of the first of the largest (-1 where there is none)."""
    number, channels, height, width = images.shape
    values = np.zeros((number, channels, *output))
    mask = np.full(values.shape, -1)
    for n, c, i, j in np.ndindex(values.shape):
        top, left = i * window.stride[0] - window.pad[0], j * window.stride[1] - window.pad[1]
        bottom = min(top + window.kernel[0], height + window.pad[0])
        right = min(left + window.kernel[1], width + window.pad[1])
        size = (bottom - top) * (right - left)
        pixels = [
            (images[n, c, y, x], y * width + x)
            for y in range(max(top, 0), min(bottom, height))
            for x in range(max(left, 0), min(right, width))
        ]
        if kind == "AVE":
            values[n, c, i, j] = sum(value for value, _ in pixels) / size if size > 0 else 0
        elif pixels:
            values[n, c, i, j], mask[n, c, i, j] = max(pixels, key=lambda pair: (pair[0], -pair[1]))
        else:
            values[n, c, i, j] = np.finfo(images.dtype).min
    return values, mask
