"""Images that a text file lists with their labels."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from caffe_nb.data.images import decode, resize
from caffe_nb.data.paths import find, find_in, places
from caffe_nb.data.sharing import check_enough
from caffe_nb.errors import FormatError, NetError
from caffe_nb.ranks import Share

Array = NDArray[Any]

_LINE = re.compile(r"(.*\S)\s+([-+]?\d{1,18})")


class ImageFiles:
    """Finds and reads image files.

    Parameters
    ----------
    root : str
        Put before each name as it is, as Caffe does: end it with a slash.
    folder : pathlib.Path or None
        Where the net's prototxt lies; relative names are looked for in the working directory (as it is now) and there.
    """

    def __init__(self, root: str, folder: Path | None) -> None:
        self._root = root
        self._places = places([folder])

    def content(self, name: str, where: str) -> bytes:
        """Return the bytes of a file.

        Raises
        ------
        NetError
            When it is nowhere.
        FormatError
            When it cannot be read.
        """
        slash = self._root and not self._root.endswith(("/", "\\"))
        hint = f"; root_folder is put before the names as it is: '{self._root}/' would be a folder" if slash else ""
        path = find_in(self._places, self._root + name, f"the image of {where},", hint=hint)
        try:
            return path.read_bytes()
        except OSError as error:
            raise FormatError(f"the image of {where}, '{path}', cannot be read: {error}") from error


class ImageList:
    """The images of a list, one after the other and around again.

    Parameters
    ----------
    source : str
        The list: a line for each image, its name and its label (a whole number) with a space between. Empty lines are
        left out. Looked for in the working directory and then in `folder`.
    files : ImageFiles
        Where the images are.
    size : (int, int)
        Height and width that the images are resized to; (0, 0) for their own.
    color : bool
        Three channels, or one.
    folder : pathlib.Path or None
        Where the net's prototxt lies.

    Raises
    ------
    NetError
        When the list is missing or names nothing.
    FormatError
        When a line is no name and label.
    """

    def __init__(self, source: str, files: ImageFiles, size: tuple[int, int], color: bool, folder: Path | None) -> None:
        self._files = files
        self._size = size
        self._color = color
        self.path = find(source, [folder], "the list of images")
        self._names, self._labels, self._lines = read_list(self.path)
        self._order = np.arange(len(self._names))
        self._at = 0
        self._step = 1
        self._shuffler: np.random.Generator | None = None

    def __len__(self) -> int:
        return len(self._names)

    def shuffle(self, draw: np.random.Generator) -> None:
        """Take the images in a random order from now on, in another one each time around."""
        self._shuffler = draw
        draw.shuffle(self._order)

    def skip(self, count: int) -> None:
        """Start after so many images."""
        self._at = count

    def take(self, share: Share) -> None:
        """Give a process's share of the images only, from the next one on: every `size`-th, around and around.

        Raises
        ------
        NetError
            When there are more processes than images.
        """
        check_enough(len(self), share, f"the list '{self.path}'", "images")
        self._step = share.size
        self._go_on(share.rank)

    def next(self) -> tuple[str, Array, int]:
        """Return where the next image is listed, the image ``(H, W, C)`` of bytes, and its label."""
        index = self._order[self._at]
        self._go_on(self._step)
        return self._read(index)

    def _go_on(self, count: int) -> None:
        self._at += count
        while self._at >= len(self):
            self._at -= len(self)
            if self._shuffler is not None:
                self._shuffler.shuffle(self._order)

    def peek(self) -> tuple[str, Array, int]:
        """Return what `next` will return."""
        return self._read(self._order[self._at])

    def _read(self, index: int) -> tuple[str, Array, int]:
        name = self._names[index]
        where = f"line {self._lines[index]} of '{self.path}'"
        image = decode(self._files.content(name, where), self._color, f"'{name}', {where},")
        if self._size != (0, 0):
            image = resize(image, *self._size)
        return where, image, self._labels[index]


def read_list(path: Path) -> tuple[list[str], list[int], list[int]]:
    """Return what a list of images holds.

    Parameters
    ----------
    path : pathlib.Path
        The list: a line for each image, its name and its label, a whole number. Empty lines are left out.

    Returns
    -------
    names, labels, lines : list of str, list of int, list of int
        For each image; the lines count from 1.

    Raises
    ------
    FormatError
        When a line is no name and label.
    NetError
        When it names nothing.
    """
    names, labels, lines = [], [], []
    with path.open(encoding="utf-8-sig", errors="surrogateescape") as file:
        for number, line in enumerate(file, 1):
            text = line.strip()
            if not text:
                continue
            match = _LINE.fullmatch(text)
            if match is None:
                raise FormatError(
                    f"expected the name of an image and its label, a whole number, with a space between;"
                    f" got {text!r:.80}",
                    where=f"line {number} of '{path}'",
                )
            names.append(match[1])
            labels.append(int(match[2]))
            lines.append(number)
    if not names:
        raise NetError(f"the list '{path}' names no images; it needs the name of an image and its label on a line")
    return names, labels, lines
