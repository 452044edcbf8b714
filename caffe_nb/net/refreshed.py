"""What a refresh did: which layers ran, and what became of the tops of those whose code had changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from caffe_nb.core.blob import Blob
from caffe_nb.net.build import Node


@dataclass(frozen=True)
class Change:
    """How a top of a layer with new code differs from what it was.

    Attributes
    ----------
    layer, top : str
        Their names.
    difference : float
        The largest absolute difference; 0 where all is the same bit for bit, NaN where one side has NaN and the other
        not, infinite where the shapes differ.
    where : tuple of int
        Its place; empty where there is none.
    shapes : (tuple, tuple)
        Before and after.
    """

    layer: str
    top: str
    difference: float
    where: tuple[int, ...]
    shapes: tuple[tuple[int, ...], tuple[int, ...]]

    def __str__(self) -> str:
        if self.shapes[0] != self.shapes[1]:
            return f"{self.layer}: top '{self.top}' has shape {self.shapes[1]}, before {self.shapes[0]}"
        if self.difference == 0:
            return f"{self.layer}: top '{self.top}' bit-identical"
        place = f" at {self.where}" if self.where else ""
        return f"{self.layer}: top '{self.top}' max difference {self.difference:.3g}{place}"


@dataclass(frozen=True)
class Refreshed:
    """What `Net.refresh` did; its text is a line for the layers that ran and one for each changed top.

    Attributes
    ----------
    layers : list of str
        The layers that ran, in order.
    of : int
        How many the net has.
    seconds : float
        How long it took.
    changes : list of Change
        The tops of layers whose code had changed.
    """

    layers: list[str]
    of: int
    seconds: float
    changes: list[Change] = field(default_factory=list)

    def __str__(self) -> str:
        if not self.layers:
            return "nothing is stale: nothing ran"
        first = f"ran {len(self.layers)} of {self.of} layers in {1e3 * self.seconds:.1f} ms"
        return "\n".join([first, *map(str, self.changes)])

    __repr__ = __str__


class Comparison:
    """Holds the tops of layers as they are, to be compared with what they become.

    Parameters
    ----------
    nodes : sequence of Node
        The layers.
    """

    def __init__(self, nodes: Sequence[Node]) -> None:
        self._before: list[tuple[str, str, Blob, np.ndarray]] = [
            (node.name, name, blob, blob.const_data.copy())
            for node in nodes
            for name, blob in zip(node.top_names, node.tops, strict=True)
        ]

    def changes(self) -> list[Change]:
        """Return how the tops differ now."""
        return [_change(layer, name, before, blob.const_data) for layer, name, blob, before in self._before]


def _change(layer: str, name: str, before: np.ndarray, after: np.ndarray) -> Change:
    shapes = (before.shape, after.shape)
    if before.shape != after.shape:
        return Change(layer, name, float("inf"), (), shapes)
    bits = f"u{before.itemsize}"  # NaNs compare too, and 0 is not -0
    if np.array_equal(before.view(bits), after.view(bits)):
        return Change(layer, name, 0.0, (), shapes)
    with np.errstate(invalid="ignore", over="ignore"):
        apart = np.abs(np.subtract(after, before, dtype=np.float64))
    apart[(before == after) | (np.isnan(before) & np.isnan(after))] = 0
    flat = int(np.argmax(np.where(np.isnan(apart), np.inf, apart)))
    where = tuple(int(i) for i in np.unravel_index(flat, apart.shape))
    return Change(layer, name, float(apart.flat[flat]), where, shapes)
