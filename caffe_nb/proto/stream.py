"""Weights written to a .caffemodel straight from the memory that holds them, byte for byte as protobuf writes them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from caffe_nb.errors import FormatError
from caffe_nb.proto import caffe_pb2
from caffe_nb.proto.binary import LARGEST, encode
from caffe_nb.proto.packed import varint_bytes

Array = NDArray[Any]
Parameter = tuple[Array, Array | None]
"""Values, and their gradient where it is kept."""
Piece = bytes | memoryview

_LAYER, _BLOBS = 100, 7  # fields: of NetParameter, of LayerParameter


def write_weights(
    path: Path, name: str, layers: Iterable[tuple[caffe_pb2.LayerParameter, Sequence[Parameter]]], place: Path
) -> None:
    """Write a .caffemodel, at its place: see `caffe_nb.proto.files.replace_files`.

    Parameters
    ----------
    path : Path
        The file.
    name : str
        The net's name.
    layers : iterable of (LayerParameter, sequence of Parameter)
        Each layer's text, whose own `blobs` are not written, and its parameters. float64 is kept as doubles.
    place : Path
        What the file will be called, for the error.

    Raises
    ------
    FormatError
        When the net is over 2 GiB, the bound of this format, or a layer's text is not complete.
    """
    pieces: list[Piece] = [encode(caffe_pb2.NetParameter(name=name), place)]
    for param, arrays in layers:
        pieces += _framed(_LAYER, list(_layer(param, arrays, place)))
    size = sum(map(len, pieces))
    if size > LARGEST:
        raise FormatError(
            f"{size} bytes are more than one protobuf message can hold (2 GiB); save as HDF5 instead.", where=str(place)
        )
    with path.open("wb") as file:
        for piece in pieces:
            file.write(piece)


def _layer(param: caffe_pb2.LayerParameter, arrays: Sequence[Parameter], place: Path) -> Iterator[Piece]:
    """Yield a layer's fields in the order of their numbers."""
    halves = caffe_pb2.LayerParameter(), caffe_pb2.LayerParameter()
    for number, half in enumerate(halves):
        half.CopyFrom(param)
        for field, _ in param.ListFields():
            if field.number == _BLOBS or (field.number > _BLOBS) != bool(number):
                half.ClearField(field.name)
    yield halves[0].SerializePartialToString()
    for values, gradient in arrays:
        yield from _framed(_BLOBS, list(_blob(values, gradient)))
    yield encode(halves[1], place)


def _blob(values: Array, gradient: Array | None) -> Iterator[Piece]:
    shape = caffe_pb2.BlobProto(shape=caffe_pb2.BlobShape(dim=values.shape)).SerializeToString()
    double = values.dtype == np.float64
    if double:
        yield shape
    for number, array in zip((8, 9) if double else (5, 6), (values, gradient), strict=True):
        if array is not None and array.size:
            flat = np.ascontiguousarray(array, "<f8" if double else "<f4").reshape(-1)
            yield from _framed(number, [flat.view(np.uint8).data])
    if not double:
        yield shape


def _framed(number: int, pieces: list[Piece]) -> list[Piece]:
    return [varint_bytes(number << 3 | 2) + varint_bytes(sum(map(len, pieces))), *pieces]
