"""What is checked: a layer with bottoms and tops of its own, made from a class, a text, or a layer of a live net."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from caffe_nb.check.report import shape_text
from caffe_nb.check.state import clone, shadow
from caffe_nb.core import registry
from caffe_nb.core.blob import Blob
from caffe_nb.core.layer import Layer, Phase
from caffe_nb.errors import CaffeError, NetError, ShapeError, did_you_mean
from caffe_nb.layers.utility import python  # importing the layers registers all types
from caffe_nb.net.graph import topology
from caffe_nb.proto import caffe_pb2
from caffe_nb.proto.text import parse_net

if TYPE_CHECKING:
    from caffe_nb.net.build import Node
    from caffe_nb.net.net import Net

LayerLike = type[Layer] | str | caffe_pb2.LayerParameter
BottomLike = Blob | ArrayLike | tuple[int, ...]

ITEMS = 4
"""How many items of a batch a built-in layer of a live net is checked on."""
_CLASS_NAME = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")
_TYPE_NAME = re.compile(r"[A-Za-z_]\w*")


@dataclass
class Subject:
    """A layer ready to run on blobs that belong to the check alone.

    Attributes
    ----------
    layer : Layer
        Set up.
    bottoms, tops : list of Blob
        Its own; a top that is computed in place is the bottom itself.
    propagate_down : list of bool
        Which bottoms are checked.
    title : str
        Its place or its class, for the report.
    given : bool
        Whether propagate_down was given, and so holds for labels too.
    skipped : dict of int to str
        Why a bottom is not checked.
    skipped_params : dict of int to str
        Why a parameter is not.
    names : list of str
        Names of the bottoms, then of the parameters; empty where there are none.
    notes : list of str
        For the report.
    unused : set of int
        Tops that no gradient comes from: they are no part of the objective.
    """

    layer: Layer
    bottoms: list[Blob]
    tops: list[Blob]
    propagate_down: list[bool]
    title: str
    given: bool = False
    skipped: dict[int, str] = field(default_factory=dict)
    skipped_params: dict[int, str] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    unused: set[int] = field(default_factory=set)

    @property
    def built_in(self) -> bool:
        """Whether the layer is one of the registered types."""
        return registry.layer_class(self.layer.type_name) is type(self.layer)

    @property
    def scalar_tops(self) -> bool:
        """Whether all tops are single numbers, as a loss's."""
        return bool(self.tops) and all(top.count == 1 for top in self.tops)


@dataclass
class Request:
    """What `check_layer` was asked for; makes the subject in either type.

    Attributes
    ----------
    layer : type, str or LayerParameter
        As `check_layer` takes it.
    bottoms : sequence
        Arrays, blobs or shapes.
    tops : int
        How many.
    param_str : str
        For Python layers.
    phase : Phase
        TRAIN or TEST.
    propagate_down : sequence of bool or None
        Which bottoms to check; None for all that take a gradient.
    params : sequence of arrays or None
        Values of the parameters, in place of what the layer fills them with.
    seed : int
        For bottoms given as shapes.
    """

    layer: LayerLike
    bottoms: Sequence[BottomLike]
    tops: int
    param_str: str
    phase: Phase
    propagate_down: Sequence[bool] | None
    params: Sequence[ArrayLike] | None
    seed: int

    def make(self, dtype: np.dtype[Any]) -> Subject:
        """Make the layer, set it up on its bottoms, and give its parameters values."""
        __tracebackhide__ = True
        layer = instantiate(self.layer, self.param_str, self.phase, dtype)
        random = np.random.default_rng(self.seed & 0xFFFFFFFF)
        bottoms: list[Blob] = []
        for index, given in enumerate(self.bottoms):
            bottoms.append(_bottom(given, layer, index, bottoms, random, dtype))
        tops = [Blob(dtype=dtype) for _ in range(self.tops)]
        subject = Subject(layer, bottoms, tops, [True] * len(bottoms), _title(layer, bottoms))
        self._check_counts(layer)
        layer.setup(bottoms, tops)
        layer.reshape(bottoms, tops)
        frozen = {i for i, spec in enumerate(layer.layer_param.param) if spec.HasField("lr_mult") and spec.lr_mult == 0}
        layer.param_propagate_down = [index not in frozen for index in range(len(layer.blobs))]
        subject.skipped_params = {i: "lr_mult is 0" for i in frozen if i < len(layer.blobs)}
        self._fill_params(subject, random)
        self._choose(subject)
        if subject.built_in and layer.default_loss_weight:
            subject.unused = set(range(1, len(tops)))  # what a loss gives beside itself has no gradient
        subject.names = [""] * (len(bottoms) + len(layer.blobs))
        return subject

    def _check_counts(self, layer: Layer) -> None:
        for what, count, (least, most) in (
            ("bottom", len(self.bottoms), layer.bottoms_needed),
            ("top", self.tops, layer.tops_allowed),
        ):
            if count < least or (most is not None and count > most):
                bounds = f"{least}" if most == least else f"at least {least}" if most is None else f"{least} to {most}"
                several = "" if bounds == "1" else "s"
                raise NetError(
                    f"{layer.type} takes {bounds} {what}{several}, got {count}; mend check_layer's argument '{what}s'",
                    where=f"layer {type(layer).__name__}",
                )

    def _fill_params(self, subject: Subject, random: np.random.Generator) -> None:
        blobs = subject.layer.blobs
        if self.params is not None and len(self.params) != len(blobs):
            raise ShapeError(f"the layer has {len(blobs)} parameters, got values for {len(self.params)}")
        for index, blob in enumerate(blobs):
            if self.params is not None:
                blob.data = np.asarray(self.params[index])
            elif index not in subject.skipped_params and blob.count and not blob.const_data.any():
                blob.data = random.uniform(-0.5, 0.5, blob.shape)
                subject.notes.append(f"param[{index}] was all zeros after setup; it is checked at random values")

    def _choose(self, subject: Subject) -> None:
        if self.propagate_down is None:
            for index in range(len(subject.bottoms)):
                if index in subject.layer.label_bottoms or not subject.layer.allow_force_backward(index):
                    subject.propagate_down[index] = False
                    subject.skipped[index] = "labels have no gradient"
            return
        if len(self.propagate_down) != len(subject.bottoms):
            raise NetError(
                f"propagate_down needs one entry for each of the {len(subject.bottoms)} bottoms, "
                f"got {len(self.propagate_down)}"
            )
        subject.given = True
        subject.propagate_down = [bool(wanted) for wanted in self.propagate_down]
        for index, wanted in enumerate(subject.propagate_down):
            if not wanted:
                subject.skipped[index] = "propagate_down is false"


