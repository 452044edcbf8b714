"""An array as a small PNG: the colours of the panel's heat map, tiles side by side."""

from __future__ import annotations

import io
import math
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from caffe_nb.inspector.pieces import Statistics

SIDE = 256
"""About the height of a picture, in pixels; it may be twice as wide."""
_NEGATIVE = ((8, 46, 94), (36, 100, 170), (84, 154, 202), (166, 206, 230))
_POSITIVE = ((248, 190, 160), (222, 110, 84), (180, 34, 46), (104, 4, 30))
_ZERO = (247, 247, 247)
_GAP, _NAN, _PLUS, _MINUS, _RAMP = 0, 1, 2, 3, 4
_STEPS = 125
"""Colours on either side of zero's."""


def limit_of(figures: Statistics) -> float:
    """Return the magnitude that gets the full colour: the largest one, or three standard deviations beyond the mean."""
    largest = max(abs(figures.min), abs(figures.max))
    return min(largest, abs(figures.mean) + 3 * figures.std)


def png(tiles: NDArray[np.float32], limit: float) -> tuple[bytes, int, int]:
    """Return tiles of values as a PNG, its width and its height in pixels.

    Parameters
    ----------
    tiles : ndarray of shape (tiles, rows, cols)
        None of them 0.
    limit : float
        Magnitude of the full colour: red from it up, blue from -limit down, near white at 0. What is not a number is
        magenta, the infinities yellow and green.
    """
    mosaic = _mosaic(_indices(tiles, limit))
    zoom = max(1, min(24, SIDE // mosaic.shape[0], 2 * SIDE // mosaic.shape[1]))
    image = Image.fromarray(np.kron(mosaic, np.ones((zoom, zoom), np.uint8)))
    image.putpalette(_palette())
    file = io.BytesIO()
    image.save(file, "PNG", transparency=_GAP, optimize=True)
    return file.getvalue(), image.width, image.height


def _indices(tiles: NDArray[np.float32], limit: float) -> NDArray[np.uint8]:
    middle = _RAMP + _STEPS
    if limit > 0:
        with np.errstate(invalid="ignore"):
            shares = np.clip(np.float64(tiles) / limit, -1, 1)
        steps = np.rint(np.nan_to_num(shares) * _STEPS)
    else:
        steps = np.zeros(tiles.shape)
    indices: NDArray[np.uint8] = (middle + steps).astype(np.uint8)
    for index, mask in ((_NAN, np.isnan(tiles)), (_PLUS, np.isposinf(tiles)), (_MINUS, np.isneginf(tiles))):
        indices[mask] = index
    return indices


def _mosaic(tiles: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the tiles in rows that make about a square, a see-through pixel between them."""
    count, rows, cols = tiles.shape
    across = min(count, max(1, round(math.sqrt(count * 1.5 * (rows + 1) / (cols + 1)))))
    down = -(-count // across)
    room = np.full((down * across, rows + 1, cols + 1), _GAP, np.uint8)
    room[:count, :rows, :cols] = tiles
    whole = room.reshape(down, across, rows + 1, cols + 1).swapaxes(1, 2)
    return np.ascontiguousarray(whole.reshape(down * (rows + 1), across * (cols + 1))[:-1, :-1])


@cache
def _palette() -> list[int]:
    ramp = np.array([*_NEGATIVE, _ZERO, *_POSITIVE], float)
    at = np.linspace(0, len(ramp) - 1, 2 * _STEPS + 1)
    colours = np.stack([np.interp(at, np.arange(len(ramp)), ramp[:, channel]) for channel in range(3)], axis=1)
    special = [(128, 128, 128), (224, 32, 208), (255, 196, 0), (0, 190, 170)]
    return [round(float(value)) for value in np.vstack([special, colours]).ravel()]
