"""From a net's text to its layers in their places: filter, splits, blobs, setup, and what needs backward."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import caffe_nb.layers  # noqa: F401  (makes the layer types known)
from caffe_nb.core import registry
from caffe_nb.core.blob import Blob
from caffe_nb.core.layer import Layer, Phase
from caffe_nb.core.memory import Memory, layout
from caffe_nb.errors import CaffeError, NetError, place
from caffe_nb.layers.utility import python
from caffe_nb.net.filter import included_layers
from caffe_nb.net.params import Params
from caffe_nb.net.splits import insert_splits
from caffe_nb.net.unknown import refuse_unknown
from caffe_nb.proto import caffe_pb2
from caffe_nb.proto.unknown import UnknownField, as_data

Wrap = Callable[..., None]
Failed = Callable[[int, BaseException], object]
AUTOMATIC = "(automatic)"
"""Name of a top that a loss layer makes up, as in Caffe."""


@dataclass(eq=False)
class Node:
    """A layer in its place in the net.

    Attributes
    ----------
    index, indices : int and tuple of int
        Position in `net.layers`; of a chain's node those of all its layers.
    name : str
        The layer's name; not necessarily unique.
    layer : Layer
        The layer; for Python layers the user's own object.
    param : caffe_pb2.LayerParameter
        Its text, with the bottoms that splits renamed.
    bottoms, tops : list of Blob
        What it reads and writes.
    bottom_names, top_names : list of str
        Their names.
    bottom_labels : list of str
        The bottoms' names as the prototxt has them, where splits gave them others.
    propagate_down : list of bool
        Which bottoms need their diff.
    needs_backward : bool
        Whether backward is called at all.
    loss_weights : list of float
        Weight of each top in the net's loss.
    line : int
        1-based line in the prototxt, 0 when unknown.
    inserted : bool
        A split that the builder inserted.
    is_python : bool
        Whether the layer is of a user's class.
    where : str
        Its place, for messages.
    ran : int
        When its forward ran last, by the clock of `caffe_nb.net.stale`; 0 for never.
    changed : bool
        Whether its forward got new code since.
    untried : set of str
        Methods ("reshape", "forward", "backward") that got new code and did not run through yet.
    layout : int
        The `caffe_nb.core.memory.layout` of the last `look`.
    plain, lone : bool
        Whether the layer had no parameters, no loss weight and no new code then; and no bottom's memory for a top.
    memories : tuple of Memory
        Of the values of its bottoms and tops then.
    """

    index: int
    name: str
    layer: Layer
    param: caffe_pb2.LayerParameter
    where: str
    line: int = 0
    inserted: bool = False
    bottoms: list[Blob] = field(default_factory=list)
    tops: list[Blob] = field(default_factory=list)
    bottom_names: list[str] = field(default_factory=list)
    top_names: list[str] = field(default_factory=list)
    bottom_labels: list[str] = field(default_factory=list)
    bottom_ids: list[int] = field(default_factory=list)
    top_ids: list[int] = field(default_factory=list)
    propagate_down: list[bool] = field(default_factory=list)
    needs_backward: bool = False
    loss_weights: list[float] = field(default_factory=list)
    ran: int = 0
    changed: bool = False
    untried: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.is_python = python.code_of(type(self.layer)) is not None
        self.indices: tuple[int, ...] = (self.index,)
        self.layout = -1
        self.plain = self.lone = False
        self.memories: tuple[Memory, ...] = ()
        self._shapes: list[tuple[int, ...]] = []

    @property
    def reshapes(self) -> bool:
        """Whether `reshape` is due before a forward: of a built-in layer only when a shape may have changed."""
        return self.layout != layout.changes or not self.bottoms or self.layer.reshapes_by_values

    def reshape(self) -> bool:
        """Run the layer's reshape; return whether a top has another shape than at the last look."""
        __tracebackhide__ = True
        self.layer.reshape(self.bottoms, self.tops)
        return self.look()

    def look(self) -> bool:
        """Take note of shapes and memory; return whether a top has another shape than at the last look."""
        self.layout = layout.changes
        self.memories = tuple({id(b.memory): b.memory for b in (*self.bottoms, *self.tops)}.values())
        self.plain = not (self.layer.blobs or any(self.loss_weights) or self.untried)
        shares = any(t.shares_data(b) or t.shares_diff(b) for t in self.tops for b in self.bottoms)
        self.lone = self.plain and not shares
        before, self._shapes = self._shapes, [top.shape for top in self.tops]
        if before != self._shapes:
            self.fill_loss_weights()
        return before != self._shapes

    def tried(self, *methods: str) -> None:
        """Take note that methods ran through."""
        self.untried.difference_update(methods)

    def fill_loss_weights(self) -> None:
        """Write the loss weights into the diffs of the weighted tops, from where the losses read them."""
        for top, weight in zip(self.tops, self.loss_weights, strict=False):
            if weight:
                top.diff[...] = weight


