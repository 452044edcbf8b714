"""A net's parameters in and out: .caffemodel, the same in HDF5, and sharing between nets."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from caffe_nb.core.blob import Blob
from caffe_nb.errors import NetError, ShapeError
from caffe_nb.net.build import Node
from caffe_nb.proto import binary, caffe_pb2, hdf5, scan, stream
from caffe_nb.proto.files import replace_files
from caffe_nb.proto.stored import Fill, StoredArray, StoredLayer, message_layers


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


def save(name: str, nodes: Sequence[Node], path: str | os.PathLike[str]) -> None:
    """Write a net with its parameters as a .caffemodel, beside its place and then renamed.

    Parameters
    ----------
    name : str
        The net's.
    nodes : sequence of Node
        The layers.
    path : path-like
        The file.

    Raises
    ------
    FormatError
        When the net is over 2 GiB, the bound of this format.
    """
    place = Path(path)
    replace_files([(place, lambda beside: write_binary(name, nodes, beside, False, place))])


def write_binary(name: str, nodes: Sequence[Node], path: Path, write_diff: bool, place: Path) -> None:
    """Write what `save` does, and the diffs where asked, at `path`; `place` is what errors call it."""
    layers = [
        (node.param, [(blob.const_data, blob.const_diff if write_diff else None) for blob in node.layer.blobs])
        for node in nodes
    ]
    stream.write_weights(path, name, layers, place)


def save_hdf5(
    nodes: Sequence[Node], owned: Sequence[Blob], path: str | os.PathLike[str], write_diff: bool = False
) -> None:
    """Write a net's parameters as a .caffemodel.h5, beside its place and then renamed.

    Parameters
    ----------
    nodes : sequence of Node
        The layers.
    owned : sequence of Blob
        Each parameter once, as `Net.learnable_params`; those that a layer only shares are not written.
    path : path-like
        The file.
    write_diff : bool, default False
        Whether the parameters' diffs are written too.

    Raises
    ------
    FormatError
        When names of layers do not make paths in HDF5.
    """
    replace_files([(Path(path), lambda beside: write_hdf5(nodes, owned, beside, write_diff))])


def write_hdf5(nodes: Sequence[Node], owned: Sequence[Blob], path: Path, write_diff: bool) -> None:
    """Write what `save_hdf5` does, at its place."""
    owners = {id(blob) for blob in owned}
    layers: list[hdf5.Layer] = []
    for node in nodes:
        blobs = node.layer.blobs
        arrays = [blob.const_data if id(blob) in owners else None for blob in blobs]
        layers.append((node.name, arrays, [blob.const_diff for blob in blobs] if write_diff else None))
    hdf5.write_weights(path, layers)


def copy_from(
    nodes: Sequence[Node], owned: Sequence[Blob], source: str | os.PathLike[str] | caffe_pb2.NetParameter
) -> None:
    """Copy parameters into the layers of the same names; layers that only one side has are left alone.

    Nothing is written before all counts and shapes were checked. Files are read straight into the blobs.

    Parameters
    ----------
    nodes : sequence of Node
        The layers to copy into.
    owned : sequence of Blob
        Each parameter once, as `Net.learnable_params`; a file in HDF5 has no others.
    source : path or caffe_pb2.NetParameter
        A .caffemodel, one in HDF5, or a net with its parameters. Gradients are copied where they were kept.

    Raises
    ------
    FormatError
        When the file is no .caffemodel.
    NetError, ShapeError
        When a layer of the same name has other parameters.
    """
    if isinstance(source, caffe_pb2.NetParameter):
        _copy(nodes, message_layers(source), set())
    elif hdf5.is_hdf5(source):
        load_hdf5(nodes, owned, source)
    else:
        with scan.open_weights(source) as layers:
            _copy(nodes, layers, set())


def take_given(nodes: Sequence[Node], owned: Sequence[Blob], param: caffe_pb2.NetParameter) -> None:
    """Fill the parameters of the layers whose text has their values (``blobs``), in the place of what filled them.

    Parameters
    ----------
    nodes : sequence of Node
        The layers.
    owned : sequence of Blob
        Each parameter once: as in Caffe, a layer that only shares one has its owner's values, not its own.
    param : caffe_pb2.NetParameter
        The text with one layer for each node.

    Raises
    ------
    FormatError, NetError, ShapeError
        When the values are not those of the layer's parameters.
    """
    if not any(layer.blobs for layer in param.layer):
        return
    owners = {id(blob) for blob in owned}
    for node, stored in zip(nodes, message_layers(param), strict=True):
        blobs = node.layer.blobs
        if stored.arrays and len(stored.arrays) != len(blobs):
            raise NetError(
                f"its text has {len(stored.arrays)} blobs {{ … }}, but it has {len(blobs)} parameter(s);"
                " give all of them or none",
                where=node.where,
            )
        for index, array in stored.arrays.items():
            _check_fit(array.shape, blobs[index], index, node)
            if id(blobs[index]) in owners:
                array.data(blobs[index].data.reshape(array.shape))


def load_hdf5(nodes: Sequence[Node], owned: Sequence[Blob], path: str | os.PathLike[str]) -> None:
    """Copy parameters from a .caffemodel.h5, as `copy_from`."""
    owners = {id(blob) for blob in owned}
    shared = {id(blob) for node in nodes for blob in node.layer.blobs} - owners
    with hdf5.open_weights(path) as layers:
        _copy(nodes, layers, shared)


def share(nodes: Sequence[Node], others: Sequence[Node]) -> None:
    """Let the layers use the parameter memory of the layers of the same names in another net.

    As in Caffe: where a name is there more than once, the first layer here gets what the last one there has.
    """
    by_name: dict[str, Node] = {}
    for node in nodes:
        by_name.setdefault(node.name, node)
    pairs: list[tuple[Blob, Blob]] = []
    for other in others:
        mine = by_name.get(other.name)
        if mine is None:
            continue
        blobs, theirs = mine.layer.blobs, other.layer.blobs
        if [b.shape for b in blobs] != [b.shape for b in theirs]:
            raise ShapeError(
                f"cannot share parameters: shapes {[b.shape for b in blobs]} here, {[b.shape for b in theirs]} there",
                where=mine.where,
            )
        pairs.extend(zip(blobs, theirs, strict=True))
    for blob, owner in pairs:
        blob.share_data(owner)


def _copy(nodes: Sequence[Node], layers: Sequence[StoredLayer], optional: set[int]) -> None:
    """Check all layers, then copy; the blobs with an id in `optional` may be missing."""
    by_name: dict[str, Node] = {}
    for node in nodes:
        by_name.setdefault(node.name, node)
    todo: list[tuple[Blob, StoredArray]] = []
    for stored in layers:
        if stored.name not in by_name:
            continue
        target = by_name[stored.name]
        blobs = target.layer.blobs
        wanted = {i for i, blob in enumerate(blobs) if i in stored.arrays or id(blob) not in optional}
        if wanted != set(stored.arrays):
            raise NetError(
                f"the weights have {len(stored.arrays)} parameter(s) for this layer, the net has {len(wanted)};"
                " rename the layer to leave it untouched",
                where=target.where,
            )
        for index in sorted(wanted):
            _check_fit(stored.arrays[index].shape, blobs[index], index, target)
            todo.append((blobs[index], stored.arrays[index]))
    for blob, array in [(blob, _read_aside(array, blob)) for blob, array in todo]:
        array.data(blob.data.reshape(array.shape))
        if array.diff is not None:
            array.diff(blob.diff.reshape(array.shape))


def _read_aside(array: StoredArray, blob: Blob) -> StoredArray:
    """Return an array that is certain to be read whole."""
    if array.certain:
        return array

    def held(read: Fill) -> Fill:
        values = np.empty(array.shape, blob.dtype)
        read(values)
        return lambda out: np.copyto(out, values)

    return StoredArray(array.shape, held(array.data), held(array.diff) if array.diff else None)


def _check_fit(shape: tuple[int, ...], blob: Blob, index: int, node: Node) -> None:
    if fits(shape, blob):
        return
    raise ShapeError(
        f"parameter {index} has shape {blob.shape}, the weights have {shape};"
        " rename the layer to learn it from scratch",
        where=node.where,
    )


def fits(shape: tuple[int, ...], blob: Blob) -> bool:
    """Whether an array of this shape is what a blob takes; files from before N-d blobs keep four axes."""
    four = len(shape) == 4 and _without_leading_ones(shape) == _without_leading_ones(blob.shape)
    return shape == blob.shape or four


def _without_leading_ones(shape: tuple[int, ...]) -> tuple[int, ...]:
    while shape and shape[0] == 1:
        shape = shape[1:]
    return shape
