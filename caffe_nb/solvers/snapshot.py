"""A solver's state in and out: .solverstate beside the .caffemodel, both in binary or both in HDF5 (.h5)."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from caffe_nb.core.blob import Blob
from caffe_nb.errors import FormatError
from caffe_nb.net import Net, weights
from caffe_nb.proto import binary, caffe_pb2, hdf5
from caffe_nb.proto.files import replace_files
from caffe_nb.solvers.lr_policy import current_step

log = logging.getLogger("caffe_nb")


def prefix(param: caffe_pb2.SolverParameter, text: Path | None) -> str:
    """Return the start of snapshot names: snapshot_prefix, or one made from the solver's file name."""
    stem = text.stem if text else "solver"
    if not param.snapshot_prefix:
        return str(text.with_suffix("")) if text else stem
    if Path(param.snapshot_prefix).is_dir():
        return str(Path(param.snapshot_prefix) / stem)
    return param.snapshot_prefix


def write(net: Net, history: Sequence[Blob], iteration: int, param: caffe_pb2.SolverParameter, start: str) -> Path:
    """Write PREFIX_iter_N.caffemodel and PREFIX_iter_N.solverstate, both with ``.h5`` for HDF5; return the latter.

    Both are written beside their places and flushed, then renamed, the weights first: wherever the process is killed,
    a .solverstate has the weights that belong to it.

    Parameters
    ----------
    net : Net
        The trained net; its diffs are written too where `snapshot_diff` asks.
    history : sequence of Blob
        The rule's memories.
    iteration : int
        How many were done.
    param : caffe_pb2.SolverParameter
        Its `snapshot_format` and `snapshot_diff`.
    start : str
        As `prefix` returns it.
    """
    ending = ".h5" if param.snapshot_format == caffe_pb2.SolverParameter.HDF5 else ""
    model = Path(f"{start}_iter_{iteration}.caffemodel{ending}")
    path = Path(f"{start}_iter_{iteration}.solverstate{ending}")
    step = current_step(param, max(0, iteration - 1))  # as the last update left it; Caffe resumes from there

    def write_model(beside: Path) -> None:
        if ending:
            weights.write_hdf5(net.nodes, net.learnable_params, beside, param.snapshot_diff)
        else:
            weights.write_binary(net.param.name, net.nodes, beside, param.snapshot_diff, model)

    def write_state(beside: Path) -> None:
        if ending:
            hdf5.write_state(beside, iteration, step, str(model), [blob.const_data for blob in history])
        else:
            state = caffe_pb2.SolverState(iter=iteration, learned_net=str(model), current_step=step)
            state.history.extend(binary.array_to_blob(blob.const_data) for blob in history)
            beside.write_bytes(binary.encode(state, path))

    replace_files([(model, write_model), (path, write_state)])
    kind = "HDF5" if ending else "binary proto"
    log.info("Snapshotting to %s file %s", kind, model)
    log.info("Snapshotting solver state to %s file %s", kind, path)
    return path


def read(path: Path, net: Net, history: Sequence[Blob]) -> int:
    """Take up a .solverstate or .solverstate.h5 and its weights; return the iteration.

    Nothing changes unless all of it fits.

    Parameters
    ----------
    path : Path
        The file.
    net : Net
        Gets the weights that the file names, as it names them or beside the file.
    history : sequence of Blob
        Filled in place.

    Raises
    ------
    FormatError
        When a file is not what it should be, or belongs to another net or solver.
    """
    if hdf5.is_hdf5(path):
        with hdf5.open_state(path) as stored:
            shapes = [array.shape for array in stored.history]
            _check_shapes(shapes, history, path)
            arrays = [np.empty(shape, mine.dtype) for shape, mine in zip(shapes, history, strict=True)]
            for source, array in zip(stored.history, arrays, strict=True):
                source.data(array)
            iteration, model = stored.iteration, stored.learned_net
    else:
        state = binary.read_solver_state(path)
        _check_shapes([binary.blob_shape(blob) for blob in state.history], history, path)
        arrays = [binary.blob_to_array(blob) for blob in state.history]
        iteration, model = state.iter, state.learned_net
    if iteration < 0:
        raise FormatError(f"says that {iteration} iterations were done", where=str(path))
    if model:
        beside = path.parent / Path(model).name
        net.copy_from(model if Path(model).exists() or not beside.exists() else beside)
    for array, mine in zip(arrays, history, strict=True):
        mine.data[...] = array.reshape(mine.shape)
    return iteration


def _check_shapes(shapes: Sequence[tuple[int, ...]], history: Sequence[Blob], path: Path) -> None:
    if len(shapes) != len(history):
        raise FormatError(
            f"holds {len(shapes)} history blobs, this solver and net need {len(history)};"
            " it was written for another net or another solver type",
            where=str(path),
        )
    for index, (shape, mine) in enumerate(zip(shapes, history, strict=True)):
        if math.prod(shape) != mine.count:
            raise FormatError(f"history {index} has shape {shape}, this net needs {mine.shape}", where=str(path))
