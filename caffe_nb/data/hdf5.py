"""Rows of HDF5 files, one after the other and around again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from caffe_nb import rng
from caffe_nb.core.memory import available, check_shape
from caffe_nb.data.paths import find
from caffe_nb.data.sharing import check_enough
from caffe_nb.errors import CaffeError, FormatError, NetError, ShapeError, did_you_mean, listing
from caffe_nb.ranks import ALONE, Share, common_generator

Array = NDArray[Any]

Place = tuple[int, Array, int, Array]
"""File, order of the files, row and order of the rows; the orders are not changed in place."""


def read_source(source: str, folder: Path | None) -> list[Path]:
    """Return the HDF5 files that a source list names, separated by white space.

    Parameters
    ----------
    source : str
        The list's name, looked for in the working directory and then in `folder`. The files it names are looked for
        there too, and beside the list.
    folder : pathlib.Path or None
        Where the net's prototxt lies.

    Raises
    ------
    NetError
        When the list or a file is missing, or the list is empty.
    """
    path = find(source, [folder], "the source list")
    names = path.read_text(encoding="utf-8-sig", errors="surrogateescape").split()
    if not names:
        raise NetError(f"the source list '{source}' names no files; it needs the name of an HDF5 file a line")
    return [find(name, [folder, path.parent], f"the HDF5 file of '{source}',") for name in names]


class HDF5Rows:
    """A reader of rows from files that hold the same datasets.

    One file at a time is in memory. After its last row the next file follows, and after the last file the first.

    Parameters
    ----------
    files : sequence of pathlib.Path
        The files, at least one.
    names : sequence of str
        The datasets to read; all have the same number of rows (the first axis).
    dtype : dtype
        What the values are converted to.
    shuffle : bool
        Whether files are taken, and rows of each file, in a random order drawn from `caffe_nb.rng`.
    share : Share
        Which rows are read: every `size`-th one.

    Attributes
    ----------
    shapes : list of tuple of int
        Shape of one row of each dataset.

    Raises
    ------
    FormatError
        When a file cannot be read or holds no numbers.
    NetError
        When a dataset is missing.
    ShapeError
        When numbers of rows differ within a file, or shapes of rows between files.
    """

    def __init__(
        self, files: Sequence[Path], names: Sequence[str], dtype: DTypeLike, shuffle: bool, share: Share = ALONE
    ) -> None:
        self._files = list(files)
        self._names = list(names)
        self._dtype = np.dtype(dtype)
        self._shuffle = shuffle
        self._file_order = np.arange(len(self._files))
        self._file = 0
        self._order: Array = np.arange(0)
        self._common = None if share.alone else common_generator()
        self._step = share.size
        if shuffle:
            self._file_order = self._shuffled(self._file_order)
        self.shapes: list[tuple[int, ...]] = []
        self._load()
        if len(files) == 1:
            check_enough(len(self._order), share, f"'{files[0]}'", "rows")
        self._row = share.rank

    def read(self, outs: Sequence[Array]) -> None:
        """Fill arrays with the next rows.

        Parameters
        ----------
        outs : sequence of (B, *shape) ndarray
            One array for each dataset, all with the same number of rows.
        """
        filled = 0
        wanted = len(outs[0])
        while filled < wanted:
            while self._row >= len(self._order):
                beyond = self._row - len(self._order)
                self._advance()
                self._row = beyond
            rows = self._order[self._row :: self._step][: wanted - filled]
            for out, data in zip(outs, self._data, strict=True):
                out[filled : filled + len(rows)] = (
                    data[rows] if self._shuffle else data[rows[0] : rows[-1] + 1 : self._step]
                )
            filled += len(rows)
            self._row += self._step * len(rows)

    def place(self) -> Place:
        """Return which row is next, to be given to `go_to`."""
        return self._file, self._file_order, self._row, self._order

    def go_to(self, place: Place) -> None:
        """Read on from a place where it was before."""
        file, file_order, row, order = place
        other = file_order[file] != self._file_order[self._file]
        self._file, self._file_order = file, file_order
        if other:
            self._load()
        self._row, self._order = row, order

    def _advance(self) -> None:
        self._file += 1
        if self._file == len(self._files):
            self._file = 0
            if self._shuffle:
                self._file_order = self._shuffled(self._file_order)
        if len(self._files) > 1:
            self._load()
        else:
            self._restart()

    def _restart(self) -> None:
        self._row = 0
        if self._shuffle:
            self._order = self._shuffled(self._order)

    def _shuffled(self, order: Array) -> Array:
        order = order.copy()
        (self._common or rng.generator()).shuffle(order)
        return order

    def _load(self) -> None:
        import h5py

        path = self._files[self._file_order[self._file]]
        try:
            with h5py.File(path, "r") as file, np.errstate(over="ignore", invalid="ignore"):
                self._data = [self._dataset(file, name, path) for name in self._names]
        except CaffeError:
            raise
        except Exception as error:  # h5py raises many kinds for broken files
            raise FormatError(f"cannot read '{path}' as an HDF5 file: {error}") from error
        lengths = [len(data) for data in self._data]
        if len(set(lengths)) > 1 or not lengths[0]:
            raise ShapeError(
                f"the datasets of '{path}' must have the same number of rows, at least one; got"
                f" {', '.join(f'{name}: {length}' for name, length in zip(self._names, lengths, strict=True))}"
            )
        shapes = [data.shape[1:] for data in self._data]
        if self.shapes and shapes != self.shapes:
            raise ShapeError(f"the rows of '{path}' have shapes {shapes}, those of the files before it {self.shapes}")
        self.shapes = shapes
        self._order = np.arange(lengths[0])
        self._restart()

    def _dataset(self, file: Any, name: str, path: Path) -> Array:
        import h5py

        if name not in file or not isinstance(file[name], h5py.Dataset):
            raise NetError(
                f"'{path}' has no dataset '{name}', which the top's name asks for.{did_you_mean(name, file)}"
                f" It has {listing(file)}"
            )
        data = file[name]
        if data.dtype.kind not in "iufb" or not data.ndim:
            raise FormatError(
                f"dataset '{name}' of '{path}' must hold rows of numbers, got {data.dtype} of shape {data.shape}"
            )
        _check_size(data, f"dataset '{name}' of '{path}'")
        values: Array = data[...].astype(self._dtype, copy=False)
        return values


def _check_size(data: Any, what: str) -> None:
    """Refuse a dataset that is larger than a blob or the memory: what is wanted of a file is all read at once."""
    try:
        check_shape(data.shape)
    except ShapeError as error:
        raise ShapeError(f"{what} is too large for one file, divide it into several: {error}") from None
    if data.size * data.dtype.itemsize > available():
        raise ShapeError(f"{what}, of shape {data.shape}, is larger than the memory; divide it into several files")
