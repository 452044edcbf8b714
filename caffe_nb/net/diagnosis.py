"""What keeps a net from being built, layer by layer, and how to mend it."""

from __future__ import annotations

import os
import re
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from caffe_nb.core import registry
from caffe_nb.core.layer import Phase
from caffe_nb.errors import CaffeError, did_you_mean, listing
from caffe_nb.layers.modules import is_users_file
from caffe_nb.net.build import Built, MissingBottomError, Node, build
from caffe_nb.net.filter import included_layers
from caffe_nb.net.running import placed
from caffe_nb.net.unknown import NO_TYPE
from caffe_nb.net.weights import fits
from caffe_nb.proto import caffe_pb2, hdf5, scan
from caffe_nb.proto.files import read_bytes
from caffe_nb.proto.stored import StoredLayer
from caffe_nb.proto.text import NetSource, read_net

_OLD = (
    (r"^\s*layers\s*:?\s*\{", "the text is in a format from before 2015; `caffe upgrade-net IN OUT` rewrites it"),
    (r"^\s*input(_dim|_shape)?\s*[:{]", "`input` fields are deprecated: an Input layer has taken their place"),
)


@dataclass
class LayerDiagnosis:
    """What became of one layer.

    Attributes
    ----------
    name, type : str
        Its name and type.
    line : int
        Of the text; 0 where it has none.
    state : str
        "builds", "fails" or "not tried".
    shapes : list of tuple of int
        Of its tops, where it builds.
    problems : list of str
        What is wrong, and what to do.
    notes : list of str
        What works but is worth knowing.
    weights : str
        What the weights have for it; empty where none were given, or none are needed.
    """

    name: str
    type: str
    line: int = 0
    state: str = "builds"
    shapes: list[tuple[int, ...]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    weights: str = ""


@dataclass
class Diagnosis:
    """What became of a net.

    Attributes
    ----------
    name : str
        The text's file.
    layers : list of LayerDiagnosis
        Its layers, in order, without those of the other phase.
    problems, notes : list of str
        Of the net as a whole.
    """

    name: str
    layers: list[LayerDiagnosis] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether the net can run, with these weights."""
        well = all(layer.state == "builds" and not layer.problems for layer in self.layers)
        return bool(self.layers) and not self.problems and well

    def __str__(self) -> str:
        wide = max([len(layer.name) for layer in self.layers] + [5])
        kind = max([len(layer.type) for layer in self.layers] + [4])
        lines = [self.name]
        for layer in self.layers:
            shapes = ", ".join(" x ".join(map(str, shape)) or "scalar" for shape in layer.shapes)
            mark = {"builds": "ok", "fails": "FAILS", "not tried": "-"}[layer.state]
            said = layer.weights and f"   {layer.weights}"
            lines.append(f"  {mark:<6}{layer.name:<{wide}}  {layer.type:<{kind}}  {shapes}{said}".rstrip())
            at = f"line {layer.line}: " if layer.line else ""
            problems = [text if text.startswith("line ") else at + text for text in layer.problems]
            lines += [f"        {text}".replace("\n", "\n        ") for text in problems]
            lines += [f"        note: {text}" for text in layer.notes]
        lines += [f"  problem: {text}".replace("\n", "\n    ") for text in self.problems]
        lines += [f"  note: {text}" for text in self.notes]
        failing = sum(layer.state == "fails" for layer in self.layers)
        waiting = sum(layer.state == "not tried" for layer in self.layers)
        built = len(self.layers) - failing - waiting
        verdict = "the net can run" if self.ok else "the net cannot run yet"
        if not self.layers:
            return "\n".join([*lines, "there is no net to look at"])
        lines.append(f"{built} of {len(self.layers)} layers build, {failing} fail, {waiting} wait for those: {verdict}")
        return "\n".join(lines)


def diagnose(
    source: str | os.PathLike[str] | NetSource,
    weights: str | os.PathLike[str] | None = None,
    phase: int = Phase.TEST,
    state: caffe_pb2.NetState | None = None,
) -> Diagnosis:
    """Open a net without giving up at the first mistake. Nothing is run forward, nothing is changed.

    Parameters
    ----------
    source : path or NetSource
        The net's prototxt.
    weights : path, optional
        A .caffemodel to compare it with.
    phase : int, default TEST
        caffe.TRAIN or caffe.TEST.
    state : NetState, optional
        Level and stages, as a solver gives them; they are added to those of the text.

    Returns
    -------
    Diagnosis
        What each layer lacks; its `str` is a report.
    """
    path = source.path if isinstance(source, NetSource) else source
    result = Diagnosis("<string>" if path is None else os.fspath(path))
    try:
        text = "" if path is None else read_bytes(path).decode("utf-8", "replace")
        source = source if isinstance(source, NetSource) else read_net(source, keep_unknown=True)
    except (CaffeError, OSError) as error:
        result.problems.append(str(error))
        return result
    result.notes += [words for pattern, words in _OLD if re.search(pattern, text, re.MULTILINE)]
    wanted = caffe_pb2.NetState(phase=caffe_pb2.TRAIN if Phase(phase) == Phase.TRAIN else caffe_pb2.TEST)
    nodes = _build(source, wanted, state, result)
    if weights is not None:
        _compare(result, nodes, Path(weights))
    return result


def _build(
    source: NetSource, wanted: caffe_pb2.NetState, state: caffe_pb2.NetState | None, result: Diagnosis
) -> dict[int, Node]:
    """Build what can be built; return the nodes by their place in the text."""
    param = caffe_pb2.NetParameter()
    param.CopyFrom(source.param)
    param.state.MergeFrom(wanted)
    if state is not None:
        param.state.MergeFrom(state)
    phase = Phase(param.state.phase)
    folder = source.path.absolute().parent if source.path else None
    lines = source.lines
    errors: dict[int, BaseException] = {}
    built: Built | None = None
    try:
        kept = included_layers(param.layer, param.state, [f"line {line}" for line in lines])
        built = build(
            param,
            registry.Context(phase, np.dtype(np.float32), folder),
            lines,
            source.name,
            _run,
            source.unknown,
            errors.setdefault,
        )
    except (CaffeError, OSError) as error:
        result.problems.append(str(error))
        kept = []
    except Exception as error:
        result.problems.append(f"{type(error).__name__}: {error}")
        kept = []
    nodes = {} if built is None else _by_origin(built, kept, errors)
    for index in kept:
        unknown = [] if registry.is_users(param.layer[index].type) or not source.unknown else source.unknown[index]
        row = _row(param.layer[index], lines[index], nodes.get(index), errors, index, param.layer)
        row.problems += [f"{each}{'' if row.problems else ' Take it out.'}" for each in unknown]
        result.layers.append(row)
    result.problems += [str(each) for each in (source.unknown[-1] if source.unknown else [])]
    return nodes


def _by_origin(built: Built, kept: Sequence[int], errors: dict[int, BaseException]) -> dict[int, Node]:
    """Return the nodes by the place of their layers in the text: splits that were inserted have none."""
    mine = iter([node for node in built.nodes if not node.inserted])
    return {index: next(mine) for index in kept if index not in errors}


def _row(
    layer: caffe_pb2.LayerParameter,
    line: int,
    node: Node | None,
    errors: dict[int, BaseException],
    index: int,
    layers: Sequence[caffe_pb2.LayerParameter],
) -> LayerDiagnosis:
    row = LayerDiagnosis(layer.name, layer.type, line)
    error = errors.get(index)
    if node is not None:
        row.shapes = [top.shape for top in node.tops]
        return row
    if isinstance(error, MissingBottomError):
        row.state = "not tried"
        blob = next((name for name in layer.bottom if error.name.startswith(name)), error.name)
        makers = [other.name for at, other in enumerate(layers) if at in errors and blob in other.top and at != index]
        row.problems = [f"needs '{blob}'" + (f" of layer '{makers[0]}'" if makers else "")]
        return row
    row.state = "fails"
    row.problems = _words(layer, error)
    return row


def _words(layer: caffe_pb2.LayerParameter, error: BaseException | None) -> list[str]:
    """Say what an exception of a layer means, and what to do."""
    if not layer.type:
        return [NO_TYPE]
    if not registry.is_known(layer.type):
        near = did_you_mean(layer.type, registry.layer_types())
        return [
            f"the type '{layer.type}' is unknown.{near} A Python layer of that name is enough: "
            f"caffe_nb.register_layer('{layer.type}', YourClass)"
        ]
    if isinstance(error, CaffeError):
        return [error.message]
    notes = [note for note in getattr(error, "__notes__", ()) if not note.startswith(("while ", "in "))]
    if isinstance(error, ModuleNotFoundError):
        notes.append(f"install '{error.name}', or put the folder where it lies on PYTHONPATH")
    frames = traceback.extract_tb(error.__traceback__) if error else []
    mine = [each for each in frames if not each.filename.startswith("<") and is_users_file(Path(each.filename))]
    at = f"{mine[-1].filename}, line {mine[-1].lineno}: " if mine else ""
    return ["\n".join([f"{at}{type(error).__name__}: {str(error).partition(chr(10))[0]}".rstrip(": "), *notes])]


def _run(node: Node, method: str, call: Callable[..., None], *args: object) -> None:
    try:
        call(*args)
    except Exception as error:
        raise placed(error, node, method) from None


def _compare(result: Diagnosis, nodes: dict[int, Node], path: Path) -> None:
    """Say for each layer what the weights have for it."""
    try:
        with hdf5.open_weights(path) if hdf5.is_hdf5(path) else scan.open_weights(path) as stored:
            layers = {layer.name: layer for layer in stored if layer.arrays}
    except (CaffeError, OSError) as error:
        result.problems.append(str(error))
        return
    by_name = {node.name: node for node in nodes.values()}
    for row in result.layers:
        node = by_name.get(row.name)
        if node is not None and len(node.layer.blobs):
            _match(row, node, layers.get(row.name))
        elif node is None and row.name in layers:
            row.weights = f"{len(layers[row.name].arrays)} parameters wait in the weights"
    names = {row.name for row in result.layers}
    left = [name for name in layers if name not in names]
    if left:
        result.notes.append(f"the weights have layers that this net has not: {listing(left)}; they are left alone")


def _match(row: LayerDiagnosis, node: Node, stored: StoredLayer | None) -> None:
    mine = [blob.shape for blob in node.layer.blobs]
    if stored is None:
        row.weights = "not in the weights: keeps what its filler gives"
        return
    theirs = [stored.arrays[index].shape for index in sorted(stored.arrays)]
    if len(mine) == len(theirs) and all(map(fits, theirs, node.layer.blobs)):
        row.weights = "weights fit"
        return
    row.weights = "weights do not fit"
    row.problems.append(
        f"its parameters have the shapes {listing(map(str, mine))}, the weights {listing(map(str, theirs))};"
        " rename the layer to learn it anew"
    )
