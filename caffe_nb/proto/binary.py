"""Binary files: weights (.caffemodel), snapshots (.solverstate) and means (.binaryproto); arrays in messages."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

import numpy as np
from google.protobuf.message import DecodeError, EncodeError, Message
from numpy.typing import ArrayLike, NDArray

from caffe_nb.errors import FormatError
from caffe_nb.proto import caffe_pb2
from caffe_nb.proto.files import read_bytes, write_bytes
from caffe_nb.proto.packed import packed, set_packed
from caffe_nb.proto.upgrade import upgrade_net

Path = str | os.PathLike[str]
M = TypeVar("M", bound=Message)

_LEGACY_AXES = ("num", "channels", "height", "width")
LARGEST = 2**31 - 1
"""protobuf's own bound for the bytes of one message."""
_SIGNATURES = (
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
    (b"version https://git-lfs", "a Git LFS pointer, not the file itself; fetch it with `git lfs pull`"),
    (b"<!DOCTYPE", "a web page, as a failed download leaves it"),
    (b"<html", "a web page, as a failed download leaves it"),
    (b"PK\x03\x04", "a zip archive"),
    (b"\x1f\x8b", "a gzip archive; unpack it first"),
)


def read_net(path: Path) -> caffe_pb2.NetParameter:
    """Read a net with its weights.

    Parameters
    ----------
    path : path-like
        A .caffemodel file.

    Returns
    -------
    NetParameter
        Brought up to today's form; the values of every array fit its shape.

    Raises
    ------
    MissingFileError
        When there is no such file.
    FormatError
        When the file is truncated, noisy, or of another kind.
    """
    kind = "weights (.caffemodel)"
    param = _read(path, caffe_pb2.NetParameter, kind)
    if not (param.layer or param.layers):
        raise _bad(path, kind, "it holds no layer")
    check_names(param, path)
    try:
        upgrade_net(param, {})  # a fork's types matter as little as in today's form
    except FormatError as error:
        raise FormatError(error.message, where=os.fspath(path)) from error
    except (UnicodeDecodeError, ValueError, TypeError) as error:
        raise _bad(path, kind, f"its older form cannot be read: {error}") from error
    for layer in param.layer:
        for index, blob in enumerate(layer.blobs):
            _check_blob(blob, path, kind, f"blobs[{index}] of layer '{layer.name}'")
    return param


def write_net(path: Path, param: caffe_pb2.NetParameter) -> None:
    """Write a net with its weights as a .caffemodel, beside its place and then renamed.

    Parameters
    ----------
    path : path-like
        The file; one that is there is replaced.
    param : NetParameter
        The net; `array_to_blob` makes the arrays in its layers.

    Raises
    ------
    MissingFileError
        When the folder does not exist.
    FormatError
        When the net is over 2 GiB, the bound of this format.
    """
    write_bytes(path, encode(param, path))


def read_solver_state(path: Path) -> caffe_pb2.SolverState:
    """Read the state of a solver.

    Parameters
    ----------
    path : path-like
        A .solverstate file.

    Returns
    -------
    SolverState
        Iteration, current step, file of the weights, and the history of gradients.

    Raises
    ------
    MissingFileError
        When there is no such file.
    FormatError
        When the file is truncated, noisy, or of another kind.
    """
    kind = "a solver's state (.solverstate)"
    state = _read(path, caffe_pb2.SolverState, kind)
    if not state.HasField("iter"):
        raise _bad(path, kind, "it names no iteration")
    _check_texts(_model(state), path, kind)
    for index, blob in enumerate(state.history):
        _check_blob(blob, path, kind, f"history[{index}]")
    return state


def read_blob(path: Path) -> caffe_pb2.BlobProto:
    """Read one array, such as the mean image of a data set.

    Parameters
    ----------
    path : path-like
        A .binaryproto file.

    Returns
    -------
    BlobProto
        See `blob_to_array`; a mean from Caffe's tools has four axes, of which the first is 1.

    Raises
    ------
    MissingFileError
        When there is no such file.
    FormatError
        When the file is truncated, noisy, or of another kind.
    """
    kind = "an array (.binaryproto)"
    blob = _read(path, caffe_pb2.BlobProto, kind)
    if not (blob.data or blob.double_data):
        raise _bad(path, kind, "it holds no values")
    _check_blob(blob, path, kind, "the array")
    return blob


def write_blob(path: Path, blob: caffe_pb2.BlobProto) -> None:
    """Write one array as a .binaryproto, beside its place and then renamed.

    Parameters
    ----------
    path : path-like
        The file; one that is there is replaced.
    blob : BlobProto
        The array, as `array_to_blob` makes it.
    """
    write_bytes(path, encode(blob, path))


def blob_shape(blob: caffe_pb2.BlobProto) -> tuple[int, ...]:
    """Return the shape of an array in a message.

    Parameters
    ----------
    blob : BlobProto
        The array, with ``shape`` or with the four extents of older files.

    Returns
    -------
    tuple of int
        One extent an axis; four of them for an older file.
    """
    if not blob.HasField("shape") and any(blob.HasField(axis) for axis in _LEGACY_AXES):
        return blob.num, blob.channels, blob.height, blob.width
    return tuple(blob.shape.dim)