def instantiate(layer: LayerLike, param_str: str, phase: Phase, dtype: np.dtype[Any]) -> Layer:
    """Return a layer that is attached but not set up.

    Parameters
    ----------
    layer : type, str or LayerParameter
        A class, ``"module:Class"``, a built-in type's name, a layer's prototxt, or its parsed text.
    param_str : str
        For Python layers.
    phase : Phase
        TRAIN or TEST.
    dtype : numpy.dtype
        float32 or float64.

    Raises
    ------
    NetError
        For what is none of these.
    """
    context = registry.Context(phase, dtype, Path.cwd())
    if isinstance(layer, type) and issubclass(layer, Layer):
        if registry.layer_class(layer.type_name) is layer:
            return registry.create(caffe_pb2.LayerParameter(name=layer.type_name, type=layer.type_name), context)
        return _python_layer(layer, param_str, phase, dtype)
    if isinstance(layer, str):
        layer = _parse(layer, param_str)
    if not isinstance(layer, caffe_pb2.LayerParameter):
        raise NetError(
            "check_layer takes a subclass of caffe.Layer, 'module:Class', a layer type's name, a layer's prototxt or a "
            f"LayerParameter, got {layer!r}"
        )
    return registry.create(layer, context)


def _python_layer(cls: type[Layer], param_str: str, phase: Phase, dtype: np.dtype[Any]) -> Layer:
    param = caffe_pb2.LayerParameter(name=cls.__name__, type="Python")
    param.python_param.module, param.python_param.layer = cls.__module__, cls.__qualname__
    param.python_param.param_str = param_str
    layer = cls.__new__(cls)
    python.prepare(layer, param, phase, dtype)
    layer.__init__(param)  # type: ignore[misc]
    return layer


def _parse(text: str, param_str: str) -> caffe_pb2.LayerParameter:
    """Read ``module:Class``, a type's name or a prototxt."""
    text = text.strip()
    param = caffe_pb2.LayerParameter()
    if _CLASS_NAME.fullmatch(text):
        param.type = "Python"
        param.python_param.module, _, param.python_param.layer = text.partition(":")
        param.python_param.param_str = param_str
        param.name = param.python_param.layer
        return param
    if _TYPE_NAME.fullmatch(text):
        if text not in registry.layer_types():
            raise NetError(
                f"no layer type is called '{text}'.{did_you_mean(text, registry.layer_types())} "
                "A Python layer is named 'module:Class'"
            )
        param.name = param.type = text
        return param
    layers = parse_net(text if re.match(r"layers?\s*:?\s*\{", text) else f"layer {{ {text}\n}}", "<layer>").param.layer
    if len(layers) != 1:
        raise NetError(f"check_layer takes the text of one layer, got {len(layers)}")
    param.CopyFrom(layers[0])
    if param_str:
        param.python_param.param_str = param_str
    return param


def _title(layer: Layer, bottoms: Sequence[Blob]) -> str:
    shapes = ", ".join(shape_text(bottom.shape) for bottom in bottoms)
    name = layer.type if layer.type_name else type(layer).__name__
    return f"{name} on {shapes}" if shapes else name


def _bottom(
    given: BottomLike,
    layer: Layer,
    index: int,
    earlier: Sequence[Blob],
    random: np.random.Generator,
    dtype: np.dtype[Any],
) -> Blob:
    blob = Blob(dtype=dtype)
    if isinstance(given, Blob):
        blob.reshape(*given.shape)
        blob.data = given.const_data
    elif isinstance(given, int | np.integer) or (
        isinstance(given, tuple | list) and all(isinstance(length, int | np.integer) for length in given)
    ):
        blob.reshape(*((int(given),) if isinstance(given, int | np.integer) else given))
        blob.data = _values(layer, index, blob, earlier, random)
    else:
        array = np.asarray(given)
        if array.dtype.kind not in "fiub":
            raise ShapeError(f"bottom[{index}]: expected an array of numbers or a shape, got {given!r}")
        blob.reshape(*array.shape)
        blob.data = array
    return blob


