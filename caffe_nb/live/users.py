"""The live layers of the edited classes: finding them, running their setup and reshape again, and undoing both."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, SupportsIndex

import numpy as np

from caffe_nb.core.blob import Blob, BlobVec
from caffe_nb.core.layer import Layer
from caffe_nb.core.memory import layout
from caffe_nb.errors import CaffeError
from caffe_nb.layers.utility import python
from caffe_nb.live import params
from caffe_nb.live.swap import Undo
from caffe_nb.net import Net, Node, live_nets, stale

log = logging.getLogger("caffe_nb.live")


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


@dataclass
class Kept:
    """What became of a layer's parameters when its setup ran again.

    Attributes
    ----------
    count : int
        How many kept their data, diff and history.
    said : list of str
        What is to be said of the others.
    """

    count: int
    said: list[str]


def rerun_setup(net: Net, node: Node, undo: Undo, *, reset: bool = False) -> Kept:
    """Run a live layer's new `__init__` and `setup`; only parameters keep their values.

    Everything else of the object is fresh. Parameters of the same index and shape keep data, diff and memory, and so
    their solver's history; others are new. Before it, the layer's `close()` is called where it has one.

    Parameters
    ----------
    net : Net
        The layer's net.
    node : Node
        The layer.
    undo : Undo
        Learns how to take it back.
    reset : bool, default False
        Whether parameters are to be new, too: they keep their memory, with what setup writes into it.

    Raises
    ------
    Refused
        When the new setup makes parameters that the running net has no place for.
    Exception
        What the new code raises.
    """
    layer, state = node.layer, dict(node.layer.__dict__)
    blobs = layer.blobs
    kept, saved = list(blobs), [(b.const_data.copy(), b.const_diff.copy()) for b in blobs]
    undo.add(_snapshot(node.tops))
    closed = _close(layer)

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
    if closed:  # by then the old code is back: it opens again what it had closed
        undo.add_last(lambda: _set_up(node, state, kept))
        undo.add_last(put_values_back)
    _set_up(node, state, kept)
    made = list(layer.blobs)
    same = [i < len(kept) and kept[i].shape == blob.shape for i, blob in enumerate(made)]
    blobs[:] = [kept[i] if same[i] else blob for i, blob in enumerate(made)]
    layer.blobs = blobs
    if not reset:
        for blob, (data, diff), stays in zip(kept, saved, same, strict=False):
            if stays:
                _write(blob, data, diff)
    if not all(same) or len(made) != len(kept):
        params.follow(net, node, undo)
    if reset:
        params.forget(net, node, undo)
    return Kept(0 if reset else sum(same), _said(kept, made, same, reset))


def _set_up(node: Node, state: dict[str, Any], kept: list[Blob]) -> None:
    layer, blobs = node.layer, state["_blobs"]
    layer.__dict__.clear()
    python.prepare(layer, node.param, state["phase"], state["dtype"])
    layer.param_propagate_down = state["param_propagate_down"]
    layer.extra_params = state.get("extra_params", {})
    blobs.clear()
    blobs.__class__ = _KeepingBlobs
    blobs.kept = kept
    layer.blobs = blobs
    try:
        layer.__init__(node.param)  # type: ignore[misc]
        layer.setup(node.bottoms, node.tops)
    finally:
        blobs.__class__ = BlobVec
        blobs.__dict__.pop("kept", None)


def _close(layer: Layer) -> bool:
    """Let a layer give back what it holds, before its setup runs again; a fault in that stops nothing."""
    close = getattr(layer, "close", None)
    if not callable(close):
        return False
    try:
        close()
    except Exception:
        log.warning("close() of %s failed; its setup runs all the same", type(layer).__qualname__, exc_info=True)
    return True


def _said(kept: list[Blob], made: list[Blob], same: list[bool], reset: bool) -> list[str]:
    said = ["parameters as new"] if reset and made else []
    for i, blob in enumerate(made):
        if not same[i]:
            before = f", was {kept[i].shape}" if i < len(kept) else ""
            said.append(f"blob {i} is new with shape {blob.shape}{before}")
    if len(kept) > len(made):
        gone = [str(i) for i in range(len(made), len(kept))]
        said.append(f"blob{'s' if len(gone) > 1 else ''} {', '.join(gone)} gone")
    return said


def attributes_back(layer: Layer) -> Callable[[], None]:
    """Return what gives a layer the attributes that it has now."""
    state = dict(layer.__dict__)

    def put_back() -> None:
        layer.__dict__.clear()
        layer.__dict__.update(state)

    return put_back


def mark(node: Node, undo: Undo, *, forward: bool) -> None:
    """Say that a layer has new code: its tops are stale, and its next run is a first one."""
    changed, untried = node.changed, set(node.untried)

    def put_back() -> None:
        layout.changes += 1
        node.changed, node.untried = changed, untried

    undo.add(put_back)
    layout.changes += 1  # what was worked out about the layer holds no more
    node.changed = node.changed or forward
    node.untried = {"reshape", "forward", "backward"}


def stale_blobs(cls: type[Layer]) -> int:
    """Return how many blobs depend on the layers of a class: the most that it are in one net."""
    most = 0
    for net in live_nets():
        mine = [node.index for node in python_nodes(net) if type(node.layer) is cls]
        names = {n for i in stale.dependents(net.nodes, mine) for n in net.nodes[i].top_names} if mine else set()
        inserted = {name for node in net.nodes if node.inserted for name in node.top_names}
        most = max(most, len(names - inserted))
    return most


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
        except CaffeError as error:
            error.where = error.where or node.where
            raise
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
