"""Large .caffemodel files without a second copy: the arrays stay in the file until they are read into their blobs.

protobuf parses a file into messages, which hold every value once more. Here the wire format is walked instead: the
arrays are cut out of it and remembered by their place, and what is left, a net without values, goes to protobuf.
"""

from __future__ import annotations

import io
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError
from numpy.typing import NDArray

from caffe_nb.errors import FormatError
from caffe_nb.proto import binary, caffe_pb2
from caffe_nb.proto.files import open_bytes
from caffe_nb.proto.packed import varint_bytes
from caffe_nb.proto.stored import Fill, StoredArray, StoredLayer, message_layers
from caffe_nb.proto.upgrade import upgrade_net

Path = str | os.PathLike[str]
Array = NDArray[Any]
Span = tuple[int, int]  # where an array's bytes begin, and how many they are

_F4, _F8 = np.dtype("<f4"), np.dtype("<f8")
_ARRAYS: dict[int, np.dtype[Any]] = {5: _F4, 6: _F4, 8: _F8, 9: _F8}  # BlobProto: data, diff, double_data, double_diff
_DATA, _DIFF = (8, 5), (9, 6)
# The messages on the way to the arrays, by field number; an empty one is BlobProto.
_BLOB: dict[int, Any] = {}
_NET = {100: {7: _BLOB}, 2: {6: _BLOB, 1: {50: _BLOB}}}  # layer; layers (V1), and in them layer (V0)
_MOST_FIELDS = 200_000  # noise; a net of a thousand layers has some ten thousand
_LARGEST_REST = 1 << 26
_CHUNK = 1 << 20


class _LeaveToProtobufError(Exception):
    """The file is damaged, or written in a way that Caffe does not write."""


@contextmanager
def open_weights(path: Path) -> Iterator[list[StoredLayer]]:
    """Open a .caffemodel, check all of it but the values, and give its arrays to be read.

    Parameters
    ----------
    path : path-like
        The file, in any of the formats; it stays open within the ``with`` block.

    Yields
    ------
    list of StoredLayer
        All layers, in order. The size of every array fits its shape, and the file holds all of its bytes.

    Raises
    ------
    MissingFileError
        When there is no such file.
    FormatError
        As `caffe_nb.proto.binary.read_net`, in the same words.
    """
    with open_bytes(path) as file:
        try:
            layers = _scan(file, path)
        except _LeaveToProtobufError:
            # It finds the words for what is wrong; what it can read all the same is taken as it reads it.
            try:
                layers = message_layers(binary.read_net(path))
            except FormatError as error:
                error.where = error.where or os.fspath(path)
                raise
        yield layers


def _scan(file: io.BufferedReader, path: Path) -> list[StoredLayer]:
    walker = _Walker(file, os.fstat(file.fileno()).st_size)
    rest = walker.message(0, walker.size, _NET)
    try:
        param = caffe_pb2.NetParameter.FromString(bytes(rest))
        binary.check_names(param, path)
        upgrade_net(param, {})
    except (DecodeError, UnicodeDecodeError, RuntimeError, ValueError, TypeError) as error:  # FormatError is one
        raise _LeaveToProtobufError from error
    if not param.layer:
        raise _LeaveToProtobufError
    return [
        StoredLayer(layer.name, {i: _stored(file, path, blob, walker.found) for i, blob in enumerate(layer.blobs)})
        for layer in param.layer
    ]


def _stored(
    file: io.BufferedReader, path: Path, blob: caffe_pb2.BlobProto, found: list[dict[int, Span]]
) -> StoredArray:
    spans = found[int(blob.double_diff[0])]
    shape = binary.blob_shape(blob)
    count = math.prod(shape)
    if min(shape, default=0) < 0 or any(size != count * _ARRAYS[name].itemsize for name, (_, size) in spans.items()):
        raise _LeaveToProtobufError
    data, diff = (
        next((_reader(file, path, spans[name][0], _ARRAYS[name]) for name in names if name in spans), None)
        for names in (_DATA, _DIFF)
    )
    if data is None:
        raise _LeaveToProtobufError
    return StoredArray(shape, data, diff)


def _reader(file: io.BufferedReader, path: Path, start: int, dtype: np.dtype[Any]) -> Fill:
    def fill(out: Array) -> None:
        file.seek(start)
        if out.dtype == dtype and out.flags.c_contiguous:
            _read_whole(file, path, out)
            return
        buffer = np.empty(min(out.size, _CHUNK), dtype)
        flat = out.reshape(-1)
        for at in range(0, flat.size, _CHUNK):
            part = buffer[: flat.size - at]
            _read_whole(file, path, part)
            flat[at : at + part.size] = part

    return fill


def _read_whole(file: io.BufferedReader, path: Path, out: Array) -> None:
    view = out.reshape(-1).view(np.uint8).data
    while view:
        got = file.readinto(view)
        if not got:
            raise FormatError("the file became shorter while it was read; copy it again.", where=os.fspath(path))
        view = view[got:]


class _Walker:
    """Goes once through a file; `found` has the places of every BlobProto's arrays, by name of the field."""

    def __init__(self, file: io.BufferedReader, size: int) -> None:
        self.file = file
        self.size = size
        self.at = 0
        self.fields = 0
        self.found: list[dict[int, Span]] = []

    def message(self, start: int, end: int, inside: dict[int, Any]) -> bytearray:
        """Return the message between two places without its arrays.

        In the place of its arrays each BlobProto has their number in `found`, as its `double_diff`: so they are found
        again after an upgrade of the net.
        """
        rest = bytearray()
        spans: dict[int, Span] = {}
        self.at = start
        while self.at < end:
            self.fields += 1
            key = self.varint()
            number, kind = key >> 3, key & 7
            if inside is _BLOB and number in _ARRAYS:
                if kind != 2 or number in spans:
                    raise _LeaveToProtobufError
                spans[number] = self.payload(end)
                self.skip(spans[number][1])
                continue
            rest += varint_bytes(key)
            if kind == 2:
                first, size = self.payload(end)
                body = self.message(first, first + size, inside[number]) if number in inside else self.read(size)
                rest += varint_bytes(len(body)) + body
            elif kind == 0:
                rest += varint_bytes(self.varint())
            elif kind in (1, 5):
                rest += self.read(8 if kind == 1 else 4)
            else:
                raise _LeaveToProtobufError
            if len(rest) > _LARGEST_REST or self.fields > _MOST_FIELDS:
                raise _LeaveToProtobufError
        if self.at != end:
            raise _LeaveToProtobufError
        if inside is _BLOB:
            rest += caffe_pb2.BlobProto(double_diff=[len(self.found)]).SerializeToString()
            self.found.append(spans)
        return rest

    def payload(self, end: int) -> Span:
        """Read a length; return where what it counts begins, and the length."""
        size = self.varint()
        if self.at + size > end:
            raise _LeaveToProtobufError
        return self.at, size

    def varint(self) -> int:
        value = 0
        for shift in range(0, 70, 7):
            byte = self.read(1)[0]
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
        raise _LeaveToProtobufError

    def read(self, size: int) -> bytes:
        if size > _LARGEST_REST:
            raise _LeaveToProtobufError
        content = self.file.read(size)
        if len(content) != size:
            raise _LeaveToProtobufError
        self.at += size
        return content

    def skip(self, size: int) -> None:
        self.at += size
        self.file.seek(self.at)
