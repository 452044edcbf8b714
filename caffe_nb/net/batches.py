"""Any number of items through a net, a batch after the other (pycaffe's forward_all and forward_backward_all)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from caffe_nb.errors import NetError, ShapeError

if TYPE_CHECKING:
    from caffe_nb.net.net import Net

Array = NDArray[Any]


def batches(net: Net, items: Mapping[str, Any]) -> Iterator[dict[str, Array]]:
    """Give the items in pieces of the net's batch size; the last one is filled up with zeros.

    Parameters
    ----------
    net : Net
        The net; the batch size is the length of the first blob of `items`.
    items : dict of str to array_like
        Items by blob, as many for each.
    """
    arrays = {name: np.asarray(values) for name, values in items.items()}
    count = _count(arrays)
    size = net.blobs[next(iter(arrays))].shape[0]
    for start in range(0, count, size):
        pieces = {name: array[start : start + size] for name, array in arrays.items()}
        missing = size - min(size, count - start)
        yield {
            name: np.concatenate([piece, np.zeros((missing, *piece.shape[1:]), piece.dtype)]) if missing else piece
            for name, piece in pieces.items()
        }


def forward_all(net: Net, blobs: Iterable[str] | None, items: Mapping[str, Any]) -> dict[str, Array]:
    """Run all items forward; see `Net.forward_all`."""
    if not items:
        raise NetError(
            f"forward_all takes the items by the names of the net's inputs: {', '.join(net.inputs) or 'none'}"
        )
    found = _Collected()
    for batch in batches(net, items):
        found.add(net.forward(blobs, None, None, **batch))
    return found.without_padding(_count(items), _batch_size(net, items))


def forward_backward_all(
    net: Net, blobs: Iterable[str] | None, diffs: Iterable[str] | None, items: Mapping[str, Any]
) -> tuple[dict[str, Array], dict[str, Array]]:
    """Run all items forward and backward; see `Net.forward_backward_all`."""
    unknown = [name for name in items if name not in net.inputs and name not in net.outputs]
    if unknown:
        raise NetError(f"'{unknown[0]}' is neither an input nor an output of this net")
    forward = {name: items[name] for name in net.inputs if name in items}
    backward = {name: items[name] for name in net.outputs if name in items}
    if not forward:
        raise NetError(f"forward_backward_all needs items for the net's inputs: {', '.join(net.inputs) or 'none'}")
    tops, bottoms = _Collected(), _Collected()
    given = batches(net, backward) if backward else iter(())
    for batch, top_diffs in zip_longest(batches(net, forward), given, fillvalue=None):
        tops.add(net.forward(blobs, None, None, **(batch or {})))
        bottoms.add(net.backward(diffs, None, None, **(top_diffs or {})))
    count, size = _count(forward), _batch_size(net, forward)
    return tops.without_padding(count, size), bottoms.without_padding(count, size)


def _count(items: Mapping[str, Any]) -> int:
    counts = {name: len(values) for name, values in items.items()}
    if len(set(counts.values())) > 1:
        raise ShapeError(f"as many items are needed for each blob, got {counts}")
    return next(iter(counts.values()))


def _batch_size(net: Net, items: Mapping[str, Any]) -> int:
    return net.blobs[next(iter(items))].shape[0]


class _Collected:
    """Copies of what each batch gave, by blob."""

    def __init__(self) -> None:
        self._parts: dict[str, list[Array]] = {}

    def add(self, arrays: Mapping[str, Array]) -> None:
        for name, array in arrays.items():
            self._parts.setdefault(name, []).append(np.atleast_1d(array).copy())

    def without_padding(self, count: int, size: int) -> dict[str, Array]:
        """Join them along the first axis; what has an item for each of a batch loses those that filled it up."""
        result = {}
        for name, parts in self._parts.items():
            joined = np.concatenate(parts)
            result[name] = joined[:count] if all(len(part) == size for part in parts) else joined
        return result