@dataclass
class Built:
    """What `build` returns; the net takes it over."""

    param: caffe_pb2.NetParameter
    nodes: list[Node]
    blobs: list[Blob]
    blob_names: list[str]
    params: Params
    inputs: list[str]
    outputs: list[str]


def build(
    param: caffe_pb2.NetParameter,
    context: registry.Context,
    lines: list[int],
    source: str,
    wrap: Wrap,
    unknown: Sequence[Sequence[UnknownField]] = (),
    failed: Failed | None = None,
) -> Built:
    """Build the layers of a net.

    Parameters
    ----------
    param : caffe_pb2.NetParameter
        The text, upgraded; `param.state` says level and stages, and the phase of the net.
    context : registry.Context
        Phase, type and folder.
    lines : list of int
        Line of each layer in the text; may be empty.
    source : str
        The text's file name, for messages.
    wrap : callable
        Runs a layer's method and words its exceptions: ``wrap(node, method, function, *arguments)``.
    unknown : sequence
        The fields that Caffe does not have, as `NetSource.unknown`.
    failed : callable, optional
        Called with the index of a layer in `param` and the exception when it cannot be built; the layers that need none
        of its tops are built all the same. Without it the exception goes to the caller.

    Returns
    -------
    Built

    Raises
    ------
    NetError, ShapeError
        For texts that make no net; the message names the layer and its line.
    """
    lines = lines if len(lines) == len(param.layer) else [0] * len(param.layer)
    places = [place(p.name, p.type, source, line) for p, line in zip(param.layer, lines, strict=True)]
    kept = included_layers(param.layer, param.state, places)
    if failed is None:
        refuse_unknown(param, kept, lines, source, unknown)
    layers = [param.layer[i] for i in kept]
    left_out = [layer for i, layer in enumerate(param.layer) if i not in kept]
    split = insert_splits(layers, [places[i] for i in kept], left_out)
    built = Built(caffe_pb2.NetParameter(), [], [], [], Params(), [], [])
    built.param.CopyFrom(param)
    del built.param.layer[:]
    builder = _Builder(built, context, wrap)
    for layer_param, origin, inserted in split:
        line = lines[kept[origin]]
        where = place(layer_param.name, layer_param.type, source, line)
        extra = as_data(unknown[kept[origin]]) if unknown and not inserted else {}
        labels = None if inserted else list(layers[origin].bottom)
        try:
            builder.add(layer_param, line, labels, where, extra)
        except (Exception, SystemExit) as error:  # a user's module may call sys.exit()
            if failed is None:
                raise
            builder.available.difference_update(layer_param.top)
            failed(kept[origin], error)
    _mark_backward(built)
    if param.force_backward:
        _force_backward(built)
    built.outputs = sorted(builder.available)
    built.params.share()
    return built


class MissingBottomError(NetError):
    """A bottom of a layer that was not built."""

    def __init__(self, name: str) -> None:
        super().__init__(f"bottom '{name}' is not there")
        self.name = name


