"""Repeated numbers of a message as arrays, at the speed of a copy.

A repeated field offers its values one Python object at a time (up to protobuf 6), at a second
or more for every ten million. In the wire format they lie side by side, so they are taken from there, and put there.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from google.protobuf.message import Message
from numpy.typing import NDArray


def packed(message: Message, name: str, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return the values of a repeated field.

    Parameters
    ----------
    message : Message
        Any message.
    name : str
        A packed repeated field of floats or doubles.
    dtype : dtype
        Little-endian, as wide as the field's values.

    Returns
    -------
    ndarray
        One axis, read-only.
    """
    if not len(getattr(message, name)):
        return np.empty(0, dtype)
    wanted = message.DESCRIPTOR.fields_by_name[name].number
    for number, payload in _delimited(memoryview(message.SerializeToString())):
        if number == wanted:
            return np.frombuffer(payload, dtype)
    return np.array(getattr(message, name), dtype)


def set_packed(message: Message, name: str, values: NDArray[Any]) -> None:
    """Fill an empty repeated field.

    Parameters
    ----------
    message : Message
        Changed in place.
    name : str
        A packed repeated field of floats or doubles.
    values : ndarray
        Little-endian, as wide as the field's values; read in row-major order.
    """
    if values.size:
        key = message.DESCRIPTOR.fields_by_name[name].number << 3 | 2
        message.MergeFromString(varint_bytes(key) + varint_bytes(values.nbytes) + values.tobytes())


def varint_bytes(value: int) -> bytes:
    """Return a number as the wire format has it: seven bits a byte, the lowest first.

    Parameters
    ----------
    value : int
        Not negative.

    Returns
    -------
    bytes
        One to ten of them.
    """
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _delimited(data: memoryview) -> Iterator[tuple[int, memoryview]]:
    """Yield number and payload of each length-delimited field of a message that protobuf itself has written."""
    at = 0

    def varint() -> int:
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7

    while at < len(data):
        key = varint()
        match key & 7:
            case 0:
                varint()
            case 1:
                at += 8
            case 2:
                size = varint()
                yield key >> 3, data[at : at + size]
                at += size
            case 5:
                at += 4
            case _:
                return  # a group: no Caffe has ever had one
