"""Nets as the panel gets them: lists, graphs, blobs by reference, and the code of Python layers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Literal

from caffe_nb.core.blob import Blob
from caffe_nb.core.layer import Phase
from caffe_nb.errors import NetError, did_you_mean, listing
from caffe_nb.inspector.book import Book, finite
from caffe_nb.inspector.in_place import Passing, blob_and_layer
from caffe_nb.inspector.messages import Graph
from caffe_nb.inspector.pieces import BlobInfo, FailedLayer, GraphEdge, GraphNode, NetInfo
from caffe_nb.net.build import AUTOMATIC, Node
from caffe_nb.net.filter import is_included
from caffe_nb.net.graph import topology
from caffe_nb.net.net import Net, live_nets
from caffe_nb.proto import caffe_pb2
from caffe_nb.solvers import Solver, live_solvers

PARAMETER_NAMES = ("weight", "bias")
STATISTICS = ("BatchNorm", "BN")
"""Types whose parameters are statistics: that no solver learns them is nothing to tell."""


def find_net(net_id: str) -> Net:
    """Return a live net by its id.

    Raises
    ------
    NetError
        When it is gone; lists those that there are.
    """
    nets = {net.id: net for net in live_nets()}
    if net_id not in nets:
        known = listing(f"{net.id} ('{net.name}')" for net in nets.values())
        raise NetError(f"net {net_id} is gone: it was deleted or made anew. Live nets: {known}")
    return nets[net_id]


def find_node(net: Net, index: int) -> Node:
    """Return a layer's node by its index."""
    if not 0 <= index < len(net.nodes):
        raise NetError(f"net '{net.name}' has no layer {index}: its layers are 0 to {len(net.nodes) - 1}")
    return net.nodes[index]


def find_blob(net: Net, ref: str) -> Blob:
    """Return the blob that a `BlobInfo.ref` names.

    Raises
    ------
    NetError
        For one that the net does not have, with near misses.
    """
    if (found := blob_and_layer(ref)) is not None:
        name, writer = found
        if name not in net.blobs:
            raise NetError(f"net '{net.name}' has no blob '{name}'.{did_you_mean(name, net.blobs)}")
        if writer is not None and name not in find_node(net, writer).top_names:
            raise NetError(f"{net.nodes[writer].where} has no top '{name}'")
        return net.blobs[name]
    kind, _, rest = ref.partition(":")
    parts = rest.split(":")
    if kind not in ("param", "top") or len(parts) != 2 or not all(part.isdecimal() for part in parts):
        raise NetError(
            f"'{ref}' names no blob: expected blob:NAME, left:LAYER:NAME, param:LAYER:INDEX or top:LAYER:INDEX"
        )
    node, position = find_node(net, int(parts[0])), int(parts[1])
    blobs: Sequence[Blob] = node.layer.blobs if kind == "param" else node.tops
    if position >= len(blobs):
        raise NetError(f"{node.where} has no {kind} {position}: it has {len(blobs)}")
    return blobs[position]


def solver_of(net: Net) -> Solver | None:
    """Return the solver that drives the net, as its train or a test net."""
    for solver in live_solvers():
        if solver.net is net or any(test_net is net for test_net in solver.test_nets):
            return solver
    return None


def is_running(net: Net) -> bool:
    """Whether a layer of the net, or its solver, runs now."""
    if net.running is not None:
        return True
    solver = solver_of(net)
    return solver is not None and solver.running


def net_info(net: Net, book: Book) -> NetInfo:
    """Return the net's row in the list of nets."""
    solver = solver_of(net)
    tests = solver.test_nets if solver else []
    layers = sum(not node.inserted for node in net.nodes)
    phase: Literal["TRAIN", "TEST"] = "TRAIN" if net.phase == Phase.TRAIN else "TEST"
    return NetInfo(
        id=net.id,
        name=net.name,
        phase=phase,
        layers=layers,
        running=is_running(net),
        trained=solver.net.id if solver else "",
        test_net=next((number for number, test_net in enumerate(tests) if test_net is net), -1),
        failed=failed_layer(net, book),
    )