def blob_to_array(blob: caffe_pb2.BlobProto, *, diff: bool = False) -> NDArray[np.floating[Any]]:
    """Return the values of an array in a message.

    Parameters
    ----------
    blob : BlobProto
        The array.
    diff : bool, default False
        The gradient in place of the values.

    Returns
    -------
    ndarray, float32 or float64
        A writable copy in the blob's shape; float64 where the message holds doubles. A gradient that is not there
        is zero.

    Raises
    ------
    FormatError
        When the number of values does not fit the shape, as when there are none.
    """
    shape = blob_shape(blob)
    name = "diff" if diff else "data"
    if len(getattr(blob, "double_" + name)):
        name = "double_" + name
    dtype = np.dtype("<f8" if name.startswith("double") else "<f4")
    values = packed(blob, name, dtype)
    native = dtype.newbyteorder("=")
    if diff and not values.size:
        return np.zeros_like(blob_to_array(blob), native)
    count = math.prod(shape)
    if values.size != count or min(shape, default=0) < 0:
        raise FormatError(f"an array of shape {shape} needs {count} values, but its `{name}` has {values.size}.")
    return values.reshape(shape).astype(native)


def array_to_blob(array: ArrayLike, diff: ArrayLike | None = None) -> caffe_pb2.BlobProto:
    """Return an array as a message.

    Parameters
    ----------
    array : array_like
        The values, of any shape. float64 is kept as doubles; everything else is written as float32.
    diff : array_like, optional
        The gradient, of the same shape.

    Returns
    -------
    BlobProto
        With ``shape`` set.

    Raises
    ------
    FormatError
        When `diff` has another shape.
    """
    values = np.asarray(array)
    double = values.dtype == np.float64
    dtype = np.dtype("<f8" if double else "<f4")
    blob = caffe_pb2.BlobProto()
    blob.shape.dim.extend(values.shape)
    set_packed(blob, "double_data" if double else "data", values.astype(dtype, copy=False))
    if diff is not None:
        gradient = np.asarray(diff)
        if gradient.shape != values.shape:
            raise FormatError(f"the diff has shape {gradient.shape}, but the data has {values.shape}.")
        set_packed(blob, "double_diff" if double else "diff", gradient.astype(dtype, copy=False))
    return blob


def _read(path: Path, message: type[M], kind: str) -> M:
    content = read_bytes(path)
    for signature, found in _SIGNATURES:
        if content[: len(signature)].lower() == signature.lower():
            raise _bad(path, kind, f"it is {found}")
    if not content:
        raise _bad(path, kind, "it is empty")
    try:
        return message.FromString(content)
    except (DecodeError, UnicodeDecodeError, RuntimeError) as error:
        text = content[:512].isascii() and b"{" in content[:512]
        reason = (
            "it looks like text; a net's structure goes where a prototxt is asked for"
            if text
            else f"its {len(content)} bytes cannot be decoded; it is truncated or damaged, or of another kind"
        )
        raise _bad(path, kind, reason) from error


def _bad(path: Path, kind: str, reason: str) -> FormatError:
    return FormatError(
        f"expected {kind}, but {reason}. Copy or download it again, or check the path.", where=os.fspath(path)
    )


def check_names(param: caffe_pb2.NetParameter, path: Path) -> None:
    """Raise FormatError when a name in a net is no text: noise again.

    Parameters
    ----------
    param : NetParameter
        As it was read, in any of the formats.
    path : path-like
        The file, for the error.
    """
    _check_texts(_names(param), path, "weights (.caffemodel)")


def _names(param: caffe_pb2.NetParameter) -> Iterator[str]:
    yield param.name
    yield from param.input
    for layer in param.layer:
        yield from (layer.name, layer.type, *layer.bottom, *layer.top, *(spec.name for spec in layer.param))
    for old in param.layers:
        yield from (old.name, *old.bottom, *old.top, *old.param, old.layer.name, old.layer.type)


def _model(state: caffe_pb2.SolverState) -> Iterator[str]:
    yield state.learned_net


def _check_texts(texts: Iterable[object], path: Path, kind: str) -> None:
    """Raise FormatError for what is no UTF-8: protobuf 7 gives it as bytes, others raise when it is asked for."""
    try:
        odd = [text for text in texts if not isinstance(text, str)]
    except UnicodeDecodeError as error:
        odd = [error.object]
    if odd:
        raise _bad(path, kind, f"it has the name {odd[0]!r}, which is no UTF-8 text")


def _check_blob(blob: caffe_pb2.BlobProto, path: Path, kind: str, what: str) -> None:
    """Raise FormatError when the number of values does not fit the shape: what noise in a file leaves."""
    shape = blob_shape(blob)
    count = math.prod(shape)
    for name in ("data", "diff", "double_data", "double_diff"):
        found = len(getattr(blob, name))
        if found and (found != count or min(shape, default=0) < 0):
            raise _bad(path, kind, f"{what} has the shape {shape}, which needs {count} values, and {found} in `{name}`")


def encode(message: Message, path: Path) -> bytes:
    """Return a message as the bytes of a file.

    Parameters
    ----------
    message : Message
        What to write.
    path : path-like
        Where it will be written, for the error.

    Returns
    -------
    bytes
        In the wire format.

    Raises
    ------
    FormatError
        When the message is not complete, or over 2 GiB.
    """
    try:
        content = message.SerializeToString()
    except (EncodeError, ValueError) as error:
        raise FormatError(f"cannot be written: {error}", where=os.fspath(path)) from error
    if len(content) > LARGEST:
        raise FormatError(
            f"{len(content)} bytes are more than one protobuf message can hold (2 GiB); save as HDF5 instead.",
            where=os.fspath(path),
        )
    return content
