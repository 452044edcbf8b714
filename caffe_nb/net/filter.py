"""Which layers of a text belong to a net of a phase, a level and some stages (Caffe's NetStateRule)."""

from __future__ import annotations

from collections.abc import Sequence

from caffe_nb.errors import NetError
from caffe_nb.proto import caffe_pb2


def state_meets_rule(state: caffe_pb2.NetState, rule: caffe_pb2.NetStateRule) -> bool:
    """Whether a net's state meets every condition of one rule.

    Parameters
    ----------
    state : caffe_pb2.NetState
        Phase, level and stages of the net.
    rule : caffe_pb2.NetStateRule
        A phase, bounds of the level, stages that must be there and stages that must not.

    Returns
    -------
    bool
        True when all conditions that the rule names hold.
    """
    if rule.HasField("phase") and rule.phase != state.phase:
        return False
    if rule.HasField("min_level") and state.level < rule.min_level:
        return False
    if rule.HasField("max_level") and state.level > rule.max_level:
        return False
    stages = set(state.stage)
    return all(stage in stages for stage in rule.stage) and not any(stage in stages for stage in rule.not_stage)


def is_included(layer: caffe_pb2.LayerParameter, state: caffe_pb2.NetState) -> bool:
    """Whether a layer belongs to a net of this state: any `include` rule met, or no `exclude` rule met.

    Raises
    ------
    NetError
        For a layer that has both kinds of rules.
    """
    if layer.include and layer.exclude:
        raise NetError("has both include and exclude rules; a layer takes one kind: keep the one that you mean")
    if layer.include:
        return any(state_meets_rule(state, rule) for rule in layer.include)
    return not any(state_meets_rule(state, rule) for rule in layer.exclude)


def included_layers(
    layers: Sequence[caffe_pb2.LayerParameter], state: caffe_pb2.NetState, places: Sequence[str]
) -> list[int]:
    """Return the indices of the layers that belong to a net of this state.

    Parameters
    ----------
    layers : sequence of caffe_pb2.LayerParameter
        All layers of the text.
    state : caffe_pb2.NetState
        Phase, level and stages.
    places : sequence of str
        Where each layer stands, for messages.
    """
    kept = []
    for index, layer in enumerate(layers):
        try:
            if is_included(layer, state):
                kept.append(index)
        except NetError as error:
            error.where = places[index]
            raise
    return kept