def _values(layer: Layer, index: int, blob: Blob, earlier: Sequence[Blob], random: np.random.Generator) -> NDArray[Any]:
    """Return random values for a bottom given as a shape: whole numbers for labels, else of a normal distribution."""
    if index in layer.label_bottoms:
        classes = earlier[0].shape[1] if earlier and earlier[0].ndim > 1 else 2
        return random.integers(0, max(1, classes), blob.shape)
    return random.standard_normal(blob.shape)


def of_node(net: Net, node: Node, dtype: np.dtype[Any], propagate_down: Sequence[bool] | None) -> Subject:
    """Return a live net's layer as a subject that shares nothing with the net.

    A built-in layer is made anew with the net's parameters, on the first items of a large batch; a user's layer is
    copied, with all its attributes, on the whole batch.
    """
    flags = [bool(flag) for flag in (node.propagate_down if propagate_down is None else propagate_down)]
    if len(flags) != len(node.bottoms):
        raise NetError(f"propagate_down needs {len(node.bottoms)} entries, got {len(flags)}", where=node.where)
    subject = Subject(node.layer, [], [], flags, node.where, given=propagate_down is not None)
    if subject.built_in:
        _remake(subject, net, node, dtype)
    else:
        shadows = _shadows(subject, node, dtype)
        pairs = [(old, shadows[id(old)]) for old in [*node.bottoms, *node.tops]]
        subject.layer, shared = clone(node.layer, pairs, dtype)
        subject.notes += [f"attribute {name!r} cannot be copied: the check uses the net's own" for name in shared]
    wanted = [*node.layer.param_propagate_down, *[True] * len(node.layer.blobs)][: len(node.layer.blobs)]
    subject.layer.param_propagate_down = wanted
    why = "the net needs no gradient here" if propagate_down is None else "propagate_down is false"
    subject.skipped = {i: why for i, flag in enumerate(flags) if not flag}
    subject.skipped_params = {i: "lr_mult is 0" for i, flag in enumerate(wanted) if not flag}
    if any(bottom is top for bottom in subject.bottoms for top in subject.tops):
        subject.notes.append("the layer works in place: it is checked at the values that the blob holds after it")
    subject.unused = _without_gradient(net, node)
    display = topology(net).display_names
    subject.names = [*(display.get(name, name) for name in node.bottom_names), *[""] * len(node.layer.blobs)]
    return subject


def _without_gradient(net: Net, node: Node) -> set[int]:
    """Return the tops that nothing in the net brings a gradient to; none where that would be all of them."""
    wanted = {
        name
        for other in net.nodes
        for name, needs in zip(other.bottom_names, other.propagate_down, strict=True)
        if needs
    }
    idle = {
        index
        for index, name in enumerate(node.top_names)
        if name not in wanted and not any(node.loss_weights[index : index + 1])
    }
    return idle if len(idle) < len(node.top_names) else set()


def _shadows(subject: Subject, node: Node, dtype: np.dtype[Any], items: int | None = None) -> dict[int, Blob]:
    """Give the subject copies of the node's blobs; what is one blob in the net is one here."""
    shadows = {id(blob): shadow(blob, dtype, items) for blob in [*node.bottoms, *node.tops]}
    subject.bottoms, subject.tops = [shadows[id(b)] for b in node.bottoms], [shadows[id(t)] for t in node.tops]
    return shadows


def _remake(subject: Subject, net: Net, node: Node, dtype: np.dtype[Any]) -> None:
    """Make the node's built-in layer again, on a few items of the batch where it can be had."""
    lengths = {blob.shape[0] if blob.ndim else 0 for blob in node.bottoms} | {t.shape[0] for t in node.tops if t.ndim}
    if len(lengths) == 1 and max(lengths) > ITEMS:
        try:
            _shadows(subject, node, dtype, ITEMS)
            subject.layer = _again(net, node, subject.bottoms, subject.tops, dtype)
        except (CaffeError, ValueError):
            pass  # the layer's text asks for the whole batch
        else:
            subject.notes.append(f"checked on the first {ITEMS} of the {max(lengths)} items of the batch")
            return
    _shadows(subject, node, dtype)
    subject.layer = _again(net, node, subject.bottoms, subject.tops, dtype)


def _again(net: Net, node: Node, bottoms: list[Blob], tops: list[Blob], dtype: np.dtype[Any]) -> Layer:
    layer = registry.create(node.param, registry.Context(Phase(net.phase), dtype, net.folder))
    layer.setup(bottoms, tops)
    layer.reshape(bottoms, tops)
    for mine, theirs in zip(layer.blobs, node.layer.blobs, strict=True):
        mine.reshape(*theirs.shape)
        mine.data[...] = theirs.const_data
    return layer
