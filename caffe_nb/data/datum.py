"""Datums: records of a database, each an image and its class."""

from __future__ import annotations

from typing import Any

import numpy as np
from google.protobuf.message import DecodeError
from numpy.typing import NDArray

from caffe_nb.data.images import decode
from caffe_nb.errors import FormatError
from caffe_nb.proto import caffe_pb2

Array = NDArray[Any]


def parse_datum(content: bytes, where: str) -> caffe_pb2.Datum:
    """Return a record as a message.

    Parameters
    ----------
    content : bytes
        As it stands in the database.
    where : str
        Which record of which file it is, for the message.

    Raises
    ------
    FormatError
        When it is no datum.
    """
    try:
        return caffe_pb2.Datum.FromString(content)
    except (DecodeError, RuntimeError) as error:
        raise FormatError(
            f"{where} is no Datum: its {len(content)} bytes cannot be decoded; it is truncated or damaged, or the"
            " database holds something else"
        ) from error


def datum_to_image(datum: caffe_pb2.Datum, where: str, color: bool | None = None) -> Array:
    """Return the image of a datum.

    Parameters
    ----------
    datum : Datum
        With raw bytes, floats, or an encoded image file.
    where : str
        What it is, for the message.
    color : bool or None, default None
        Channels of an encoded image: True for three, False for one, None for as many as it has. Nothing else is
        converted.

    Returns
    -------
    (channels, height, width) ndarray of uint8 or float32
        Read-only.

    Raises
    ------
    FormatError
        When its values do not fill its shape, or the encoded image is broken.
    """
    if datum.encoded:
        return decode(datum.data, color, f"the image of {where}").transpose(2, 0, 1)
    shape = (datum.channels, datum.height, datum.width)
    values = np.frombuffer(datum.data, np.uint8) if datum.data else _floats(datum)
    count = shape[0] * shape[1] * shape[2]
    if min(shape) < 1 or values.size != count:
        raise FormatError(
            f"{where} has channels, height and width {shape}, which need {max(count, 0)} values, and holds"
            f" {values.size}{'; is it an encoded image whose `encoded` is not set?' if _looks_encoded(datum) else ''}"
        )
    return values.reshape(shape)


def _floats(datum: caffe_pb2.Datum) -> Array:
    """Return `float_data` at the speed of a copy: in the wire format each value follows a byte with its field."""
    alone = caffe_pb2.Datum()
    alone.float_data.MergeFrom(datum.float_data)
    wire = np.frombuffer(alone.SerializeToString(), np.uint8).reshape(-1, 5)
    values = np.ascontiguousarray(wire[:, 1:]).view("<f4").reshape(-1)
    return values.astype(np.float32, copy=False)


def _looks_encoded(datum: caffe_pb2.Datum) -> bool:
    return datum.data.startswith((b"\xff\xd8\xff", b"\x89PNG"))
