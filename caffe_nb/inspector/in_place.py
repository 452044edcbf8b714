"""Blobs that layers work on in place: what each layer itself left in them, copied as it passes by."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

from numpy.typing import NDArray

from caffe_nb.core.blob import Blob
from caffe_nb.core.hooks import NetHooks
from caffe_nb.inspector.pieces import Part, Pass
from caffe_nb.net.build import AUTOMATIC, Node

MOST_BYTES = 64 << 20
"""Most bytes that the copies of one net take; of a larger blob there is only what the last layer made of it."""


class Moment(NamedTuple):
    """When a blob holds what is asked for, between one layer that writes it and the next that writes over it.

    For data that is after the layer's forward; for diffs, those of what the layer left there, before its backward.
    """

    layer: int
    blob: str
    direction: Pass


@dataclass
class _Copy:
    array: NDArray[Any]
    stamp: int | None
    """Of data: when the layer ran. Of a diff: its write count when no layer writes it any more, None until then."""


@dataclass(frozen=True)
class Values:
    """What a blob holds at a moment, or holds now where that moment is past.

    Attributes
    ----------
    array : ndarray
        Not to be written.
    copied : bool
        Whether it stays as it is while the net runs on.
    note : str
        Where these are other values than those that were asked for, whose they are; else empty.
    """

    array: NDArray[Any]
    copied: bool
    note: str = ""


class Passing:
    """Copies of values that are there only from one layer of a net to the next.

    Copies are made while a question waits, and once more for the next: hooks stand on the net until the layer has run,
    so that a net into which nobody looks, or not there, is not slowed, and its layers run as one.

    Parameters
    ----------
    hooks : NetHooks
        The net's.
    nodes : sequence of Node
        Its layers.

    Attributes
    ----------
    spent : float
        Seconds of a processor's time that copies took.
    """

    def __init__(self, hooks: NetHooks, nodes: Sequence[Node]) -> None:
        self._hooks, self._nodes = hooks, nodes
        writers: dict[str, list[int]] = {}
        for node in nodes:
            for name in node.top_names:
                writers.setdefault(name, []).append(node.index)
        self._writers = {name: which for name, which in writers.items() if len(which) > 1 and name != AUTOMATIC}
        self.spent = 0.0
        self._guard = threading.Lock()
        self._wanted: set[Moment] = set()  # once
        self._waiting: Counter[Moment] = Counter()  # again and again
        self._copies: dict[Moment, _Copy] = {}  # the oldest first

    def ref(self, index: int, name: str) -> str:
        """Return by what a panel asks for the blob of this name as this layer leaves it."""
        last = self._writers.get(name, [index])[-1]
        return f"blob:{name}" if last == index else f"left:{index}:{name}"

    def ref_before(self, index: int, name: str) -> str:
        """Return by what a panel asks for the blob of this name as this layer finds it."""
        before = [writer for writer in self._writers.get(name, ()) if writer < index]
        return self.ref(before[-1], name) if before else f"blob:{name}"

    def moment(self, ref: str, part: Part) -> Moment | None:
        """Return when a blob holds what a `BlobInfo.ref` asks for; None where only one layer writes it."""
        name, index = blob_and_layer(ref) or ("", None)
        writers = self._writers.get(name, [])
        if index is None and writers:
            index = writers[-1]
        if index not in writers:
            return None
        if part == "diff" and not any(self._nodes[writer].needs_backward for writer in writers[1:]):
            return None
        return Moment(index, name, "forward" if part == "data" else "backward")

    @contextmanager
    def wanted(self, moments: Iterable[Moment]) -> Iterator[None]:
        """Copy what blobs hold at these moments, in each pass of the block and where they come next, after it too."""
        passing = [m for m in self._fitting(moments) if self._passes(m)]
        with self._guard:
            self._wanted.update(passing)
            self._waiting.update(passing)
            self._listen()
        try:
            yield
        finally:
            with self._guard:
                self._waiting -= Counter(passing)
                self._listen()

    def close(self) -> None:
        """Want nothing more, and keep nothing."""
        with self._guard:
            self._wanted.clear()
            self._waiting.clear()
            self._copies.clear()
            self._listen()

    def ready(self, moments: Collection[Moment], last: tuple[int, str] | None) -> bool:
        """Whether there is nothing to wait for: `values` gives what was asked for, all of one pass, or never will."""
        return not any(self._written_before(m) or self.values(m, last).note for m in self._fitting(moments))

    def values(self, moment: Moment, last: tuple[int, str] | None) -> Values:
        """Return what a blob held at its last such moment.

        Parameters
        ----------
        moment : Moment
            Where it is past and no copy was made, the blob's values now are returned, with a note.
        last : tuple of int and str, or None
            `Net.last`: the layer that runs or ran last, and in which direction.
        """
        blob, part = self._blob(moment), _part(moment)
        if moment.direction == "forward":
            note, stamp = self._data_note(moment), self._nodes[moment.layer].ran
        else:
            note, stamp = self._diff_note(moment, last), blob.diff_version
        copy = self._copies.get(moment)
        if note and copy is not None and copy.stamp in (None, stamp) and copy.array.shape == blob.shape:
            return Values(copy.array, copied=True)
        return Values(blob.peek(part), copied=False, note=note)

    def _data_note(self, moment: Moment) -> str:
        """Say what the blob holds now where that is not what the layer left; else nothing."""
        node = self._nodes[moment.layer]
        later = (self._nodes[i] for i in self._writers[moment.blob] if i > moment.layer)
        by = next((other.name for other in later if other.ran > node.ran), "")
        if by:
            return f"{by} works in place and has written over what {node.name} left; {self._hope(moment)}."
        before = self._written_before(moment)
        return f"{before} has run again, and {node.name} has not worked on it yet." if before else ""

    def _written_before(self, moment: Moment) -> str:
        """Return the name of the first layer before this one that wrote the blob since this one did, or nothing."""
        if moment.direction == "backward":
            return ""
        ran = self._nodes[moment.layer].ran
        before = (self._nodes[i] for i in self._writers[moment.blob] if i < moment.layer)
        return next((node.name for node in before if node.ran > ran), "")

    def _diff_note(self, moment: Moment, last: tuple[int, str] | None) -> str:
        """Say what the blob's diff is now where it is not that of what the layer left; else nothing."""
        name = self._nodes[moment.layer].name
        at = last[0] if last and last[1] == "backward" else -1  # forwards leave diffs as they are
        later = next((i for i in self._backward_writers(moment.blob) if i > moment.layer), None)
        if later is not None and at > later:
            return f"{self._nodes[later].name} works in place, and its backward has not run yet."
        if self._passes(moment) and at <= moment.layer:
            return (
                f"{name} works in place, and its backward has written over the diff of its top; {self._hope(moment)}."
            )
        return ""

    def _passes(self, moment: Moment) -> bool:
        """Whether another layer, or for a diff the layer itself, writes over what the blob holds at this moment."""
        if moment.direction == "forward":
            return moment.layer != self._writers[moment.blob][-1]
        return moment.layer in self._backward_writers(moment.blob)

    def _backward_writers(self, blob: str) -> list[int]:
        """Return the layers whose backward writes a blob's diff in place, in the net's order: the first runs last."""
        return [index for index in self._writers[blob][1:] if self._nodes[index].needs_backward]

    def _hope(self, moment: Moment) -> str:
        size = int(self._blob(moment).peek(_part(moment)).nbytes)
        if size > MOST_BYTES:
            return f"a copy would take {size >> 20} MB, too much to make"
        return f"{self._nodes[moment.layer].name}'s own values show from the next {moment.direction} on"

    def _fitting(self, moments: Iterable[Moment]) -> list[Moment]:
        """Return the first of the moments, as many as can be copied."""
        found, size = [], 0
        for moment in moments:
            size += int(self._blob(moment).peek(_part(moment)).nbytes)
            if size <= MOST_BYTES:
                found.append(moment)
        return found

    def _blob(self, moment: Moment) -> Blob:
        node = self._nodes[moment.layer]
        return node.tops[node.top_names.index(moment.blob)]

    # in the thread that runs the net

    def _after_forward(self, index: int) -> None:
        for moment in self._due("forward"):
            if moment.layer == index:
                self._copy(moment, self._nodes[index].ran)
                self._done(moment)

    def _before_backward(self, index: int) -> None:
        for moment in self._due("backward"):
            if moment.layer == index:
                self._copy(moment, None)

    def _after_backward(self, index: int) -> None:
        for moment in self._due("backward"):
            copy = self._copies.get(moment)
            if copy is not None and copy.stamp is None and self._backward_writers(moment.blob)[0] == index:
                copy.stamp = self._blob(moment).diff_version
                self._done(moment)

    def _due(self, direction: Pass) -> list[Moment]:
        with self._guard:
            return [m for m in self._wanted | self._waiting.keys() if m.direction == direction]

    def _done(self, moment: Moment) -> None:
        with self._guard:
            self._wanted.discard(moment)
            self._listen()

    def _copy(self, moment: Moment, stamp: int | None) -> None:
        array = self._blob(moment).peek(_part(moment))
        began = time.thread_time()
        copy = array.copy()
        with self._guard:
            self._copies.pop(moment, None)
            self._copies[moment] = _Copy(copy, stamp)
            self.spent += time.thread_time() - began
            while sum(kept.array.nbytes for kept in self._copies.values()) > MOST_BYTES:
                del self._copies[next(iter(self._copies))]

    def _listen(self) -> None:
        """Let the hooks be on the net that what is wanted needs, and no others."""
        directions = {moment.direction for moment in self._wanted | self._waiting.keys()}
        forward, backward = "forward" in directions, "backward" in directions
        hooks = self._hooks
        for listeners, callback, needed in (
            (hooks.after_forward, self._after_forward, forward),
            (hooks.before_backward, self._before_backward, backward),
            (hooks.after_backward, self._after_backward, backward),
        ):
            if needed and callback not in listeners:
                listeners.append(callback)
            elif not needed and callback in listeners:
                listeners.remove(callback)


def blob_and_layer(ref: str) -> tuple[str, int | None] | None:
    """Return the blob's name in ``blob:NAME`` or ``left:LAYER:NAME``, and the layer's index; None for anything else."""
    kind, _, rest = ref.partition(":")
    if kind == "blob":
        return rest, None
    index, _, name = rest.partition(":")
    return (name, int(index)) if kind == "left" and index.isdecimal() else None


def _part(moment: Moment) -> Part:
    return "data" if moment.direction == "forward" else "diff"
