"""Why a blob's diff is zero: the chain of reasons, with the place to change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from caffe_nb.core.blob import Blob
from caffe_nb.net.build import Node

if TYPE_CHECKING:
    from caffe_nb.net.net import Net

FLAT = {"ReLU": "is not above 0", "Sigmoid": "is far from 0", "TanH": "is far from 0", "BNLL": "is far below 0"}
"""Activations that let no gradient through, and where."""
NO_GRADIENT = frozenset({"Silence", "Accuracy", "ArgMax", "Threshold", "DetectionOutput", "HDF5Output"})
"""Types that ask for no gradient of their bottoms."""


@dataclass(frozen=True)
class Explanation:
    """Why a diff is zero.

    Attributes
    ----------
    name : str
        The blob, the parameter's layer, or the layer asked about.
    zero : bool
        Whether it is.
    reasons : list of str
        From the blob to the cause; each with the layer and its line.
    """

    name: str
    zero: bool
    reasons: list[str]

    def __str__(self) -> str:
        if not self.zero:
            return "\n".join([f"the diff of '{self.name}' is not zero", *self.reasons])
        steps = [f"{number}. {reason}" for number, reason in enumerate(self.reasons, 1)]
        return "\n".join([f"the diff of '{self.name}' is zero:", *steps])

    __repr__ = __str__


def explain(net: Net, name: str) -> Explanation:
    """Return why the diff of a blob, or of a layer's parameters, is zero.

    Parameters
    ----------
    net : Net
        The net, after a backward.
    name : str
        A blob's name; where there is none of it, a layer's with parameters.

    Raises
    ------
    NetError
        When there is neither.
    """
    if name in net.blobs or name not in net.params:
        blob = net.blobs[name]
        if _some(blob):
            return Explanation(name, False, [f"{_share(blob)} of its elements are not 0"])
        return Explanation(name, True, list(_of_blob(net, name, set())))
    node = net.nodes[net._layer_index(name)]
    if any(map(_some, node.layer.blobs)):
        zero = [str(i) for i, blob in enumerate(node.layer.blobs) if not _some(blob)]
        more = [f"only that of parameter {', '.join(zero)} is 0"] if zero else []
        return Explanation(name, False, more)
    return Explanation(name, True, list(_of_params(net, node)))


def _some(blob: Blob) -> bool:
    return bool(np.any(blob.const_diff))


def _share(blob: Blob) -> str:
    return f"{100 * np.count_nonzero(blob.const_diff) / max(1, blob.count):.3g} %"


def _of_params(net: Net, node: Node) -> Iterator[str]:
    rates = [spec.lr_mult for spec in node.param.param]
    if rates and not any(rates) and len(rates) >= len(node.layer.blobs):
        yield f"{node.where}: all its parameters have lr_mult: 0, so that their gradient is not computed"
        return
    if not node.needs_backward:
        yield from _no_backward(net, node)
        return
    yield f"{node.where}: its parameters' gradient comes from {_list(node.top_names)}"
    for name, top in zip(node.top_names, node.tops, strict=True):
        if not _some(top):
            yield from _of_blob(net, name, {node.index})
            return
    yield (
        f"{node.where}: what comes from above is not 0, so its bottoms are, or its backward leaves out the parameters:"
        " check the layer's gradients"
    )


def _of_blob(net: Net, name: str, seen: set[int]) -> Iterator[str]:
    readers = [node for node in net.nodes if name in node.bottom_names and node.index not in seen]
    readers = [node for node in readers if node.index > max(seen, default=-1)]
    makers = [node for node in net.nodes if name in node.top_names]
    weighted = [
        node for node in makers for n, w in zip(node.top_names, node.loss_weights, strict=False) if n == name and w
    ]
    if weighted:
        yield f"'{name}' is a loss, but backward did not run since its weight was set"
        return
    if not readers:
        where = f"{makers[-1].where}: " if makers else ""
        yield f"{where}nothing reads its top '{name}', and it has no loss_weight: no gradient comes back to it"
        return
    for node in readers:
        place = node.bottom_names.index(name)
        if node.inserted:
            for top_name in node.top_names:
                yield from _of_blob(net, top_name, seen | {node.index})
        else:
            yield from _through(net, node, place, name, seen)


def _through(net: Net, node: Node, place: int, name: str, seen: set[int]) -> Iterator[str]:
    label = node.bottom_labels[place] if place < len(node.bottom_labels) else name
    if node.param.type in NO_GRADIENT:
        yield f"{node.where} reads '{label}', and a {node.param.type} layer gives no gradient"
        return
    given = list(node.param.propagate_down)
    if place < len(given) and not given[place]:
        yield f"{node.where}: propagate_down is false for '{label}'"
        return
    if place in node.layer.label_bottoms:
        yield f"{node.where}: '{label}' are its labels, which have no gradient"
        return
    if not node.needs_backward:
        yield from _no_backward(net, node)
        return
    if not node.propagate_down[place]:
        yield (
            f"{node.where}: the gradient of '{label}' is not asked for, since nothing below it learns; force_backward:"
            " true in the net's text asks for all"
        )
        return
    if node.loss_weights and any(node.loss_weights):
        yield f"{node.where}: the loss's own gradient is 0 here: it is at its least, or ignores these items"
        return
    if any(map(_some, node.tops)):
        yield from _stopped(node, place, label)
        return
    yield f"{node.where} passes back what comes from {_list(node.top_names)}, which is 0, too"
    for top_name in node.top_names:
        yield from _of_blob(net, top_name, seen | {node.index})


def _stopped(node: Node, place: int, label: str) -> Iterator[str]:
    kind = node.param.type
    values = node.bottoms[place].const_data
    if kind == "ReLU" and not np.any(values > 0) and node.param.relu_param.negative_slope == 0:
        yield (
            f"{node.where}: every value of '{label}' is 0 or below, a dead ReLU: try a smaller learning rate, another"
            " filler, or negative_slope"
        )
    elif kind in FLAT:
        yield f"{node.where}: '{label}' {FLAT[kind]} everywhere, where {kind} is flat"
    elif node.is_python:
        yield f"{node.where}: its backward gives 0 for '{label}' although a gradient comes from above: check the layer"
    else:
        yield f"{node.where}: a gradient comes from above, and {kind} passes 0 on to '{label}' for these values"


def _no_backward(net: Net, node: Node) -> Iterator[str]:
    if not any(weight for each in net.nodes for weight in each.loss_weights):
        yield "no layer of the net has a loss_weight, so that backward has nothing to start from"
    elif _reaches_loss(net, node):
        yield f"{node.where}: nothing in it or below it learns, so that its backward is not run"
    else:
        yield f"{node.where}: no loss depends on it, so that its backward is not run"


def _reaches_loss(net: Net, node: Node) -> bool:
    names = set(node.top_names)
    for other in net.nodes[node.index :]:
        if other is node or names & set(other.bottom_names):
            if any(other.loss_weights):
                return True
            names.update(other.top_names)
    return False


def _list(names: Sequence[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)
