"""Images of another size, by each of the interpolations that OpenCV has for it."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from caffe_nb.data.images import resize

Array = NDArray[Any]


class Interpolation(IntEnum):
    """How new pixels come from old ones; the values of SSD's ``Interp_mode``."""

    LINEAR = 1
    AREA = 2
    NEAREST = 3
    CUBIC = 4
    LANCZOS4 = 5


def resample(image: Array, height: int, width: int, interpolation: Interpolation) -> Array:
    """Return an image of another size.

    Parameters
    ----------
    image : (H, W, C) ndarray of uint8
        The image.
    height, width : int
        The new size.
    interpolation : Interpolation
        LINEAR: between the four nearest pixels. AREA: the mean of what a new pixel covers; where the image grows, the
        old pixels with a sharp linear step between them. NEAREST: the pixel at the new one's corner. CUBIC: Keys' cubic
        with a = -0.75, of 4 x 4 pixels. LANCZOS4: Lanczos' window of 8 x 8 pixels. None smooths before it shrinks.

    Returns
    -------
    (height, width, C) ndarray of uint8
        What OpenCV's `resize` gives: for LINEAR and NEAREST the same values, for the others up to 1 more or less.
    """
    rows, columns = image.shape[:2]
    if (rows, columns) == (height, width) or interpolation == Interpolation.LINEAR:
        return resize(image, height, width)
    if interpolation == Interpolation.NEAREST:
        down, across = (np.arange(new) * old // new for old, new in ((rows, height), (columns, width)))
        nearest: Array = image[down[:, None], across]
        return nearest
    grows = height > rows or width > columns
    down, across = (_weights(old, new, interpolation, grows) for old, new in ((rows, height), (columns, width)))
    part: Array = (down @ image.reshape(rows, -1).astype(np.float32)).reshape(height, columns, -1)
    resized: Array = np.rint(across @ part).clip(0, 255).astype(np.uint8)
    return resized


def _weights(old: int, new: int, interpolation: Interpolation, grows: bool) -> Array:
    """Return the weights ``(new, old)`` of the old pixels for each new one along an axis."""
    weights = np.zeros((new, old), np.float64)
    if interpolation == Interpolation.AREA and not grows:
        edges = np.arange(new + 1) * (old / new)
        pixels = np.arange(old)
        weights = np.clip(np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels), 0, None)
    else:
        first, taps = _taps(old, new, interpolation)
        for tap in range(taps.shape[1]):  # pixels beyond the edge are those at the edge
            np.add.at(weights, (np.arange(new), (first + tap).clip(0, old - 1)), taps[:, tap])
    weights /= weights.sum(axis=1, keepdims=True)
    return weights.astype(np.float32)


def _taps(old: int, new: int, interpolation: Interpolation) -> tuple[Array, Array]:
    """Return for each new pixel the first old one that counts, and the weights ``(new, taps)`` from there on."""
    number = np.arange(new)
    if interpolation == Interpolation.AREA:
        low = np.floor(number * (old / new))
        step = (number + 1) - (low + 1) * (new / old)
        share = np.where(step <= 0, 0, step - np.floor(step))
        return low.astype(np.int64), np.stack([1 - share, share], axis=1)
    at = (number + 0.5) * (old / new) - 0.5
    low = np.floor(at)
    reach = 2 if interpolation == Interpolation.CUBIC else 4
    distance = (at - low)[:, None] - np.arange(1 - reach, reach + 1)
    kernel = _cubic(np.abs(distance)) if reach == 2 else np.sinc(distance) * np.sinc(distance / 4)
    return low.astype(np.int64) + 1 - reach, kernel


def _cubic(distance: Array, a: float = -0.75) -> Array:
    near = ((a + 2) * distance - (a + 3)) * distance**2 + 1
    far = ((a * distance - 5 * a) * distance + 8 * a) * distance - 4 * a
    kernel: Array = np.where(distance <= 1, near, far)
    return kernel
