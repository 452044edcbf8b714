"""A layer whose setup makes other parameters than before: its net and its solvers take them over."""

from __future__ import annotations

from collections.abc import Sequence

from caffe_nb.core.blob import Blob
from caffe_nb.live.swap import Refused, Undo
from caffe_nb.net import Net, Node
from caffe_nb.net.params import Params
from caffe_nb.proto import caffe_pb2
from caffe_nb.solvers import live_solvers


def follow(net: Net, node: Node, undo: Undo) -> None:
    """Let a net and the solvers that train it learn a layer's new parameters.

    Parameters
    ----------
    net : Net
        The net.
    node : Node
        The layer, with its new parameters.
    undo : Undo
        Learns how to take it back.

    Raises
    ------
    Refused
        When the parameters are shared by name, or the net was built without a backward for this layer.
    CaffeError
        When the text has more `param { ... }` entries than there are parameters.
    """
    specs, blobs = node.param.param, node.layer.blobs
    if any(spec.name for spec in specs):
        raise Refused(
            f"setup makes other parameters now, and '{node.name}' shares parameters by name;"
            " build the net again to take this up"
        )
    if len(specs) > len(blobs):
        raise Refused(
            f"the text of '{node.name}' has {len(specs)} param {{ ... }} entries, the new setup makes"
            f" {len(blobs)} parameters; make as many, or change the text and build the net again"
        )
    if blobs and not node.needs_backward and net.phase == 0:
        raise Refused(
            f"'{node.name}' had no parameters, and nothing below it learns, so that the net was built without its"
            " backward; build the net again to take this up"
        )
    _take_over(net, node, _params(net), undo)


def _params(net: Net) -> Params:
    made = Params()
    for each in net.nodes:
        specs = each.param.param
        for i, blob in enumerate(each.layer.blobs):
            made.append(blob, specs[i] if i < len(specs) else caffe_pb2.ParamSpec(), each.name)
    return made


def _take_over(net: Net, node: Node, made: Params, undo: Undo) -> None:
    before = (list(net.learnable_params), list(net.params_lr), list(net.params_weight_decay))
    propagate = list(node.layer.param_propagate_down)
    there = dict(net.params)

    def put_back() -> None:
        _set(net, *before)
        net.params.clear()
        net.params.update(there)
        node.layer.param_propagate_down = propagate

    undo.add(put_back)
    _set(net, made.learnable, made.lr, made.decay)
    in_order = {n.name: n.layer.blobs for n in net.nodes if len(n.layer.blobs)}
    net.params.clear()
    net.params.update(in_order)
    specs = node.param.param
    node.layer.param_propagate_down = [i >= len(specs) or specs[i].lr_mult != 0 for i in range(len(node.layer.blobs))]
    _teach_solvers(net, undo)


def forget(net: Net, node: Node, undo: Undo) -> None:
    """Let the solvers of a net forget what they know of a layer's parameters."""
    _teach_solvers(net, undo, list(node.layer.blobs))


def _teach_solvers(net: Net, undo: Undo, gone: Sequence[Blob] = ()) -> None:
    for solver in live_solvers():
        if solver.net is net:
            undo.add(solver.rule.remember())
            solver.rule.follow(net.learnable_params, gone)


def _set(net: Net, learnable: list[Blob], lr: list[float], decay: list[float]) -> None:
    net.learnable_params[:] = learnable
    net.params_lr[:] = lr
    net.params_weight_decay[:] = decay
