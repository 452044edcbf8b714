"""Weights and snapshots in HDF5 (.caffemodel.h5, .solverstate.h5), laid out as Caffe does.

Weights: ``/data/LAYER/INDEX``, one dataset an array, without those that a layer only shares; ``/diff`` alike where
gradients are kept, with all of them. Snapshots: ``iter``, ``current_step``, ``learned_net`` and ``history/INDEX``.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from caffe_nb.errors import FormatError, did_you_mean
from caffe_nb.proto.files import open_bytes
from caffe_nb.proto.stored import Fill, StoredArray, StoredLayer

if TYPE_CHECKING:
    import h5py  # loaded where a file is opened: it is slow to import

Path = str | os.PathLike[str]
Array = NDArray[Any]
Layer = tuple[str, Sequence[Array | None], Sequence[Array] | None]

_WEIGHTS = "weights in HDF5 (.caffemodel.h5)"
_STATE = "a solver's state in HDF5 (.solverstate.h5)"
_DAMAGE = (OSError, RuntimeError, KeyError, ValueError, TypeError, OverflowError)  # what h5py raises for it
_LONGEST_TEXT = 1 << 16


@dataclass(frozen=True)
class SolverState:
    """The state of a solver.

    Attributes
    ----------
    iteration, current_step : int
        How many iterations were done, and how many steps the learning rate has taken.
    learned_net : str
        File of the weights; empty for none.
    history : list of StoredArray
        The rule's memory of past gradients.
    """

    iteration: int
    current_step: int
    learned_net: str
    history: list[StoredArray]


def is_hdf5(path: Path) -> bool:
    """Whether a file is to be read as HDF5: its contents say so, or it has the suffix ``.h5``."""
    import h5py

    return os.fspath(path).endswith(".h5") or bool(h5py.is_hdf5(path))


@contextmanager
def open_weights(path: Path) -> Iterator[list[StoredLayer]]:
    """Open a .caffemodel.h5 and give its arrays to be read.

    Parameters
    ----------
    path : path-like
        The file; it stays open within the ``with`` block.

    Yields
    ------
    list of StoredLayer
        All layers, in the order of their names.

    Raises
    ------
    MissingFileError
        When there is no such file.
    FormatError
        When the file is truncated, damaged, or of another kind.
    """
    import h5py

    with _opened(path, _WEIGHTS) as file:
        data = _group(file, "data", path, _WEIGHTS)
        diff = file.get("diff")
        found: dict[str, StoredLayer] = {}

        def visit(name: str, item: object) -> None:
            layer, _, index = name.rpartition("/")
            if isinstance(item, h5py.Group):
                if not len(item):
                    found[name] = StoredLayer(name)
            elif layer and index.isdecimal() and str(int(index)) == index:
                gradient = diff.get(name) if isinstance(diff, h5py.Group) else None
                array = _stored(item, path, f"data/{name}", gradient)
                found.setdefault(layer, StoredLayer(layer)).arrays[int(index)] = array
            else:
                raise _bad(path, _WEIGHTS, f"'data/{name}' is no array of a layer; those have numbers for names")

        try:
            data.visititems(visit)
        except FormatError:
            raise
        except _DAMAGE as error:
            raise _damaged(path, _WEIGHTS, error) from error
        yield list(found.values())


def write_weights(path: FilePath, layers: Sequence[Layer]) -> None:
    """Write a .caffemodel.h5, at its place: see `caffe_nb.proto.files.replace_files`.

    Parameters
    ----------
    path : Path
        The file.
    layers : sequence of (str, sequence of ndarray or None, sequence of ndarray or None)
        Name, arrays and gradients of each layer; None for an array that another layer owns, and where gradients are
        not kept.

    Raises
    ------
    FormatError
        When two layers with arrays have one name, or one has a name that cannot be a path in HDF5.
    """
    import h5py

    with h5py.File(path, "w") as file:
        for name, arrays, diffs in layers:
            if arrays and ("" in name.split("/") or "." in name.split("/") or "\0" in name):
                raise FormatError(f"a layer with the name {name!r} cannot be saved as HDF5; rename it.")
            try:
                _write_arrays(file.require_group("data"), name, arrays)
                if diffs is not None:
                    _write_arrays(file.require_group("diff"), name, diffs)
            except (TypeError, ValueError) as error:
                raise FormatError(
                    f"layer {name!r} cannot be saved as HDF5, another one has its place there ({error}); give every "
                    "layer with parameters a name of its own."
                ) from error


def _write_arrays(part: h5py.Group, name: str, arrays: Sequence[Array | None]) -> None:
    if not arrays and (name in part or "" in name.split("/")):
        return
    group = part.require_group(name)
    for index, array in enumerate(arrays):
        if array is not None:
            group.create_dataset(str(index), data=array)


@contextmanager
def open_state(path: Path) -> Iterator[SolverState]:
    """Open a .solverstate.h5.

    Parameters
    ----------
    path : path-like
        The file; it stays open within the ``with`` block.

    Yields
    ------
    SolverState
        Its history is read where it is asked for.

    Raises
    ------
    MissingFileError
        When there is no such file.
    FormatError
        When the file is truncated, damaged, or of another kind.
    """
    with _opened(path, _STATE) as file:
        history = _group(file, "history", path, _STATE)
        try:
            names = sorted(history, key=lambda name: (len(name), name))
            if names != [str(index) for index in range(len(names))]:
                raise _bad(path, _STATE, f"its history has the names {names[:5]}, not 0, 1, 2 ...")
            arrays = [_stored(history[name], path, f"history/{name}") for name in names]
            iteration = _integer(file, "iter", path)
            step = _integer(file, "current_step", path) if "current_step" in file else 0
            state = SolverState(iteration, step, _text(file, "learned_net", path), arrays)
        except FormatError:
            raise
        except _DAMAGE as error:
            raise _damaged(path, _STATE, error) from error
        yield state


def write_state(path: FilePath, iteration: int, current_step: int, learned_net: str, history: Sequence[Array]) -> None:
    """Write a .solverstate.h5, at its place: see `caffe_nb.proto.files.replace_files`.

    Parameters
    ----------
    path : Path
        The file.
    iteration, current_step, learned_net
        As in `SolverState`.
    history : sequence of ndarray
        The rule's memory.
    """
    import h5py

    text = learned_net.encode()
    with h5py.File(path, "w") as file:
        file.create_dataset("iter", data=np.array([iteration], np.int32))
        file.create_dataset("learned_net", data=np.array(text, f"S{len(text) + 1}"))  # C's zero at the end
        file.create_dataset("current_step", data=np.array([current_step], np.int32))
        group = file.create_group("history")
        for index, array in enumerate(history):
            group.create_dataset(str(index), data=array)


@contextmanager
def _opened(path: Path, kind: str) -> Iterator[h5py.File]:
    import h5py

    with open_bytes(path):  # a missing file is said in our words
        pass
    try:
        file = h5py.File(path, "r", locking=False)  # written files are replaced, never changed
    except _DAMAGE as error:
        reason = (
            f"it cannot be read as HDF5 ({error}); it is truncated or damaged"
            if h5py.is_hdf5(path)
            else ("it is not an HDF5 file")
        )
        raise _bad(path, kind, reason) from error
    with file:
        yield file


def _group(file: h5py.File, name: str, path: Path, kind: str) -> h5py.Group:
    import h5py

    try:
        found = file.get(name)
        known = list(file)
    except _DAMAGE as error:
        raise _damaged(path, kind, error) from error
    if not isinstance(found, h5py.Group):
        raise _bad(path, kind, f"it has no group '{name}'{did_you_mean(name, known)}")
    return found


def _stored(item: object, path: Path, name: str, diff: object = None) -> StoredArray:
    import h5py

    gradient = _fill(diff, path, name.replace("data/", "diff/", 1)) if isinstance(diff, h5py.Dataset) else None
    if not isinstance(item, h5py.Dataset) or item.dtype.kind not in "fiu" or item.shape is None:
        raise FormatError(f"'{name}' is no array of numbers.", where=os.fspath(path))
    return StoredArray(tuple(item.shape), _fill(item, path, name), gradient, _lies_in_file(item))


def _lies_in_file(dataset: h5py.Dataset) -> bool:
    """Whether all values lie side by side within the file, as Caffe writes them."""
    start = dataset.id.get_offset()
    return start is not None and start + dataset.nbytes <= FilePath(dataset.file.filename).stat().st_size


def _fill(dataset: h5py.Dataset, path: Path, name: str) -> Fill:
    def fill(out: Array) -> None:
        if not out.size:
            return
        try:
            dataset.read_direct(out)
        except _DAMAGE as error:
            raise FormatError(f"'{name}' cannot be read: {error}", where=os.fspath(path)) from error

    return fill


def _integer(file: h5py.File, name: str, path: Path) -> int:
    import h5py

    item = file.get(name)
    if not isinstance(item, h5py.Dataset) or item.size != 1 or item.dtype.kind not in "iu":
        raise _bad(path, _STATE, f"it has no whole number '{name}'")
    return int(np.asarray(item[()]).reshape(()))


def _text(file: h5py.File, name: str, path: Path) -> str:
    import h5py

    item = file.get(name)
    if item is None:
        return ""
    if not isinstance(item, h5py.Dataset) or item.size != 1 or item.dtype.kind != "S" or item.nbytes > _LONGEST_TEXT:
        raise _bad(path, _STATE, f"its '{name}' is no text")
    return np.asarray(item[()]).tobytes().split(b"\0")[0].decode()


def _bad(path: Path, kind: str, reason: str) -> FormatError:
    return FormatError(
        f"expected {kind}, but {reason}. Copy or download it again, or check the path.", where=os.fspath(path)
    )


def _damaged(path: Path, kind: str, error: Exception) -> FormatError:
    return _bad(path, kind, f"it is truncated or damaged: {error}")
