"""The live layers of the edited classes: finding them, running their setup and reshape again, and undoing both."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from typing import Any, SupportsIndex

import numpy as np

from caffe_nb.core.blob import Blob, BlobVec
from caffe_nb.core.layer import Layer
from caffe_nb.layers.utility import python
from caffe_nb.live.swap import Refused, Undo
from caffe_nb.net import Net, Node, live_nets


def python_nodes(net: Net) -> list[Node]:
    """Return the Python layers of a net."""
    return [node for node in net.nodes if python.code_of(type(node.layer)) is not None]


def uses(net: Net, classes: Iterable[type]) -> bool:
    """Whether a net has a layer of one of these classes, or of a class derived from one."""
    wanted = tuple(classes)
    return any(isinstance(node.layer, wanted) for node in python_nodes(net))


class _KeepingBlobs(BlobVec):
    """A layer's parameters while its setup runs again: blobs of the same index and shape are the old ones."""

    kept: list[Blob]

    def add_blob(self, *shape: SupportsIndex | Iterable[SupportsIndex]) -> Blob:
        probe = Blob(dtype=self.dtype)
        probe.reshape(*shape)
        index = len(self)
        if index < len(self.kept) and self.kept[index].shape == probe.shape:
            blob = self.kept[index]
            blob.data.fill(0)  # as a new one; its values come back after setup
            blob.diff.fill(0)
        else:
            blob = probe
        self.append(blob)
        return blob


def rerun_setup(node: Node, undo: Undo) -> None:
    """Run a live layer's new `__init__` and `setup`; only parameters keep their values.

    Everything else of the object is fresh. Parameters of the same index and shape keep data, diff and memory.

    Raises
    ------
    Refused
        When the new setup makes parameters of other shapes than the running net has.
    Exception
        What the new code raises.
    """
    layer, state = node.layer, dict(node.layer.__dict__)
    blobs = layer.blobs
    kept, saved = list(blobs), [(b.const_data.copy(), b.const_diff.copy()) for b in blobs]
    undo.add(_snapshot(node.tops))

    def put_values_back() -> None:
        for blob, (data, diff) in zip(kept, saved, strict=True):
            _write(blob, data, diff)

    def put_back() -> None:
        blobs.__class__ = BlobVec
        blobs[:] = kept
        put_values_back()
        layer.__dict__.clear()
        layer.__dict__.update(state)

    undo.add(put_back)
    layer.__dict__.clear()
    python.prepare(layer, node.param, state["phase"], state["dtype"])
    layer.param_propagate_down = state["param_propagate_down"]
    layer.extra_params = state.get("extra_params", {})
    blobs.clear()
    blobs.__class__ = _KeepingBlobs
    blobs.kept = kept  # type: ignore[attr-defined]
    layer.blobs = blobs
    try:
        layer.__init__(node.param)  # type: ignore[misc]
        layer.setup(node.bottoms, node.tops)
    finally:
        blobs.__class__ = BlobVec
        blobs.__dict__.pop("kept", None)
    made = list(layer.blobs)
    if [b.shape for b in made] != [b.shape for b in kept]:
        raise Refused(
            f"the new setup makes parameters of shapes {[b.shape for b in made]}, the running net has"
            f" {[b.shape for b in kept]}; delete the net and build it again to take this up"
        )
    blobs[:] = kept
    layer.blobs = blobs
    put_values_back()


def _write(blob: Blob, data: np.ndarray[Any, Any], diff: np.ndarray[Any, Any]) -> None:
    blob.reshape(*data.shape)
    blob.data = data
    blob.diff = diff


def _snapshot(tops: list[Blob]) -> Callable[[], None]:
    saved = [(top, top.const_data.copy(), top.const_diff.copy()) for top in tops]

    def put_back() -> None:
        for top, data, diff in saved:
            _write(top, data, diff)

    return put_back


def reshape_all(net: Net, undo: Undo) -> None:
    """Let the shapes of a net follow a new setup or reshape.

    Raises
    ------
    Exception
        What a layer's reshape raises; the message has its place.
    """
    undo.add_last(lambda: _reshape_quietly(net))
    changed = False
    for node in net.nodes:
        try:
            changed = node.reshape() or changed
        except Exception as error:
            error.add_note(f"in reshape of {node.where}")
            raise
    if changed:
        net.revision += 1


def _reshape_quietly(net: Net) -> None:
    for node in net.nodes:
        with contextlib.suppress(Exception):  # the old code, on shapes that it had before
            node.reshape()


def live_classes() -> list[type[Layer]]:
    """Return the classes of all live Python layers."""
    return list(dict.fromkeys(type(node.layer) for net in live_nets() for node in python_nodes(net)))


def move_to(kept: Callable[[Any], Any]) -> None:
    """Give layers of a class that was adopted into another one that other class."""
    for net in live_nets():
        for node in python_nodes(net):
            cls = kept(type(node.layer))
            if cls is not type(node.layer):
                node.layer.__class__ = cls


def places(classes: Iterable[type[Layer]]) -> list[tuple[str, int]]:
    """Return net id and layer index of every live layer of these very classes."""
    wanted = set(classes)
    return [(net.id, node.index) for net in live_nets() for node in python_nodes(net) if type(node.layer) in wanted]


def blobs_kept(cls: type[Layer]) -> int:
    """Return how many parameters the live layers of a class have (the most that one has)."""
    return max(
        (len(n.layer.blobs) for net in live_nets() for n in python_nodes(net) if type(n.layer) is cls), default=0
    )