class _Builder:
    def __init__(self, built: Built, context: registry.Context, wrap: Wrap) -> None:
        self.built = built
        self.context = context
        self.wrap = wrap
        self.available: set[str] = set()
        self.ids: dict[str, int] = {}
        self.producers: dict[str, str] = {}
        self.blob_needs_backward: list[bool] = []

    def add(
        self, param: caffe_pb2.LayerParameter, line: int, labels: list[str] | None, where: str, extra: dict[str, Any]
    ) -> None:
        if not param.HasField("phase"):
            param.phase = caffe_pb2.TRAIN if self.context.phase == Phase.TRAIN else caffe_pb2.TEST
        context = registry.Context(Phase(param.phase), self.context.dtype, self.context.folder, extra)
        try:
            layer = registry.create(param, context)
            node = Node(len(self.built.nodes), param.name, layer, param, where, line, labels is None)
            node.bottom_labels = list(param.bottom) if labels is None else labels
            if param.propagate_down and len(param.propagate_down) != len(param.bottom):
                raise NetError(
                    f"propagate_down is given {len(param.propagate_down)} times for {len(param.bottom)} bottoms;"
                    " give it once a bottom or not at all"
                )
            self._connect(node)
            _check_counts(node)
        except CaffeError as error:
            error.where = error.where or where
            raise
        except Exception as error:
            error.add_note(f"while making {where}")
            raise
        learns = [spec.lr_mult != 0 for spec in param.param]  # as the text has it: BatchNorm's setup adds entries
        self.wrap(node, "setup", layer.setup, node.bottoms, node.tops)
        self.wrap(node, "reshape", layer.reshape, node.bottoms, node.tops)
        self._finish(node, learns)

    def _connect(self, node: Node) -> None:
        for i, name in enumerate(node.param.bottom):
            if name not in self.available:
                raise MissingBottomError(name)
            self.available.discard(name)
            blob_id = self.ids[name]
            node.bottom_ids.append(blob_id)
            node.bottom_names.append(name)
            node.bottoms.append(self.built.blobs[blob_id])
            wanted = node.param.propagate_down[i] if node.param.propagate_down else self.blob_needs_backward[blob_id]
            node.propagate_down.append(wanted)
        for i, name in enumerate(node.param.top):
            self._add_top(node, i, name)
        if node.layer.auto_tops:
            while len(node.tops) < max(1, node.layer.tops_allowed[0]):
                self._new_blob(node, AUTOMATIC)

    def _add_top(self, node: Node, index: int, name: str) -> None:
        if index < len(node.bottom_names) and name == node.bottom_names[index]:
            if not node.layer.in_place and not node.is_python:
                raise NetError(f"{node.param.type} cannot work in place: give its top another name than '{name}'")
            blob_id = self.ids[name]
            node.top_ids.append(blob_id)
            node.top_names.append(name)
            node.tops.append(self.built.blobs[blob_id])
        elif name in self.ids:
            raise NetError(
                f"top '{name}' is produced by {self.producers[name]} already; rename one,"
                " or use the blob in place (same name as the bottom at the same position)"
            )
        else:
            self.ids[name] = self._new_blob(node, name)
            self.producers[name] = node.where
            if node.param.type == "Input":
                self.built.inputs.append(name)
        self.available.add(name)

    def _new_blob(self, node: Node, name: str) -> int:
        blob_id = len(self.built.blobs)
        blob = Blob(dtype=self.context.dtype)
        self.built.blobs.append(blob)
        self.built.blob_names.append(name)
        self.blob_needs_backward.append(False)
        node.top_ids.append(blob_id)
        node.top_names.append(name)
        node.tops.append(blob)
        return blob_id

    def _finish(self, node: Node, learns: list[bool]) -> None:
        try:
            node.loss_weights = _loss_weights(node)
            node.look()
            self._add_params(node)
        except CaffeError as error:
            error.where = error.where or node.where
            raise
        trained = any(learns[: len(node.layer.blobs)]) or len(learns) < len(node.layer.blobs)
        node.needs_backward = trained or any(self.blob_needs_backward[i] for i in node.bottom_ids)
        if node.needs_backward:
            for blob_id in node.top_ids:
                self.blob_needs_backward[blob_id] = True
        self.built.nodes.append(node)
        self.built.param.layer.append(node.param)

    def _add_params(self, node: Node) -> None:
        specs, blobs = node.param.param, node.layer.blobs
        if len(specs) > len(blobs):
            raise NetError(f"has {len(specs)} param {{ … }} entries, but only {len(blobs)} parameters; remove the rest")
        node.layer.param_propagate_down = []
        for i, blob in enumerate(blobs):
            spec = specs[i] if i < len(specs) else caffe_pb2.ParamSpec()
            node.layer.param_propagate_down.append(spec.lr_mult != 0)
            self.built.params.append(blob, spec, node.name)


def _check_counts(node: Node) -> None:
    layer = node.layer
    if node.is_python:
        return
    for what, got, (least, most) in (
        ("bottom", len(node.bottoms), layer.bottoms_needed),
        ("top", len(node.tops), layer.tops_allowed),
    ):
        if got < least or (most is not None and got > most):
            wanted = str(least) if least == most else f"at least {least}" if most is None else f"{least} to {most}"
            names = ", ".join(node.bottom_names if what == "bottom" else node.top_names) or "none"
            raise NetError(f"{node.param.type} takes {wanted} {what}(s), got {got}: {names}")
    if layer.equal_bottoms_tops and len(node.bottoms) != len(node.tops):
        raise NetError(
            f"{node.param.type} takes as many tops as bottoms,"
            f" got {len(node.bottoms)} bottoms and {len(node.tops)} tops"
        )


def _loss_weights(node: Node) -> list[float]:
    given = list(node.param.loss_weight)
    if not given:
        return [node.layer.default_loss_weight, *([0.0] * (len(node.tops) - 1))] if node.tops else []
    if len(given) != len(node.tops):
        raise NetError(
            f"loss_weight is given {len(given)} times for {len(node.tops)} tops; give it once a top or not at all"
        )
    return given


def _mark_backward(built: Built) -> None:
    """Go through the net backwards: what reaches no loss, or nothing that learns, needs no backward."""
    under_loss: set[str] = set()
    skipped: set[str] = set()
    for node in reversed(built.nodes):
        contributes = any(w != 0 for w in node.loss_weights) or any(name in under_loss for name in node.top_names)
        skip = all(name in skipped for name in node.top_names)
        if node.needs_backward and skip:
            node.needs_backward = False
            node.propagate_down = [False] * len(node.bottoms)
        if not contributes:
            node.needs_backward = False
            node.propagate_down = [False] * len(node.bottoms)
        for name, needed in zip(node.bottom_names, node.propagate_down, strict=True):
            if contributes:
                under_loss.add(name)
            if not needed:
                skipped.add(name)


def _force_backward(built: Built) -> None:
    for node in built.nodes:
        node.needs_backward = True
        node.propagate_down = [
            needed or node.layer.allow_force_backward(i) for i, needed in enumerate(node.propagate_down)
        ]
        node.layer.param_propagate_down = [True] * len(node.layer.blobs)
