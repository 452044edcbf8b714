"""How the layers of a net are now: which hold NaN or infinity, and how large their gradients are."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Literal
from weakref import WeakKeyDictionary

import numpy as np

from caffe_nb.core.blob import Array, Blob
from caffe_nb.inspector.health import Row, code, rows_of, size
from caffe_nb.inspector.training_messages import BadLayer, LayerGradient
from caffe_nb.net.build import Node
from caffe_nb.net.net import Net
from caffe_nb.solvers.finite import spoilt

SLICE = 0.01
"""Seconds for which a running net is looked through at once; one large blob may take longer."""
SHARE = 200
"""Looking at a few elements, and reading all, take at most one part in so many of a running net's time each."""
FEW = 1024
"""Elements, evenly spread, of which a blob of a running net is judged before its turn to be read whole comes."""
MOST_PLACES = 4
"""Blobs that are named of a layer; the rest is counted."""

Sign = Literal["NaN", "Inf", ""]
_UNREAD: tuple[tuple[int, int], Sign] = (-1, -1), ""
"""What is known of a blob that was not read whole: of no version, and nothing."""


class Sweep:
    """What was found when a net's blobs were last looked through; each is read again only after it was written.

    Notes
    -----
    Reading all of a large net that trains takes seconds, since it may cost the net so little. What is spoilt soon
    spoils what comes after it, so a few elements of everything are looked at first, the losses' before all others.

    Diffs are those of the tops as the blobs have them: of a blob that several layers write in place, of the first of
    them. They stay from one backward pass to the next, while those of parameters are cleared in between.
    """

    def __init__(self) -> None:
        self._found: WeakKeyDictionary[Blob, dict[str, tuple[tuple[int, int], Sign]]] = WeakKeyDictionary()
        self._measured: dict[int, tuple[int, int]] = {}
        self._rows: list[Row] = []
        self._revision = -1
        self._at = self._glimpsed = 0
        self._next = self._next_glimpse = 0.0

    def look(self, net: Net, *, gradients: bool, hurry: bool) -> tuple[list[BadLayer], list[LayerGradient], bool]:
        """Return the layers with values that are not finite, the size of all gradients, and whether that is of now.

        Parameters
        ----------
        net : Net
            No layer of it runs.
        gradients : bool
            Whether these are wanted; else there are none in the answer.
        hurry : bool
            Whether the net waits: then only a part is looked through, the next one with the next call.
        """
        if self._revision != net.revision:
            self._revision, self._rows, self._measured = net.revision, rows_of(net), {}
        whole = False
        nodes = [node for node in net.nodes if not node.inserted]
        if hurry and time.monotonic() >= self._next_glimpse:
            began = time.perf_counter()
            self._glimpse(nodes, began + SLICE / 2)
            self._next_glimpse = time.monotonic() + SHARE * (time.perf_counter() - began)
        if not hurry or time.monotonic() >= self._next:
            began = time.perf_counter()
            whole = self._read(nodes, began + SLICE if hurry else None)
            if gradients:
                self._measure()
            self._next = time.monotonic() + SHARE * (time.perf_counter() - began)
        return self._bad(net), self._gradients() if gradients else [], whole

    def _glimpse(self, nodes: list[Node], until: float) -> None:
        """Look at a few elements of each blob, of the losses first."""
        for node in nodes:
            if any(node.loss_weights):
                self._sample(node)
        for step in range(len(nodes)):
            if step and time.perf_counter() > until:
                self._glimpsed = (self._glimpsed + step) % len(nodes)
                return
            self._sample(nodes[(self._glimpsed + step) % len(nodes)])

    def _sample(self, node: Node) -> None:
        for _, blob, part, array, version in _parts(node):
            known = self._found.setdefault(blob, {})
            values = array.reshape(-1)
            sign = _sign(values[:: max(1, values.size // FEW)]) if known.get(part, _UNREAD)[0] != version else ""
            if sign:
                known[part] = _UNREAD[0], sign

    def _read(self, nodes: list[Node], until: float | None) -> bool:
        """Look through what was written since it was last looked through; return whether all of it is done."""
        for step in range(len(nodes)):
            if step and until is not None and time.perf_counter() > until:
                self._at = (self._at + step) % len(nodes)
                return False
            for _, blob, part, array, version in _parts(nodes[(self._at + step) % len(nodes)]):
                known = self._found.setdefault(blob, {})
                if part not in known or known[part][0] != version:
                    known[part] = version, _sign(array)
        return True

    def _bad(self, net: Net) -> list[BadLayer]:
        bad = []
        for node in net.nodes:
            found = (
                []
                if node.inserted
                else [
                    (place, sign)
                    for place, blob, part, *_ in _parts(node)
                    if (sign := self._found.get(blob, {}).get(part, ((0, 0), ""))[1])
                ]
            )
            if found:
                places = [place for place, _ in found]
                more = [f"{len(places) - MOST_PLACES} more"] if len(places) > MOST_PLACES else []
                value: Literal["NaN", "Inf"] = "NaN" if any(sign == "NaN" for _, sign in found) else "Inf"
                bad.append(BadLayer(node.index, value, places[:MOST_PLACES] + more))
        return bad

    def _measure(self) -> None:
        for row in self._rows:
            version = sum(top.diff_version for top in row.tops)
            if version and self._measured.get(row.node.index, (0, 0))[0] != version:
                self._measured[row.node.index] = version, code(*size(top.peek("diff") for top in row.tops))

    def _gradients(self) -> list[LayerGradient]:
        return [LayerGradient(index, measured) for index, (_, measured) in self._measured.items()]


def _parts(node: Node) -> Iterator[tuple[str, Blob, str, Array, tuple[int, int]]]:
    """Yield all that a layer holds, in words and as arrays, with a version that changes when it is written."""
    tops = [(f"top '{name}'", blob) for name, blob in zip(node.top_names, node.tops, strict=True)]
    for name, blob in [*tops, *((f"parameter {i}", blob) for i, blob in enumerate(node.layer.blobs))]:
        yield name, blob, "data", blob.peek(), (id(blob.memory), blob.version)
        if blob.diff_version:
            yield f"the diff of {name}", blob, "diff", blob.peek("diff"), (blob.count, blob.diff_version)


def _sign(array: Array) -> Sign:
    if not spoilt(array):
        return ""
    return "NaN" if np.isnan(array).any() else "Inf"
