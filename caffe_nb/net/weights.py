"""A net's parameters in and out: .caffemodel, and sharing between nets."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np

from caffe_nb.core.blob import Array, Blob
from caffe_nb.errors import NetError, ShapeError
from caffe_nb.net.build import Node
from caffe_nb.proto import binary, caffe_pb2


def to_proto(param: caffe_pb2.NetParameter, nodes: Sequence[Node], write_diff: bool = False) -> caffe_pb2.NetParameter:
    """Return the net's text with its parameters in it.

    Parameters
    ----------
    param : caffe_pb2.NetParameter
        The net's text; only its name is used.
    nodes : sequence of Node
        The layers.
    write_diff : bool, default False
        Whether the parameters' diffs are written too.
    """
    result = caffe_pb2.NetParameter(name=param.name)
    for node in nodes:
        layer = result.layer.add()
        layer.CopyFrom(node.param)
        del layer.blobs[:]
        for blob in node.layer.blobs:
            layer.blobs.append(binary.array_to_blob(blob.const_data, blob.const_diff if write_diff else None))
    return result


def save(param: caffe_pb2.NetParameter, path: str | os.PathLike[str]) -> None:
    """Write a net with its parameters as a .caffemodel."""
    binary.write_net(path, param)


def copy_from(nodes: Sequence[Node], source: str | os.PathLike[str] | caffe_pb2.NetParameter) -> None:
    """Copy parameters into the layers of the same names; layers that only one side has are left alone.

    Nothing is written before all counts and shapes were checked.

    Parameters
    ----------
    nodes : sequence of Node
        The layers to copy into.
    source : path or caffe_pb2.NetParameter
        A .caffemodel, or a net with its parameters.

    Raises
    ------
    FormatError
        When the file is no .caffemodel.
    NetError, ShapeError
        When a layer of the same name has other parameters.
    """
    param = source if isinstance(source, caffe_pb2.NetParameter) else binary.read_net(source)
    by_name: dict[str, Node] = {}
    for node in nodes:
        by_name.setdefault(node.name, node)
    todo: list[tuple[Blob, Array]] = []
    for layer in param.layer:
        target = by_name.get(layer.name)
        if target is None:
            continue
        blobs = target.layer.blobs
        if len(blobs) != len(layer.blobs):
            raise NetError(
                f"the weights have {len(layer.blobs)} parameter(s) for this layer, the net has {len(blobs)};"
                " rename the layer to leave it untouched",
                where=target.where,
            )
        for i, (blob, message) in enumerate(zip(blobs, layer.blobs, strict=True)):
            array = binary.blob_to_array(message)
            todo.append((blob, _fit(array, blob, i, target)))
    for blob, array in todo:
        blob.data[...] = array


def share(nodes: Sequence[Node], others: Sequence[Node]) -> None:
    """Let the layers use the parameter memory of the layers of the same names in another net."""
    by_name = {node.name: node for node in others}
    pairs: list[tuple[Blob, Blob]] = []
    for node in nodes:
        other = by_name.get(node.name)
        if other is None:
            continue
        mine, theirs = node.layer.blobs, other.layer.blobs
        if [b.shape for b in mine] != [b.shape for b in theirs]:
            raise ShapeError(
                f"cannot share parameters: shapes {[b.shape for b in mine]} here, {[b.shape for b in theirs]} there",
                where=node.where,
            )
        pairs.extend(zip(mine, theirs, strict=True))
    for blob, owner in pairs:
        blob.share_data(owner)


def _fit(array: Array, blob: Blob, index: int, node: Node) -> Array:
    if array.shape == blob.shape:
        return array
    if array.ndim == 4 and _without_leading_ones(array.shape) == _without_leading_ones(blob.shape):
        return np.reshape(array, blob.shape)  # files from before N-d blobs keep four axes
    raise ShapeError(
        f"parameter {index} has shape {blob.shape}, the weights have {array.shape};"
        " rename the layer to learn it from scratch",
        where=node.where,
    )


def _without_leading_ones(shape: tuple[int, ...]) -> tuple[int, ...]:
    while shape and shape[0] == 1:
        shape = shape[1:]
    return shape
