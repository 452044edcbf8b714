"""An array as a small PNG: the colours of the panel's heat map, tiles side by side."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from caffe_nb.inspector.palette import LIGHT, ROUNDING, category_colours

SIDE = 256
"""About the height of a picture, in pixels; it may be twice as wide."""
_GAP, _NAN, _PLUS, _MINUS, _ABOVE, _BELOW, _RAMP = range(7)
_SPECIAL = [
    (128, 128, 128),
    LIGHT.nan,
    LIGHT.positive_infinity,
    LIGHT.negative_infinity,
    LIGHT.above,
    LIGHT.below,
]
_STEPS = 124
"""Colours on either side of zero's."""


def png(tiles: NDArray[np.float32], limit: float, categories: Sequence[int] = ()) -> tuple[bytes, int, int]:
    """Return tiles of values as a PNG, its width and its height in pixels.

    Parameters
    ----------
    tiles : ndarray of shape (tiles, rows, cols)
        None of them 0.
    limit : float
        Magnitude of the full colour: red above zero, blue below, near white at 0. What is beyond it, no number, or
        infinite has colours of its own, as in the panel (`caffe_nb.inspector.palette`).
    categories : sequence of int
        Ascending; where there are some, they are all the values, and each has a colour of its own.
    """
    mosaic = _mosaic(_slots(tiles, categories) if categories else _indices(tiles, limit))
    zoom = max(1, min(24, SIDE // mosaic.shape[0], 2 * SIDE // mosaic.shape[1]))
    image = Image.fromarray(np.kron(mosaic, np.ones((zoom, zoom), np.uint8)))
    image.putpalette(_category_palette(categories) if categories else _palette())
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
    end = limit * (1 + ROUNDING)
    off = {_ABOVE: tiles > end, _BELOW: tiles < -end}
    off |= {_NAN: np.isnan(tiles), _PLUS: np.isposinf(tiles), _MINUS: np.isneginf(tiles)}
    for index, mask in off.items():
        indices[mask] = index
    return indices


def _slots(tiles: NDArray[np.float32], categories: Sequence[int]) -> NDArray[np.uint8]:
    return (_RAMP + np.searchsorted(categories, tiles)).astype(np.uint8)


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
    ramp = np.array([*LIGHT.negative[:0:-1], *LIGHT.positive], float)
    at = np.linspace(0, len(ramp) - 1, 2 * _STEPS + 1)
    colours = np.stack([np.interp(at, np.arange(len(ramp)), ramp[:, channel]) for channel in range(3)], axis=1)
    return [round(float(value)) for value in np.vstack([_SPECIAL, colours]).ravel()]


def _category_palette(categories: Sequence[int]) -> list[int]:
    return [value for colour in (*_SPECIAL, *category_colours(categories, LIGHT).values()) for value in colour]