def failed_layer(net: Net, book: Book) -> FailedLayer | None:
    """Return the first layer of a net that is in error."""
    errors = book.record(net).errors
    first = min(tuple(errors), default=None)
    error = None if first is None else errors.get(first)
    return None if first is None or error is None else FailedLayer(net.nodes[first].name, error.message)


def graph(net: Net, book: Book) -> Graph:
    """Return the net's graph with the states of all its layers."""
    layout = topology(net)
    uses = Counter(spec.name for node in layout.nodes for spec in node.param.param if spec.name)

    def shown(name: str) -> str:
        return layout.display_names.get(name, name)

    return Graph(
        net=net.id,
        revision=net.revision,
        nodes=[_graph_node(net, node, shown, uses, book.record(net).passing) for node in layout.nodes],
        edges=[GraphEdge(edge.source, edge.target, edge.blob, list(edge.shape)) for edge in layout.edges],
        states=book.states(net),
    )


def _graph_node(net: Net, node: Node, shown: Callable[[str], str], uses: Counter[str], passing: Passing) -> GraphNode:
    cls = type(node.layer)
    param = node.param.python_param
    named = f"{param.module}.{param.layer}" if param.layer else f"{cls.__module__}.{cls.__qualname__}"
    return GraphNode(
        index=node.index,
        name=node.name,
        type=node.param.type,
        python=named if node.is_python else "",
        tops=[_top(node, i, shown, passing) for i in range(len(node.tops))],
        bottoms=[
            BlobInfo(shown(name), passing.ref_before(node.index, name), list(blob.shape), bool(needed))
            for name, blob, needed in zip(node.bottom_names, node.bottoms, node.propagate_down, strict=True)
        ],
        params=[_param(node, i) for i in range(len(node.layer.blobs))],
        in_place=any(top is bottom for top in node.tops for bottom in node.bottoms),
        needs_backward=node.needs_backward,
        loss_weight=finite(next((weight for weight in node.loss_weights if weight), 0.0)),
        line=node.line,
        frozen=_is_frozen(node),
        shared=_shared(node, uses),
        phase=_only_phase(net, node),
    )


def _is_frozen(node: Node) -> bool:
    learns = node.layer.param_propagate_down[: len(node.layer.blobs)]
    return bool(node.layer.blobs) and not any(learns) and node.param.type not in STATISTICS


def _shared(node: Node, uses: Counter[str]) -> list[str]:
    names = [spec.name for spec in node.param.param[: len(node.layer.blobs)]]
    names += [""] * (len(node.layer.blobs) - len(names))
    return [name if uses[name] > 1 else "" for name in names]


def _only_phase(net: Net, node: Node) -> Literal["TRAIN", "TEST", ""]:
    """Return the net's phase where the layer's rules keep it out of the other one."""
    if not node.param.include and not node.param.exclude:
        return ""
    other = caffe_pb2.NetState()
    other.CopyFrom(net.param.state)
    other.phase = caffe_pb2.TEST if net.phase == Phase.TRAIN else caffe_pb2.TRAIN
    if is_included(node.param, other):
        return ""
    return "TRAIN" if net.phase == Phase.TRAIN else "TEST"


def _top(node: Node, index: int, shown: Callable[[str], str], passing: Passing) -> BlobInfo:
    name = node.top_names[index]
    ref = f"top:{node.index}:{index}" if name == AUTOMATIC else passing.ref(node.index, name)
    weighted = index < len(node.loss_weights) and node.loss_weights[index] != 0
    has_diff = node.needs_backward or weighted
    return BlobInfo(name=shown(name), ref=ref, shape=list(node.tops[index].shape), has_diff=has_diff)


def _param(node: Node, index: int) -> BlobInfo:
    named = index < len(PARAMETER_NAMES) and not node.is_python
    learns = node.layer.param_propagate_down
    return BlobInfo(
        name=PARAMETER_NAMES[index] if named else f"param {index}",
        ref=f"param:{node.index}:{index}",
        shape=list(node.layer.blobs[index].shape),
        has_diff=bool(node.needs_backward and index < len(learns) and learns[index]),
    )
