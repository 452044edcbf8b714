"""Which layers' tops are not what a forward would give now, and what has to run so that they are."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from zlib import crc32

from caffe_nb.core.blob import Array, Blob
from caffe_nb.core.memory import Memory, layout
from caffe_nb.net.build import Node

clock = itertools.count(1).__next__
"""One clock for all nets of the process: they share parameters."""


def handed_out(blob: Blob) -> Array:
    """Return a blob's writable data for somebody to look at; that counts as no write, unlike `blob.data`."""
    memory = blob.memory
    clean = memory.known == memory.version
    data = blob.data
    if clean:
        memory.known = memory.version
    return data


def memories(nodes: Iterable[Node]) -> list[Memory]:
    """Return the memory of the values of layers' bottoms, tops and parameters, each once."""
    blobs = (blob for node in nodes for blob in (*node.bottoms, *node.tops, *node.layer.blobs))
    return list({id(blob.memory): blob.memory for blob in blobs}.values())


class Memories:
    """The memory of a net's layers, looked up anew when the layout of blobs has changed."""

    def __init__(self) -> None:
        self._all: list[Memory] = []
        self._layout = -1

    def of(self, nodes: Iterable[Node]) -> list[Memory]:
        """Return it, each once."""
        if self._layout != layout.changes:
            self._layout = layout.changes
            self._all = memories(nodes)
        return self._all


def notice(some: Iterable[Memory]) -> None:
    """Before layers are called: what was written since a layer's last call, somebody else wrote."""
    for memory in some:
        if memory.version != memory.known:
            memory.known = memory.version
            memory.written = clock()
            memory.writer = 0


def settle(node: Node, net: int) -> None:
    """After a layer's call: what it took or wrote is its own doing.

    Parameters
    ----------
    node : Node
        The layer.
    net : int
        The net's number. Parameters that a built-in layer wrote (BatchNorm its statistics) are news to other nets that
        share them; a Python layer that took its parameters may only have read them.
    """
    for blob in (*node.bottoms, *node.tops):
        blob.memory.known = blob.memory.version
    for blob in node.layer.blobs:
        memory = blob.memory
        if memory.version != memory.known:
            memory.known = memory.version
            if not node.is_python:
                memory.written = clock()
                memory.writer = net


class Contents:
    """What the tops of a net hold at a moment, so that it can be told later whether anybody changed them.

    Parameters
    ----------
    nodes : sequence of Node
        The layers.
    """

    def __init__(self, nodes: Iterable[Node]) -> None:
        memories = {id(blob.memory): blob.memory for node in nodes for blob in (*node.tops, *node.layer.blobs)}
        self._sums = [
            (memory, crc32(memory.host()), memory.known == memory.version, memory.written, memory.writer)
            for memory in memories.values()
        ]

    def forgive(self) -> None:
        """Let memory count as not written that was taken for writing since, but holds what it held."""
        for memory, sum_then, clean, written, writer in self._sums:
            moved = memory.version != memory.known or memory.written != written
            if clean and moved and crc32(memory.host()) == sum_then:
                memory.known, memory.written, memory.writer = memory.version, written, writer


def stale(nodes: Sequence[Node], net: int) -> list[int]:
    """Return the indices of the layers whose tops are not what a forward from the sources on would give now.

    Parameters
    ----------
    nodes : sequence of Node
        All layers of a net, in order.
    net : int
        The net's number.

    Notes
    -----
    A layer is stale that never ran or whose code changed, whose parameters or tops were written since by others, or
    that reads what a stale layer, or a layer that ran later, wrote. A source (a layer without bottoms) gives what it
    gave: what others write into its tops is the batch.
    """
    notice(memories(nodes))
    found: set[int] = set()
    last: dict[int, int] = {}  # by memory: who wrote it last, among the layers before
    for index, node in enumerate(nodes):
        if node.changed or not node.ran or _written_since(node, net) or _reads_news(node, nodes, last, found):
            found.add(index)
        for blob in node.tops:
            last[id(blob.memory)] = index
    return sorted(found)


def _written_since(node: Node, net: int) -> bool:
    for blob in node.layer.blobs:
        if blob.memory.written > node.ran and blob.memory.writer != net:
            return True
    return bool(node.bottoms) and any(blob.memory.written > node.ran for blob in node.tops)


def _reads_news(node: Node, nodes: Sequence[Node], last: dict[int, int], found: set[int]) -> bool:
    for blob in node.bottoms:
        writer = last.get(id(blob.memory))
        if writer is None:
            continue
        if writer in found or nodes[writer].ran > node.ran:
            return True
        if not nodes[writer].bottoms and blob.memory.written > node.ran:
            return True
    return False


def plan(nodes: Sequence[Node], wanted: Iterable[int]) -> list[int]:
    """Return what has to run so that these layers, and all that depend on them, are fresh.

    Parameters
    ----------
    nodes : sequence of Node
        All layers of a net, in order.
    wanted : iterable of int
        Indices of layers.

    Returns
    -------
    list of int
        Sorted indices. Where a layer's bottom was overwritten in place since, the layers that make it run too: from
        the last one that does not work in place.
    """
    writers = _writers(nodes)
    chosen = set(wanted)
    while True:
        with_readers = dependents(nodes, chosen)
        more = {w for index in with_readers for w in _makers(nodes, index, writers)} - with_readers
        if not more:
            return sorted(with_readers)
        chosen = with_readers | more


def dependents(nodes: Sequence[Node], chosen: Iterable[int]) -> set[int]:
    """Return these layers and all that read what they write."""
    found = set(chosen)
    last: dict[int, int] = {}
    for index, node in enumerate(nodes):
        if index not in found and any(last.get(id(blob.memory)) in found for blob in node.bottoms):
            found.add(index)
        for blob in node.tops:
            last[id(blob.memory)] = index
    return found


def _writers(nodes: Sequence[Node]) -> dict[int, list[int]]:
    """Return by memory which layers write it, in order; one that only hands its bottom on (Split) writes nothing."""
    writers: dict[int, list[int]] = {}
    for index, node in enumerate(nodes):
        for top in node.tops:
            if _in_place(node, top) or not any(top.shares_data(bottom) for bottom in node.bottoms):
                writers.setdefault(id(top.memory), []).append(index)
    return writers


def _in_place(node: Node, top: Blob) -> bool:
    return any(top is bottom for bottom in node.bottoms)


def _makers(nodes: Sequence[Node], index: int, writers: dict[int, list[int]]) -> set[int]:
    """Return the layers that have to run before one can, because its bottoms are not what it read any more."""
    needed: set[int] = set()
    for blob in nodes[index].bottoms:
        all_of_them = writers.get(id(blob.memory), [])
        later = [w for w in all_of_them[1:] if w >= index and nodes[w].ran]
        before = [w for w in all_of_them if w < index]
        if before and any(nodes[w].ran > nodes[before[0]].ran for w in later):
            needed.update(before)
    return needed
