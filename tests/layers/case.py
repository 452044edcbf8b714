"""A row of the table that drives every layer type (tests/layers/cases.py), and how its bottoms are drawn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from caffe_nb.core.layer import Layer, Phase

Array = NDArray[Any]
TRAIN, TEST = Phase.TRAIN, Phase.TEST


@dataclass(frozen=True)
class Input:
    """How a bottom is drawn: a shape, and a function of generator and shape. Axis 0 is the batch."""

    shape: tuple[int, ...]
    draw: Callable[[np.random.Generator, tuple[int, ...]], Array]
    batched: bool = True

    def __call__(self, seed: int, batch: int | None = None) -> Array:
        shape = self.shape if batch is None or not self.batched else (batch, *self.shape[1:])
        return np.asarray(self.draw(np.random.default_rng(seed), shape), np.float64)


def normal(*shape: int) -> Input:
    return Input(shape, lambda rng, s: rng.standard_normal(s))


def positive(*shape: int) -> Input:
    return Input(shape, lambda rng, s: rng.uniform(0.5, 2, s))


def distinct(*shape: int) -> Input:
    """Values that are at least 0.05 apart and at least 0.025 away from 0: far from every kink of ReLU and maxima."""
    return Input(shape, lambda rng, s: (rng.permutation(int(np.prod(s))).reshape(s) - np.prod(s) // 2 + 0.5) * 0.05)


def labels(classes: int, *shape: int) -> Input:
    return Input(shape, lambda rng, s: rng.integers(classes, size=s))


def given(values: ArrayLike) -> Input:
    array = np.asarray(values, np.float64)
    return Input(array.shape, lambda rng, s: array, batched=False)


@dataclass(frozen=True)
class Case:
    """One way of using a layer type.

    Attributes
    ----------
    type, name : the Caffe type, and what is special about this row.
    text : the layer's parameters, as in a prototxt.
    bottoms : how to draw each bottom.
    tops : how many tops.
    shapes : the tops' shapes that are expected.
    reference : computes the tops from the bottoms, and the parameters after them, in plain NumPy; None where there is
        none that is simpler than the layer (the golden figures hold those).
    propagate_down : which bottoms get a gradient; None for all but the labels.
    silent_tops : tops that give no gradient (probabilities, masks, counts).
    random : draws random numbers, others in float32 than in float64.
    derivative : False where the backward is not the derivative of the forward, on purpose.
    other_batch : whether the layer takes a batch of another size.
    files : writes what the layer reads into its net's folder, before setup.
    prepare : hands data to the layer after setup.
    """

    type: str
    name: str
    text: str = ""
    bottoms: tuple[Input, ...] = ()
    tops: int = 1
    shapes: tuple[tuple[int, ...], ...] | None = None
    reference: Callable[..., Any] | None = None
    propagate_down: tuple[bool, ...] | None = None
    silent_tops: tuple[int, ...] = ()
    random: bool = False
    derivative: bool = True
    other_batch: bool = True
    phase: Phase = TRAIN
    files: Callable[[Path], object] | None = None
    prepare: Callable[[Layer], object] | None = None

    def __str__(self) -> str:
        return f"{self.type}-{self.name.replace(' ', '-')}"


def softmax(x: Array, axis: int = 1) -> Array:
    """The definition, for the rows that compare with it."""
    e = np.exp(x - x.max(axis, keepdims=True))
    y: Array = e / e.sum(axis, keepdims=True)
    return y
