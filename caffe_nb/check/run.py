"""Running a layer again and again from the same state: same values, same random numbers, same attributes."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from caffe_nb.check.report import shape_text
from caffe_nb.check.state import Attributes, RandomState, keeps_float32, widen
from caffe_nb.check.subject import Subject
from caffe_nb.core.blob import Blob

Array = NDArray[Any]

GARBAGE = (1.7320508e3, -2.6457513e3)
"""What lies in the tops of a user's layer before forward, to show what is not written."""


class Runner:
    """Runs a subject's forward and backward at given values.

    Parameters
    ----------
    subject : Subject
        The layer and its blobs.
    random : RandomState
        Replayed before every forward.

    Attributes
    ----------
    values : list of arrays
        The values of the bottoms, then of the parameters, copied into the blobs before every forward. Changing an
        element here is how a perturbed forward is asked for.
    top_diffs : list of arrays
        The random gradient of the objective by the tops, once `start` has run.
    forwards, backwards : int
        Runs so far.
    seconds : float
        How long the last forward took.
    repeats : bool
        Whether forward gives the same values from the same state.
    written : bool
        Whether forward writes all of its tops without reading them; known where it does not seem to repeat itself.
    tops : list of arrays
        What the last forward gave.
    fresh : Attributes or None
        The layer's attributes before its first forward, once `start` has run.
    """

    def __init__(self, subject: Subject, random: RandomState) -> None:
        self.subject = subject
        self.random = random
        self.blobs: list[Blob] = [*subject.bottoms, *subject.layer.blobs]
        self.values: list[Array] = [blob.const_data.copy() for blob in self.blobs]
        self.top_diffs: list[Array] = []
        self.forwards = 0
        self.backwards = 0
        self.seconds = 0.0
        self.repeats = True
        self.fresh: Attributes | None = None
        self.written = True
        self.tops: list[Array] = []
        self._first: list[Array] = []
        self._attributes: Attributes | None = None
        self._ran = False  # whether forward has just run at these values

    def start(self, generator: np.random.Generator) -> list[Array]:
        """Run forward at the given values for the first time, and choose the top diffs.

        Parameters
        ----------
        generator : numpy.random.Generator
            For the top diffs: of either sign and of size 0.5 to 1.5, so that no top is left out; 0 for those
            without a gradient.

        Returns
        -------
        list of arrays
            The tops.
        """
        __tracebackhide__ = True
        self.fresh = self.attributes()
        self._widen()
        shapes = [top.shape for top in self.subject.tops]
        first = self.forward(self._garbage(0))
        self._note_late(shapes)
        if any(blob.shape != value.shape for blob, value in zip(self.blobs, self.values, strict=True)):
            self.values = [blob.const_data.copy() for blob in self.blobs]  # a parameter shaped by the first forward
            first = self.forward(self._garbage(0))
        self.top_diffs = [
            generator.uniform(0.5, 1.5, top.shape) * generator.choice([-1.0, 1.0], top.shape) for top in first
        ]
        for index in self.subject.unused:
            self.top_diffs[index] = np.zeros(first[index].shape)
        self._first, self._ran = first, True
        return first

    def repeat(self) -> None:
        """Run forward once more, with other numbers in the tops before it; where it differs, find out why."""
        __tracebackhide__ = True
        if not same(self._first, self.forward(self._garbage(1))):
            self._attributes = self.fresh
            if same(self._first, self.forward(self._garbage(1))):
                self.subject.notes.append(
                    "forward depends on what earlier passes left in the layer's attributes; each pass of the check"
                    " starts from the same ones"
                )
            else:
                self.written = not same(self._first, self.forward(self._garbage(0)))
                self.repeats = same(self.forward(), self.forward())
                if not self.repeats:
                    self.subject.notes.append(
                        "forward gives other values each time: it draws random numbers from a generator that the check"
                        " cannot replay. Use numpy.random's global functions"
                    )
        self._ran = True

    @property
    def restores(self) -> bool:
        """Whether each pass starts from the same attributes, since forward depends on them."""
        return self._attributes is not None

    def _garbage(self, which: int) -> float | None:
        """Return what lies in the tops before; built-in layers are known to write theirs."""
        return None if self.subject.built_in else GARBAGE[which]

    def _note_late(self, shapes: Sequence[tuple[int, ...]]) -> None:
        """Say which tops got their shape in forward only: right where it depends on values, else too late."""
        for index, (before, top) in enumerate(zip(shapes, self.subject.tops, strict=True)):
            if before != top.shape:
                self.subject.notes.append(
                    f"top[{index}] gets its shape {shape_text(top.shape)} in forward only; reshape left"
                    f" {shape_text(before)}. Unless it depends on values, set it in reshape: a net is built on the"
                    " shapes that reshape gives"
                )

    def attributes(self) -> Attributes:
        """Return what puts the layer's attributes back to what they are now."""
        return Attributes(self.subject.layer, [*self.blobs, *self.subject.tops])

    def forward(self, garbage: float | None = None) -> list[Array]:
        """Run reshape and forward at `values`; return copies of the tops.

        Parameters
        ----------
        garbage : float, optional
            What lies in the tops before forward, but for those that share memory with a bottom.
        """
        __tracebackhide__ = True
        layer, subject = self.subject.layer, self.subject
        self._ran = False
        if self._attributes is not None:
            self._attributes.restore()
        for blob, value in zip(self.blobs, self.values, strict=True):
            if blob.shape != value.shape:
                blob.reshape(*value.shape)
            blob.data[...] = value
        self.random.replay()
        start = time.perf_counter()
        layer.reshape(subject.bottoms, subject.tops)
        self._widen()
        if garbage is not None:
            for top in subject.tops:
                if not any(top.shares_data(bottom) for bottom in subject.bottoms):
                    top.data[...] = garbage
        layer.forward(subject.bottoms, subject.tops)
        self.forwards += 1
        self.seconds = time.perf_counter() - start
        self.tops = [top.const_data.copy() for top in subject.tops]
        return self.tops

    def backward(self, fills: Sequence[Array] | None = None, *, scale: float = 1.0) -> list[Array]:
        """Run forward, then backward; return the diffs of bottoms and parameters.

        Just after `start` and `repeat` forward is not run again.

        Parameters
        ----------
        fills : sequence of arrays, optional
            What lies in the diffs of bottoms and parameters before, by default zeros; ignored where the top is the
            bottom.
        scale : float, default 1
            What the top diffs are multiplied with.
        """
        __tracebackhide__ = True
        subject = self.subject
        if not self._ran:
            self.forward()
        self._ran = False
        for index, blob in enumerate(self.blobs):
            blob.diff[...] = 0 if fills is None else fills[index]
        for top, diff in zip(subject.tops, self.top_diffs, strict=True):
            top.diff[...] = scale * diff
        subject.layer.backward(subject.tops, list(subject.propagate_down), subject.bottoms)
        self.backwards += 1
        return [blob.const_diff.copy() for blob in self.blobs]

    def in_place(self, index: int) -> bool:
        """Whether a bottom's diff lies in the same memory as a top's."""
        bottom = self.subject.bottoms[index]
        return any(bottom is top or bottom.shares_diff(top) for top in self.subject.tops)

    def least_precision(self, checked: Sequence[int]) -> float:
        """Return the relative rounding error of forward as the types of its blobs and buffers have it.

        Parameters
        ----------
        checked : sequence of int
            Indices in `values` of what is checked.
        """
        floor = max(float(np.finfo(self.blobs[index].dtype).eps) for index in checked)
        if keeps_float32(self.subject.layer):
            floor = max(floor, float(np.finfo(np.float32).eps))
        return floor

    def precision(
        self, tops: Sequence[Array], checked: Sequence[int], scales: Sequence[float], generator: np.random.Generator
    ) -> float:
        """Return the relative rounding error of forward: about 1e-16, or 1e-7 where it computes in float32.

        Second differences along a random line through tiny steps: what is left there is rounding. Built-in layers
        compute in the type of their blobs.

        Parameters
        ----------
        tops : sequence of arrays
            What forward gives at `values`.
        checked : sequence of int
            Indices in `values` of what is checked.
        scales : sequence of float
            Typical size of the values of each entry of `values`.
        generator : numpy.random.Generator
            For the line.
        """
        floor = self.least_precision(checked)
        if self.subject.built_in:
            return floor
        saved = [value.copy() for value in self.values]
        lines = {i: generator.uniform(0.5, 1.5, saved[i].shape) * 1e-7 * scales[i] for i in checked}
        for line in lines.values():
            line *= generator.choice([-1.0, 1.0], line.shape)
        runs = [tops]
        try:
            for step in (1, 2):
                for i, line in lines.items():
                    self.values[i][...] = saved[i] + step * line
                runs.append(self.forward())
        finally:
            self.values[:] = saved
        return max([floor, *(_second(each) for each in zip(*runs, strict=True))])

    def _widen(self) -> None:
        if not self.subject.built_in and self.subject.layer.dtype == np.float64:
            widen(self.subject.layer)


def same(first: Sequence[Array], second: Sequence[Array]) -> bool:
    """Whether two lists of arrays are equal, NaN to NaN."""
    return all(a.shape == b.shape and np.array_equal(a, b, equal_nan=True) for a, b in zip(first, second, strict=True))


def _second(tops: Sequence[Array]) -> float:
    if len({top.shape for top in tops}) > 1 or not tops[0].size:
        return 0.0
    a, b, c = (top.astype(np.float64) for top in tops)
    scale = float(np.abs(a).max())
    if not np.isfinite(scale) or scale == 0:
        return 0.0
    with np.errstate(invalid="ignore"):
        left = float(np.abs(a - 2 * b + c).max()) / (2.5 * scale)
    if not np.isfinite(left) or left < 1e-12:
        return 0.0
    return min(max(left, 1.2e-7) if left > 1e-9 else left, 1e-3)
