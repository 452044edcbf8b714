"""Arrays that wait where they were stored, to be read straight into the memory that wants them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray

from caffe_nb.errors import FormatError
from caffe_nb.proto import caffe_pb2
from caffe_nb.proto.binary import blob_to_array
from caffe_nb.proto.upgrade import upgrade_net

Array = NDArray[Any]
Fill = Callable[[Array], None]
"""Writes the stored values over those of an array of the stored shape, converted to its type."""


@dataclass(frozen=True)
class StoredArray:
    """One parameter.

    Attributes
    ----------
    shape : tuple of int
        Its extents, as they were stored.
    data : callable
        Reads the values into an array.
    diff : callable or None
        Reads the gradient; None when it was not stored.
    certain : bool, default True
        Whether the file is known to hold all bytes, so that reading cannot fail half way.
    """

    shape: tuple[int, ...]
    data: Fill
    diff: Fill | None = None
    certain: bool = True


@dataclass(frozen=True)
class StoredLayer:
    """The parameters of one layer.

    Attributes
    ----------
    name : str
        The layer's name.
    arrays : dict of int to StoredArray
        By number. Files in HDF5 leave out the arrays that a layer only shares.
    """

    name: str
    arrays: dict[int, StoredArray] = field(default_factory=dict)


def message_layers(param: caffe_pb2.NetParameter) -> list[StoredLayer]:
    """Return the parameters that a message holds.

    Parameters
    ----------
    param : NetParameter
        A net with its parameters, in any of the formats.

    Returns
    -------
    list of StoredLayer
        All layers, in order.

    Raises
    ------
    FormatError
        When values do not fit their shape.
    """
    if param.layers:
        old, param = param, caffe_pb2.NetParameter()
        param.CopyFrom(old)
        upgrade_net(param, {})
    return [StoredLayer(layer.name, _message_arrays(layer)) for layer in param.layer]


def _message_arrays(layer: caffe_pb2.LayerParameter) -> dict[int, StoredArray]:
    arrays = {}
    for index, blob in enumerate(layer.blobs):
        try:
            data = blob_to_array(blob)
            diff = blob_to_array(blob, diff=True) if blob.diff or blob.double_diff else None
        except FormatError as error:
            raise FormatError(error.message, where=f"parameter {index} of layer '{layer.name}'") from error
        arrays[index] = StoredArray(data.shape, _copier(data), None if diff is None else _copier(diff))
    return arrays


def _copier(values: Array) -> Fill:
    def fill(out: Array) -> None:
        out[...] = values

    return fill
