"""Windows in images, as R-CNN lists them: their classes and how much of an object each one covers."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple, TextIO

import numpy as np
from numpy.typing import NDArray

from caffe_nb.data.paths import find
from caffe_nb.errors import FormatError, NetError

Array = NDArray[Any]

_LARGEST = 2**31


class Windows(NamedTuple):
    """Windows of one kind, foreground or background.

    Attributes
    ----------
    image : (N,) ndarray of int
        Position of each window's image in the file.
    label : (N,) ndarray of int
        Class; 0 for background.
    corners : (N, 4) ndarray of int
        Left, top, right and bottom pixel, all included.
    """

    image: Array
    label: Array
    corners: Array

    def __len__(self) -> int:
        return len(self.label)


class WindowList:
    """A window file.

    For each image: ``# index``, the image's name, channels, height and width, the number of windows, each on a line of
    its own (height and so on too); then a line for each window: class, overlap, left, top, right, bottom.

    Parameters
    ----------
    source : str
        The file, looked for in the working directory and then in `folder`.
    folder : pathlib.Path or None
        Where the net's prototxt lies.
    fg_threshold : float
        A window with at least this overlap is foreground.
    bg_threshold : float
        A window with less than this overlap, and less than `fg_threshold`, is background.

    Attributes
    ----------
    names : list of str
        The images.
    lines : list of int
        The line of each image's name.
    foreground, background : Windows
        What can be drawn.

    Raises
    ------
    NetError
        When the file is missing or empty.
    FormatError
        When a line is not what it must be.
    """

    def __init__(self, source: str, folder: Path | None, fg_threshold: float, bg_threshold: float) -> None:
        self.path = find(source, [folder], "the window file")
        self.names: list[str] = []
        self.lines: list[int] = []
        tables = []
        with self.path.open(encoding="utf-8-sig", errors="surrogateescape") as file:
            for name, line, table in _images(file, self.path, fg_threshold):
                tables.append(np.column_stack([np.full(len(table), len(self.names)), table]))
                self.names.append(name)
                self.lines.append(line)
        if not tables:
            raise NetError(f"the window file '{self.path}' is empty; it needs images and their windows")
        rows = np.concatenate(tables)
        overlap = rows[:, 2].astype(np.float32)
        foreground = overlap >= np.float32(fg_threshold)
        background = ~foreground & (overlap < np.float32(bg_threshold))
        whole = rows[:, [0, 1, 3, 4, 5, 6]].astype(np.int64)
        self.foreground = Windows(whole[foreground, 0], whole[foreground, 1], whole[foreground, 2:])
        none = np.zeros(int(background.sum()), np.int64)
        self.background = Windows(whole[background, 0], none, whole[background, 2:])


def _images(file: TextIO, path: Path, fg_threshold: float) -> Iterator[tuple[str, int, Array]]:
    """Yield name, its line, and the windows of each image; a table of class, overlap and corners."""
    lines = ((number, line.strip()) for number, line in enumerate(file, 1) if line.strip())
    for number, line in lines:
        if not line.startswith("#"):
            raise _wrong(path, number, "'#' and the number of an image", line)
        if line == "#":
            _next(lines, path, "the number of an image")
        name_line, name = _next(lines, path, "the name of an image")
        sizes: list[int] = []
        while len(sizes) < 4:
            number, line = _next(lines, path, "channels, height, width and the number of windows")
            sizes += _whole(path, number, line)
        if len(sizes) > 4 or min(sizes) < 0 or max(sizes) >= _LARGEST:
            raise _wrong(path, number, "channels, height, width and the number of windows", line)
        if sizes[0] != 3:
            raise _wrong(path, name_line, "an image of 3 channels", f"'{name}' with {sizes[0]}")
        yield name, name_line, _table(list(islice(lines, sizes[3])), sizes[3], path, fg_threshold)


def _next(lines: Iterator[tuple[int, str]], path: Path, what: str) -> tuple[int, str]:
    found = next(lines, None)
    if found is None:
        raise FormatError(f"expected {what}, but the file ends; it is truncated", where=f"'{path}'")
    return found


def _whole(path: Path, number: int, line: str) -> list[int]:
    try:
        return [int(word) for word in line.split()]
    except ValueError:
        raise _wrong(path, number, "whole numbers: channels, height, width, number of windows", line) from None


def _table(block: list[tuple[int, str]], count: int, path: Path, fg_threshold: float) -> Array:
    if len(block) < count:
        raise FormatError(f"expected {count} windows, but the file ends after {len(block)}", where=f"'{path}'")
    try:
        table = np.array([line.split() for _, line in block], np.float64).reshape(count, 6)
        good = bool((np.abs(table) < _LARGEST).all())
    except ValueError:
        good = False
    if not good:
        number, line = next(entry for entry in block if not _is_window(entry[1]))
        raise _wrong(path, number, "a window: class, overlap, left, top, right, bottom", line)
    unclassed = np.flatnonzero((table[:, 1].astype(np.float32) >= np.float32(fg_threshold)) & (table[:, 0] < 1))
    if unclassed.size:
        number, line = block[unclassed[0]]
        raise _wrong(path, number, "a class of at least 1, since the window is foreground", line)
    return table


def _is_window(line: str) -> bool:
    try:
        return len([word for word in line.split() if abs(float(word)) < _LARGEST]) == 6 == len(line.split())
    except ValueError:
        return False


def _wrong(path: Path, number: int, expected: str, got: str) -> FormatError:
    return FormatError(f"expected {expected}; got {got!r:.80}", where=f"line {number} of '{path}'")
