"""Rows appended to an HDF5 file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from caffe_nb.errors import FormatError, NetError, ShapeError

Array = NDArray[Any]


class HDF5Writer:
    """A file with one dataset a name, to which rows are appended.

    Parameters
    ----------
    path : pathlib.Path
        The file. One that is there is replaced by the first rows, not before.

    Raises
    ------
    NetError
        When its folder does not exist.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        if not self.path.parent.is_dir():
            raise NetError(f"cannot write '{path}': the folder '{self.path.parent}' does not exist")
        self._begun = False

    def append(self, rows: Mapping[str, Array]) -> None:
        """Append rows to each dataset; the file is whole and closed between calls.

        Parameters
        ----------
        rows : mapping of str to (N, ...) ndarray
            The same names and row shapes each time.

        Raises
        ------
        ShapeError
            When rows have another shape than those before.
        FormatError
            When the file cannot be written.
        """
        try:
            if self._begun:
                self._extend(rows)
            else:
                self._begin(rows)
        except OSError as error:
            raise FormatError(f"cannot write '{self.path}': {error}") from error
        self._begun = True

    def _begin(self, rows: Mapping[str, Array]) -> None:
        import h5py

        beside = self.path.with_name(f".{self.path.name}.{os.getpid()}.part")
        try:
            with h5py.File(beside, "w") as file:
                for name, values in rows.items():
                    file.create_dataset(name, data=values, maxshape=(None, *values.shape[1:]), chunks=True)
            beside.replace(self.path)
        finally:
            beside.unlink(missing_ok=True)

    def _extend(self, rows: Mapping[str, Array]) -> None:
        import h5py

        with h5py.File(self.path, "r+") as file:
            for name, values in rows.items():
                if file[name].shape[1:] != values.shape[1:]:
                    raise ShapeError(
                        f"the rows of '{name}' in '{self.path}' have shape {file[name].shape[1:]}, and cannot go on"
                        f" with {values.shape[1:]}"
                    )
            for name, values in rows.items():
                dataset = file[name]
                dataset.resize(len(dataset) + len(values), axis=0)
                dataset[len(dataset) - len(values) :] = values
