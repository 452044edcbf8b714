"""How a blob's values are spread, and which are the largest: asked for only where somebody looks.

The array is read twice in pieces and never copied whole: once for its figures, which say where the bins begin and end,
and once to count.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from caffe_nb import device
from caffe_nb.inspector import on_device
from caffe_nb.inspector.book import Book, checked_array
from caffe_nb.inspector.describe import find_blob, find_net
from caffe_nb.inspector.messages import Distribution, GetDistribution
from caffe_nb.inspector.pieces import Element, Statistics
from caffe_nb.inspector.sample import pieces_of, statistics
from caffe_nb.inspector.tensors import ask_about, values_of
from caffe_nb.net.net import Net

BINS = 64
SIGMAS = 3.0
"""Bins, and colours, reach so many root mean squares from zero."""
LARGEST = 10
"""Elements listed by their magnitude."""
NOT_FINITE = 5
"""Elements listed because they are not finite."""
TIMEOUT = 10.0
"""Seconds that a running net has to come to the question."""


@dataclass(frozen=True)
class Spread:
    """How the values of an array are spread.

    Attributes
    ----------
    low, high : float
        Where the bins begin and end.
    counts : list of int
        Finite elements in each bin of equal width; in each category, where the figures have some.
    below, above : int
        Finite elements outside the bins.
    largest : list of Element
        The first few that are not finite, then those of the largest magnitude, the first of equal ones first.
    """

    low: float
    high: float
    counts: list[int]
    below: int
    above: int
    largest: list[Element]


def answer(request: GetDistribution, book: Book) -> Distribution:
    """Answer a request for a blob's distribution.

    Raises
    ------
    NetError
        Where there is no such net or blob.
    BusyError
        Where the net does not come to the question in time.
    """
    net = find_net(request.net)
    if request.ref.startswith("check:"):
        return _reply(request, checked_array(book.record(net), request.ref), 0)
    return ask_about(net, book, [(request.ref, request.part)], lambda: _of_blob(net, request, book), TIMEOUT)


def _of_blob(net: Net, request: GetDistribution, book: Book) -> Distribution:
    blob = find_blob(net, request.ref)
    version = blob.version if request.part == "data" else blob.diff_version
    with device.active():
        return _reply(request, values_of(net, request.ref, request.part, book).array, version)


def _reply(request: GetDistribution, array: NDArray[Any], version: int) -> Distribution:
    figures = statistics(array)
    spread = distribution(array, figures)
    return Distribution(
        net=request.net,
        ref=request.ref,
        part=request.part,
        low=spread.low,
        high=spread.high,
        counts=spread.counts,
        below=spread.below,
        above=spread.above,
        largest=spread.largest,
        statistics=figures,
        version=version,
    )


def reach(figures: Statistics) -> tuple[float, float]:
    """Return where bins begin and end: at the extremes, but no further from zero than 3 root mean squares."""
    limit = min(SIGMAS * math.hypot(figures.mean, figures.std), sys.float_info.max)
    return max(figures.min, -limit), min(figures.max, limit)


def distribution(array: NDArray[Any], figures: Statistics) -> Spread:
    """Return how the values of an array are spread.

    Parameters
    ----------
    array : ndarray
        Any shape, also an empty one.
    figures : Statistics
        The array's own.
    """
    low, high = (figures.categories[0], figures.categories[-1]) if figures.categories else reach(figures)
    counter, largest, not_finite = _Counter(low, high, figures.categories), _Largest(), _NotFinite()
    if device.holds(array):
        _look_there(array, counter, largest, not_finite)
    else:
        _look_through(array, counter, largest, not_finite)
    elements = not_finite.elements(array.shape) + largest.elements(array.shape)
    return Spread(low, high, counter.counts.tolist(), counter.below, counter.above, elements)


def _look_through(array: NDArray[Any], counter: _Counter, largest: _Largest, not_finite: _NotFinite) -> None:
    start = 0
    for piece in pieces_of(array):
        finite = np.isfinite(piece)
        if finite.all():
            largest.add(piece, start)
            counter.add(piece)
        else:
            not_finite.add(piece, np.flatnonzero(~finite), start)
            largest.add(np.where(finite, piece, np.nan), start)
            counter.add(piece[finite])
        start += piece.size


def _look_there(array: Any, counter: _Counter, largest: _Largest, not_finite: _NotFinite) -> None:
    """Do the same on a device, and copy what is found."""
    start, categories = 0, counter.categories.astype(int).tolist()
    for piece in on_device.pieces_of(array):
        below, *counts, above = on_device.counts_in_bins(
            piece, counter.low, counter.high, len(counter.counts), categories
        ).tolist()
        counter.counts += counts
        counter.below, counter.above = counter.below + below, counter.above + above
        largest.take(*on_device.largest(piece, LARGEST), start)
        not_finite.take(*on_device.not_finite(piece, NOT_FINITE), start)
        start += piece.size


class _Counter:
    """Counts finite values in bins."""

    def __init__(self, low: float, high: float, categories: list[int]) -> None:
        self.low, self.high = low, high
        self.categories = np.array(categories, np.float64)
        self.counts = np.zeros(len(categories) or BINS, np.int64)
        self.below = self.above = 0

    def add(self, piece: NDArray[np.float64]) -> None:
        if not piece.size:
            return
        bins = len(self.counts)
        if self.categories.size:
            at = np.searchsorted(self.categories, piece)
        else:
            if piece.min() < self.low or piece.max() > self.high:
                self.below += int(np.count_nonzero(piece < self.low))
                self.above += int(np.count_nonzero(piece > self.high))
                piece = piece[(piece >= self.low) & (piece <= self.high)]
            width = self.high / 2 - self.low / 2  # halves: the difference of the largest floats is no number
            share = (piece / 2 - self.low / 2) / width if width > 0 else np.zeros(piece.size)
            at = np.minimum((share * bins).astype(np.int64), bins - 1)
        self.counts += np.bincount(at, minlength=bins)


class _NotFinite:
    """The first elements that are not finite."""

    def __init__(self) -> None:
        self.found: list[tuple[int, float]] = []

    def add(self, piece: NDArray[np.float64], which: NDArray[np.intp], start: int) -> None:
        self.take(which, piece[which[:NOT_FINITE]], start)

    def take(self, at: NDArray[np.intp], values: NDArray[np.float64], start: int) -> None:
        """Take in the first ones of a piece, by their places in it."""
        room = NOT_FINITE - len(self.found)
        self.found += [(start + int(i), float(value)) for i, value in zip(at[:room], values[:room], strict=True)]

    def elements(self, shape: Sequence[int]) -> list[Element]:
        return [Element(index=_index(at, shape), value=None, sign=_sign(value)) for at, value in self.found]


class _Largest:
    """The elements of the largest magnitude."""

    def __init__(self) -> None:
        self.at = np.zeros(0, np.int64)
        self.values = np.zeros(0)
        self.least = -1.0

    def add(self, piece: NDArray[np.float64], start: int) -> None:
        sizes = np.abs(piece)  # NaN where it is not to be counted: no comparison holds for it
        above = np.flatnonzero(sizes > self.least)
        if not above.size:
            return
        if above.size > 4 * LARGEST:  # leaves out all but the ten, and those that equal the least of them
            least = np.partition(sizes[above], above.size - LARGEST)[above.size - LARGEST]
            more = above[sizes[above] > least]
            above = np.sort(np.concatenate([more, above[sizes[above] == least][: LARGEST - more.size]]))
        self.take(above, piece[above], start)

    def take(self, found: NDArray[np.intp], its: NDArray[np.float64], start: int) -> None:
        """Take in the largest ones of a piece, by their places in it."""
        at, values = np.append(self.at, found + start), np.append(self.values, its)
        best = np.argsort(-np.abs(values), kind="stable")[:LARGEST]
        self.at, self.values = at[best], values[best]
        if best.size == LARGEST:
            self.least = float(np.abs(self.values[-1]))

    def elements(self, shape: Sequence[int]) -> list[Element]:
        found = zip(self.at, self.values, strict=True)
        return [Element(index=_index(int(at), shape), value=float(value), sign="") for at, value in found]


def _index(at: int, shape: Sequence[int]) -> list[int]:
    return [int(i) for i in np.unravel_index(at, tuple(shape))] if shape else []


def _sign(value: float) -> Literal["nan", "+inf", "-inf"]:
    if math.isnan(value):
        return "nan"
    return "+inf" if value > 0 else "-inf"
