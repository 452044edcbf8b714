"""A solver's state in and out: .solverstate beside the .caffemodel."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from caffe_nb.core.blob import Array
from caffe_nb.errors import FormatError, SolverError
from caffe_nb.net import Net
from caffe_nb.proto import binary, caffe_pb2


def prefix(param: caffe_pb2.SolverParameter, text: Path | None) -> str:
    """Return the start of snapshot names: snapshot_prefix, or one made from the solver's file name."""
    stem = text.stem if text else "solver"
    if not param.snapshot_prefix:
        return str(text.with_suffix("")) if text else stem
    if Path(param.snapshot_prefix).is_dir():
        return str(Path(param.snapshot_prefix) / stem)
    return param.snapshot_prefix


def write(net: Net, history: Sequence[Array], iteration: int, param: caffe_pb2.SolverParameter, start: str) -> Path:
    """Write PREFIX_iter_N.caffemodel and PREFIX_iter_N.solverstate; return the latter.

    Raises
    ------
    SolverError
        For snapshot_format HDF5, which this version does not write.
    """
    if param.snapshot_format == caffe_pb2.SolverParameter.HDF5:
        raise SolverError("snapshot_format HDF5 is not written by this version; use BINARYPROTO")
    model = Path(f"{start}_iter_{iteration}.caffemodel")
    binary.write_net(model, net.to_proto(param.snapshot_diff))
    state = caffe_pb2.SolverState(iter=iteration, learned_net=str(model))
    state.history.extend(binary.array_to_blob(array) for array in history)
    path = model.with_suffix(".solverstate")
    binary.write_solver_state(path, state)
    return path


def read(path: Path, net: Net, history: Sequence[Array]) -> int:
    """Take up a .solverstate and its weights; return the iteration. Nothing changes unless all of it fits.

    Raises
    ------
    FormatError
        When a file is not what it should be, or belongs to another net or solver.
    """
    state = binary.read_solver_state(path)
    arrays = [binary.blob_to_array(blob) for blob in state.history]
    if len(arrays) != len(history):
        raise FormatError(
            f"holds {len(arrays)} history blobs, this solver and net need {len(history)};"
            " it was written for another net or another solver type",
            where=str(path),
        )
    for index, (array, mine) in enumerate(zip(arrays, history, strict=True)):
        if array.size != mine.size:
            raise FormatError(f"history {index} has shape {array.shape}, this net needs {mine.shape}", where=str(path))
    if state.HasField("learned_net"):
        model = Path(state.learned_net)
        beside = path.parent / model.name
        net.copy_from(model if model.exists() or not beside.exists() else beside)
    for array, mine in zip(arrays, history, strict=True):
        mine[...] = array.reshape(mine.shape)
    return state.iter
