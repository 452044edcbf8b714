"""Batches of windows, foreground and background in a fixed ratio, each warped to the same size."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from caffe_nb.data.batches import Batch
from caffe_nb.data.image_list import ImageFiles
from caffe_nb.data.images import decode, resize
from caffe_nb.data.transformer import Transformer
from caffe_nb.data.window_list import WindowList
from caffe_nb.errors import FormatError, NetError, ShapeError

Array = NDArray[Any]


@dataclass(frozen=True)
class WindowSettings:
    """How windows are drawn and cut out.

    Attributes
    ----------
    batch_size : int
        Windows in a batch.
    fg_fraction : float
        How much of it is foreground; rounded down to whole windows. Background comes first.
    context_pad : int
        Pixels around the window, in the warped image.
    square : bool
        Whether the window is widened to a square first; it is warped otherwise.
    cache_images : bool
        Whether the image files are all read once, and kept in memory undecoded.
    """

    batch_size: int
    fg_fraction: float
    context_pad: int
    square: bool
    cache_images: bool


class WindowBatches:
    """Calling it draws the next batch.

    Parameters
    ----------
    windows : WindowList
        What to draw from.
    files : ImageFiles
        Where the images are.
    transformer : Transformer
        Crop size, mirror, mean and scale. A mean image may be larger than the crop: its middle is used.
    settings : WindowSettings
        The rest.
    draw : numpy.random.Generator
        Where random numbers come from.

    Raises
    ------
    NetError
        When a kind of window that is asked for is missing from the list, or an image that is kept in memory.
    ShapeError
        When the mean is smaller than the crop.
    """

    def __init__(
        self,
        windows: WindowList,
        files: ImageFiles,
        transformer: Transformer,
        settings: WindowSettings,
        draw: np.random.Generator,
    ) -> None:
        self._windows = windows
        self._files = files
        self._transformer = transformer
        self._settings = settings
        self._draw = draw
        self._foreground = int(np.float32(settings.batch_size) * np.float32(settings.fg_fraction))
        for wanted, found, kind, threshold in (
            (settings.batch_size - self._foreground, windows.background, "background", "lower than bg_threshold"),
            (self._foreground, windows.foreground, "foreground", "of at least fg_threshold"),
        ):
            if wanted and not len(found):
                raise NetError(
                    f"'{windows.path}' has no {kind} windows (overlap {threshold}), and each batch takes {wanted}"
                )
        self._mean = self._mean_part()
        self._cache: list[bytes] | None = None
        if settings.cache_images:
            self._cache = [self._content(index) for index in range(len(windows.names))]

    def __call__(self) -> Batch:
        """Draw the next batch."""
        size, dtype = self._transformer.crop_size, self._transformer.dtype
        count = self._settings.batch_size
        batch = Batch(np.zeros((count, 3, size, size), dtype), np.empty(count, dtype))
        for index in range(count):
            is_background = index < count - self._foreground
            kind = self._windows.background if is_background else self._windows.foreground
            number = int(self._draw.integers(len(kind)))
            mirror = self._transformer.mirror and bool(self._draw.integers(2))
            self._cut(kind.image[number], kind.corners[number], mirror, batch.data[index])
            batch.labels[index] = kind.label[number]
        return batch

    def _cut(self, image_index: int, corners: Array, mirror: bool, out: Array) -> None:
        where = self._where(image_index)
        content = self._cache[image_index] if self._cache is not None else self._content(image_index)
        image = decode(content, True, f"the image of {where}")
        rows, columns = image.shape[:2]
        size = self._transformer.crop_size
        x1, y1, x2, y2 = (int(value) for value in corners)
        height = width = size
        down = across = 0
        if x1 <= x2 and y1 <= y2 and (self._settings.context_pad or self._settings.square):
            x1, y1, x2, y2 = self._widened(x1, y1, x2, y2)
            x1, x2, before, width, after = _clipped(x1, x2, columns, size)
            y1, y2, down, height, _ = _clipped(y1, y2, rows, size)
            across = after if mirror else before
            height, width = min(height, size - down), min(width, size - across)
        if x1 < 0 or y1 < 0 or x2 >= columns or y2 >= rows or x1 > x2 or y1 > y2:
            raise FormatError(
                f"the window {corners.tolist()} (left, top, right, bottom) does not lie within the image, which has"
                f" {columns} columns and {rows} rows",
                where=where,
            )
        if height < 1 or width < 1:
            return  # less than half a pixel of the image is left: all of it is padding
        part = resize(image[y1 : y2 + 1, x1 : x2 + 1], height, width)
        if mirror:
            part = part[:, ::-1]
        place = (slice(None), slice(down, down + height), slice(across, across + width))
        mean = self._mean[place] if self._mean.ndim and self._mean.shape[-1] > 1 else self._mean
        np.subtract(part.transpose(2, 0, 1), mean, out=out[place], dtype=out.dtype)
        out[place] *= self._transformer.scale

    def _widened(self, x1: int, y1: int, x2: int, y2: int) -> tuple[int, int, int, int]:
        """Return the window with its context around it, as a square where that is asked for."""
        size = self._transformer.crop_size
        grow = np.float32(size) / np.float32(size - 2 * self._settings.context_pad)
        half_height, half_width = np.float32((y2 - y1 + 1) / 2), np.float32((x2 - x1 + 1) / 2)
        middle_x, middle_y = x1 + half_width, y1 + half_height
        if self._settings.square:
            half_height = half_width = max(half_height, half_width)
        return (
            _round(middle_x - half_width * grow),
            _round(middle_y - half_height * grow),
            _round(middle_x + half_width * grow),
            _round(middle_y + half_height * grow),
        )

    def _mean_part(self) -> Array:
        """Return what is taken off: the middle of the mean image, or one value for each channel."""
        mean, size = self._transformer.mean_image, self._transformer.crop_size
        if mean is None:
            values = self._transformer.mean_values
            if len(values) not in (0, 1, 3):
                raise ShapeError(f"give mean_value once, or once for each of the 3 channels; got {len(values)}")
            return values if len(values) else np.zeros((), self._transformer.dtype)
        channels, height, width = mean.shape
        start = (width - size) // 2
        if channels != 3 or start < 0 or start + size > height:
            raise ShapeError(
                f"the mean file has shape {mean.shape}; expected 3 channels and at least {size} rows and columns, and"
                " as many rows as columns"
            )
        return mean[:, start : start + size, start : start + size]

    def _where(self, image: int) -> str:
        return f"line {self._windows.lines[image]} of '{self._windows.path}'"

    def _content(self, image: int) -> bytes:
        return self._files.content(self._windows.names[image], self._where(image))


def _round(value: float | np.float32) -> int:
    """Round to the nearest whole number, halves away from zero, as C does."""
    number = float(value)
    return int(math.copysign(math.floor(abs(number) + 0.5), number))


def _clipped(first: int, last: int, length: int, size: int) -> tuple[int, int, int, int, int]:
    """Clip a range to an axis; return it, and the lengths that padding, clipped part and padding have when warped."""
    before, after = max(0, -first), max(0, last - length + 1)
    scale = np.float32(size) / np.float32(last - first + 1)
    first, last_inside = first + before, last - after
    inside = last_inside - first + 1
    return first, last_inside, _round(before * scale), _round(inside * scale), _round(after * scale)
