"""Split layers: a blob that several layers read gets one top for each, so that their diffs can be added up."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from caffe_nb.errors import NetError, did_you_mean
from caffe_nb.proto import caffe_pb2

Top = tuple[int, int]
"""Layer index, top index."""


def split_name(blob: str, layer: str, top: int) -> str:
    """Return the name that Caffe gives the split layer of a blob."""
    return f"{blob}_{layer}_{top}_split"


def insert_splits(
    layers: Sequence[caffe_pb2.LayerParameter],
    places: Sequence[str],
    left_out: Sequence[caffe_pb2.LayerParameter] = (),
) -> list[tuple[caffe_pb2.LayerParameter, int, bool]]:
    """Return the layers with splits inserted where a top is read more than once (or is read and weighted as a loss).

    Parameters
    ----------
    layers : sequence of caffe_pb2.LayerParameter
        The layers of the net, filtered; not changed.
    places : sequence of str
        Where each stands, for messages.
    left_out : sequence of caffe_pb2.LayerParameter
        The layers that the filter took out, for messages.

    Returns
    -------
    list of (LayerParameter, int, bool)
        Copies of the layers, each with the index of the layer it comes from and whether it is an inserted split.

    Raises
    ------
    NetError
        For a bottom that no earlier layer produces.
    """
    source_of, uses, weights = _uses(layers, places, left_out)
    used_splits: Counter[Top] = Counter()
    result: list[tuple[caffe_pb2.LayerParameter, int, bool]] = []
    for i, original in enumerate(layers):
        layer = caffe_pb2.LayerParameter()
        layer.CopyFrom(original)
        for j, blob in enumerate(original.bottom):
            top = source_of[i, j]
            if uses[top] > 1:
                name = split_name(blob, layers[top[0]].name, top[1])
                layer.bottom[j] = f"{name}_{used_splits[top]}"
                used_splits[top] += 1
        result.append((layer, i, False))
        for j, blob in enumerate(original.top):
            if uses[i, j] > 1:
                weight = weights[i, j]
                result.append((_split_layer(blob, original.name, j, uses[i, j], weight), i, True))
                if weight:
                    del layer.loss_weight[:]  # a loss layer then has its default again, as in Caffe
                    used_splits[i, j] += 1
    return result


def _uses(
    layers: Sequence[caffe_pb2.LayerParameter], places: Sequence[str], left_out: Sequence[caffe_pb2.LayerParameter]
) -> tuple[dict[tuple[int, int], Top], Counter[Top], defaultdict[Top, float]]:
    last_top: dict[str, Top] = {}
    source_of: dict[tuple[int, int], Top] = {}
    uses: Counter[Top] = Counter()
    weights: defaultdict[Top, float] = defaultdict(float)
    for i, layer in enumerate(layers):
        for j, blob in enumerate(layer.bottom):
            if blob not in last_top:
                raise _unknown_bottom(blob, layers, left_out, i, list(last_top), places[i])
            source_of[i, j] = last_top[blob]
            uses[last_top[blob]] += 1
        for j, blob in enumerate(layer.top):
            last_top[blob] = (i, j)
        for blob, weight in zip(layer.top, layer.loss_weight, strict=False):
            weights[last_top[blob]] = weight
            uses[last_top[blob]] += weight != 0
    return source_of, uses, weights


def _unknown_bottom(
    blob: str,
    layers: Sequence[caffe_pb2.LayerParameter],
    left_out: Sequence[caffe_pb2.LayerParameter],
    index: int,
    known: list[str],
    where: str,
) -> NetError:
    later = [layer.name for layer in layers[index:] if blob in layer.top]
    if later:
        hint = f" Layer '{later[0]}', further down, produces it: move it up."
    elif excluded := [layer.name for layer in left_out if blob in layer.top]:
        hint = f" Layer '{excluded[0]}' does, but its include or exclude rules keep it out of this phase and stage."
    else:
        hint = did_you_mean(blob, known) or (
            f" Blobs at this point: {', '.join(known)}." if known else " No layer before it produces anything."
        )
    return NetError(f"bottom '{blob}' is not produced by any earlier layer.{hint}", where=where)


def _split_layer(blob: str, layer: str, top: int, count: int, weight: float) -> caffe_pb2.LayerParameter:
    name = split_name(blob, layer, top)
    split = caffe_pb2.LayerParameter(name=name, type="Split", bottom=[blob])
    split.top.extend(f"{name}_{k}" for k in range(count))
    if weight:
        split.loss_weight.extend([weight] + [0.0] * (count - 1))
    return split
