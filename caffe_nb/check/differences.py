"""The comparison itself: what backward gives against central differences, element by element."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from caffe_nb.check.lines import Lines, Slope
from caffe_nb.check.report import GradientReport, GradientRow
from caffe_nb.check.run import Runner
from caffe_nb.check.slopes import measure, typical

Array = NDArray[Any]
Progress = Callable[[int, int], object]

TOLERANCE = 1e-5
"""Greatest relative error of a right gradient where forward computes in float64."""
_LADDER = (1.0, 1 / 30, 1 / 1000, 30.0)
_ROUGH_LADDER = (1.0, 1 / 8, 8.0, 1 / 50)
_SMALL = 1e-3
"""A gradient smaller than this fraction of the blob's largest is compared as if it were that large."""
_INSENSITIVE = 1e-7
"""So is one that moves the largest top by less than this, relatively, when the values double."""
_RETRIES = 200
_LEAST = 12
"""However slow a layer is, so many elements of each blob are checked."""
_QUICK = 0.1
"""Seconds in which a blob of a live net is compared one by one, without asking a line first."""


@dataclass
class Settings:
    """How a check is done.

    Attributes
    ----------
    seed : int
        Of the top diffs and of the sample.
    tolerance : float or None
        Greatest relative error; None chooses it from the precision in which forward computes.
    max_elements : int
        Blobs with more are sampled.
    seconds : float or None
        About how long the forwards may take in all; blobs are sampled more thinly for it. None for no limit.
    full : bool
        Whether every element is compared by itself, however many there are.
    progress : callable or None
        Called with the elements done and the elements in all.
    """

    seed: int = 0
    tolerance: float | None = None
    max_elements: int = 1000
    seconds: float | None = None
    full: bool = False
    progress: Progress | None = None


@dataclass
class Points:
    """The elements of one blob that are compared.

    Attributes
    ----------
    index : int
        Of the blob in the runner's values.
    sample : array of int
        Flat indices of the elements.
    steps, analytic, numeric, error : arrays
        One entry an element.
    kink : array of bool
        Elements where the layer has no derivative and backward's value is one of the right ones.
    small : float
        Gradients below count as that large.
    """

    index: int
    sample: NDArray[np.intp]
    steps: Array
    analytic: Array
    numeric: Array = field(init=False)
    error: Array = field(init=False)
    kink: Array = field(init=False)
    small: float = 0.0

    def __post_init__(self) -> None:
        self.analytic = self.analytic.astype(np.float64)
        self.kink = np.zeros(len(self.sample), bool)


class Comparison:
    """Compares the gradients of one subject.

    Parameters
    ----------
    runner : Runner
        Runs it.
    settings : Settings
        How.
    """

    def __init__(self, runner: Runner, settings: Settings) -> None:
        self.runner = runner
        self.subject = runner.subject
        self.settings = settings
        self.random = np.random.default_rng(settings.seed & 0xFFFFFFFF)
        self.tops: list[Array] = []
        self.precision = 2.2e-16
        self.tolerance = settings.tolerance or TOLERANCE
        self.done = self.total = 0

    def report(self) -> GradientReport:
        """Run the whole check."""
        __tracebackhide__ = True
        report = GradientReport(self.subject.title, notes=self.subject.notes)
        rows = self._rows()
        if all(row.skipped for row in rows):
            report.rows = rows
            return report
        self.tops = self.runner.start(self.random)
        analytic, fills, second = self._two_backwards()
        for index, row in enumerate(rows):
            if not row.skipped:
                row.shape = self.runner.values[index].shape
                self._take_analytic(index, row, analytic[index], fills[index], second[index])
        checked = [index for index, row in enumerate(rows) if not row.skipped and row.analytic_array.size]
        if checked and self._tops_are_finite():
            self._measure_precision(checked)
            samples = self._samples(rows, checked, analytic)
            self.total = sum(len(sample) for sample in samples.values())
            for index, sample in samples.items():
                self._compare(index, rows[index], sample)
        elif checked:
            for index in checked:
                rows[index].ok, rows[index].max_error, rows[index].fault = False, np.nan, "non-finite"
                rows[index].remark = "forward gives NaN or infinity, of which differences say nothing"
        report.rows = rows
        report.forwards, report.backwards = self.runner.forwards, self.runner.backwards
        return report

    def _rows(self) -> list[GradientRow]:
        subject, rows = self.subject, []
        for index, blob in enumerate(self.runner.blobs):
            bottom = index < len(subject.bottoms)
            place = index if bottom else index - len(subject.bottoms)
            row = GradientRow(f"{'bottom' if bottom else 'param'}[{place}]", blob.shape, subject.names[index])
            row.skipped = (subject.skipped if bottom else subject.skipped_params).get(place, "")
            rows.append(row)
        return rows

    def _tops_are_finite(self) -> bool:
        bad = [i for i, top in enumerate(self.tops) if not np.isfinite(top).all()]
        if bad:
            self.subject.notes.append(f"NaN or infinity in {', '.join(f'top[{i}]' for i in bad)}")
        return not bad

    def _measure_precision(self, checked: Sequence[int]) -> None:
        scales = [typical(value) for value in self.runner.values]
        self.precision = self.runner.precision(self.tops, checked, scales, self.random)
        rough = float(200 * self.precision ** (2 / 3))
        self.tolerance = self.settings.tolerance or max(TOLERANCE, rough)
        if self.precision > 1e-8:
            self.subject.notes.append(
                "forward computes in float32 somewhere, so the steps are larger and errors up to "
                f"{self.tolerance:.1g} are let pass"
            )

    # backward

    def _two_backwards(self) -> tuple[list[Array], list[Array], list[Array]]:
        """Run backward onto zeroed bottom diffs and onto garbage, which shows what it does not write."""
        zeros = [np.zeros(bottom.shape) for bottom in self.subject.bottoms]
        try:
            first = self.runner.backward(zeros)
        except Exception:
            if self.subject.given or not self.subject.scalar_tops or len(zeros) < 2:
                raise
            self.subject.propagate_down = [i == 0 and flag for i, flag in enumerate(self.subject.propagate_down)]
            first = self.runner.backward(zeros)  # many losses refuse the gradient of their labels
            for index in range(1, len(zeros)):
                self.subject.skipped.setdefault(index, "backward refuses its gradient: taken as labels")
        sizes = [max(1.0, float(np.abs(diff[np.isfinite(diff)]).max(initial=0.0))) for diff in first]
        fills: list[Array] = [self.random.uniform(1, 2, diff.shape) * s for diff, s in zip(first, sizes, strict=True)]
        fills = [fill.astype(blob.dtype) for fill, blob in zip(fills, self.runner.blobs, strict=True)]
        return first, fills, self.runner.backward(fills[: len(zeros)])

    def _take_analytic(self, index: int, row: GradientRow, first: Array, fill: Array, second: Array) -> None:
        """Enter what backward gave, and whether it wrote all of it."""
        row.analytic_array = first
        row.numeric_array, row.error_array = np.full(first.shape, np.nan), np.full(first.shape, np.nan)
        row.skipped = self.subject.skipped.get(index, "") if index < len(self.subject.bottoms) else ""
        if index >= len(self.subject.bottoms) or self.runner.in_place(index) or row.skipped:
            return
        unwritten = second == fill
        added = np.isclose(second, first + fill, rtol=1e-6, atol=0) & (first != 0) & (np.abs(first) > 1e-5 * fill)
        label = self._label(index, first, unwritten)
        if label:
            row.skipped = label
        elif added.any():
            row.ok, row.fault = False, "accumulates-bottom-diff"
            row.remark = "backward adds to the bottom's diff, which nobody clears: assign to it (=) instead of +="
        elif unwritten.any():
            what, row.fault = "does not write the diff", "not-written"
            row.remark = (
                f"backward {what}" if unwritten.all() else f"backward {what} of {int(unwritten.sum())} elements"
            )
        elif not np.allclose(first, second, rtol=1e-3, atol=1e-12 * float(fill.max(initial=0)), equal_nan=True):
            row.ok = False
            row.remark = "backward gives another diff the second time, or uses what was in the diff before"

    def _label(self, index: int, first: Array, unwritten: Array) -> str:
        """Return why a bottom of a loss has no gradient to check, by convention; empty when it has one."""
        if self.subject.given or index == 0 or not self.subject.scalar_tops:
            return ""
        value = self.runner.values[index]
        if unwritten.all():
            return "backward leaves its diff alone: taken as the loss's labels or weights"
        if not first.any() and np.array_equal(value, np.round(value)):
            return "whole numbers without a gradient: taken as labels"
        return ""

    # differences

    def _affordable(self, blobs: int, seconds: float | None) -> int:
        """Return how many elements of each blob can be compared one by one in that time."""
        if self.settings.full:
            return sys.maxsize
        most = max(1, self.settings.max_elements)
        if seconds is None:
            return most
        forwards = seconds / max(self.runner.seconds, 1e-6)
        return min(most, int(forwards / 2 / max(blobs, 1)))

    def _samples(
        self, rows: Sequence[GradientRow], checked: Sequence[int], analytic: Sequence[Array]
    ) -> dict[int, NDArray[np.intp]]:
        """Choose what is compared one by one: all of a small blob, nothing of one that is right on a line."""
        seconds = self.settings.seconds
        quick = self._affordable(len(checked), None if seconds is None else min(_QUICK, seconds))
        most = max(_LEAST, self._affordable(len(checked), seconds))
        lines = Lines(self.runner, analytic, self.precision, self.tolerance, self.random)
        samples: dict[int, NDArray[np.intp]] = {}
        for index in checked:
            row, size = rows[index], rows[index].analytic_array.size
            plain = size <= quick or not row.ok or not np.isfinite(analytic[index]).all()
            slope = None if plain else lines.slope(index)
            if slope is not None:
                self._fill_line(row, slope)
                continue
            samples[index] = self._sample(row, most)
            if not plain:
                samples[index] = np.union1d(samples[index], np.array(lines.suspects(index), np.intp))
            if len(samples[index]) < size:
                where = " and where a random line was off" * (not plain)
                self.subject.notes.append(
                    f"{row.label}: {len(samples[index])} of {size} elements, chosen at random{where}"
                )
        return samples

    def _fill_line(self, row: GradientRow, slope: Slope) -> None:
        row.line, row.checked, row.tolerance = True, row.analytic_array.size, self.tolerance
        row.analytic, row.numeric, row.max_error = slope.analytic, slope.numeric, slope.error
        if slope.near:
            self.subject.notes.append(
                f"{row.label}: compared beside these values, which lie at kinks (zeros or ties) of forward"
            )

    def _sample(self, row: GradientRow, most: int) -> NDArray[np.intp]:
        size = row.analytic_array.size
        if size <= most:
            return np.arange(size)
        chosen = self.random.choice(size, most, replace=False)
        finite = np.nan_to_num(np.abs(row.analytic_array.ravel()), nan=np.inf)
        largest = int(np.argmax(finite))
        if largest not in chosen:
            chosen[0] = largest
        return np.sort(chosen)

    def _compare(self, index: int, row: GradientRow, sample: NDArray[np.intp]) -> None:
        value = self.runner.values[index]
        sizes = np.maximum(np.abs(value.ravel()[sample].astype(np.float64)), typical(value))
        points = Points(index, sample, self.precision ** (1 / 3) * sizes, row.analytic_array.ravel()[sample])
        slopes = np.empty((len(sample), 4))
        for place, element in enumerate(sample):
            slopes[place] = self._slopes(index, int(element), float(points.steps[place]))
            self._tick()
        points.numeric = slopes[:, 2].copy()
        points.small = _SMALL * float(np.abs(points.numeric[np.isfinite(points.numeric)]).max(initial=0.0))
        points.small = max(points.small, _INSENSITIVE * self._largest_top(index) / typical(value))
        points.error = self._error(points.analytic, points.numeric, points.small, slopes[:, 3])
        largest = max(float(np.nan_to_num(np.abs(points.analytic)).max(initial=0.0)), points.small / _SMALL)
        if 0 < largest < 3 * float(slopes[:, 3].max(initial=0.0)) and self.precision > 1e-8:
            self.subject.notes.append(
                f"{row.label}: the gradients are so small beside the tops' rounding that differences hardly see them"
            )
        wrong = np.flatnonzero(~(points.error <= self.tolerance))
        for tries, place in enumerate(map(int, wrong)):
            points.kink[place] = self._between(float(points.analytic[place]), slopes[place], points.small)
            if not points.kink[place] and tries < _RETRIES and np.isfinite(points.analytic[place]):
                self._retry(points, place)
        self._fill(row, points)

    def _retry(self, points: Points, place: int) -> None:
        """Try other steps where the first one disagrees: a step may be too wide for the function, or too narrow."""
        analytic = points.analytic[[place]]
        for factor in (_LADDER if self.precision < 1e-8 else _ROUGH_LADDER)[1:]:
            slopes = self._slopes(points.index, int(points.sample[place]), float(points.steps[place]) * factor)
            if slopes[3] > 0.05 * max(abs(analytic[0]), abs(slopes[2]), points.small):
                continue  # all rounding: this step says nothing
            error = self._error(analytic, slopes[None, 2], points.small, slopes[None, 3])[0]
            if error <= self.tolerance or not np.isfinite(points.numeric[place]):
                points.numeric[place], points.error[place] = slopes[2], error
            if error <= self.tolerance:
                return
            if factor < 1 and self._between(float(analytic[0]), slopes, points.small):
                points.kink[place] = True
                return

    def _slopes(self, index: int, element: int, step: float) -> NDArray[np.float64]:
        """Return the bounds of a right slope at an element, the central slope, and what rounding makes of it."""
        flat = self.runner.values[index].reshape(-1)
        at = flat[element]
        try:
            flat[element] = at + step
            above, up = float(flat[element]), self.runner.forward()
            flat[element] = at - step
            below, down = float(flat[element]), self.runner.forward()
        finally:
            flat[element] = at
        shapes = [[top.shape for top in tops] for tops in (self.tops, up, down)]
        if shapes != shapes[:1] * 3 or above <= below:
            return np.array([np.nan, np.nan, np.nan, 0.0])
        return measure(
            self.runner.top_diffs, (down, self.tops, up), (float(at) - below, above - float(at)), self.precision
        )

    def _largest_top(self, index: int) -> float:
        """Return the largest top here or with the blob's values in another order: a loss of zero hides its rounding."""
        flat = self.runner.values[index].reshape(-1)
        kept = flat.copy()
        try:
            flat[...] = self.random.permutation(kept)
            moved = self.runner.forward()
        except Exception:
            moved = []  # the layer does not take its values in this order
        finally:
            flat[...] = kept
        pairs = zip(self.runner.top_diffs * 2, [*self.tops, *moved], strict=False)
        sizes = [np.abs(diff * top) for diff, top in pairs if diff.shape == top.shape]
        return max((float(size[np.isfinite(size)].max(initial=0.0)) for size in sizes), default=0.0)

    def _error(self, analytic: Array, numeric: Array, small: float, noise: Array) -> NDArray[np.float64]:
        """Return the relative errors; infinity where a value is not finite."""
        with np.errstate(invalid="ignore", over="ignore"):
            scale = np.maximum(np.maximum(np.abs(analytic), np.abs(numeric)), np.maximum(small, noise / self.tolerance))
            error = np.abs(analytic - numeric) / np.where(scale > 0, scale, 1.0)
        return np.where(np.isfinite(error), error, np.inf)

    def _between(self, analytic: float, slopes: Array, small: float) -> bool:
        """Whether a value lies between the slopes to both sides: at a kink each of those is right."""
        if not np.isfinite(slopes).all() or not np.isfinite(analytic):
            return False
        low, high = slopes[:2]
        slack = self.tolerance * max(abs(low), abs(high), small) + float(slopes[3])
        return bool(low - slack <= analytic <= high + slack and high - low > slack)

    def _fill(self, row: GradientRow, points: Points) -> None:
        sample, error = points.sample, np.where(points.kink, 0.0, points.error)
        row.numeric_array.reshape(-1)[sample] = points.numeric
        row.error_array.reshape(-1)[sample] = error
        row.checked, row.kinks, row.tolerance = len(sample), int(points.kink.sum()), self.tolerance
        row.max_error = float(error.max())
        with np.errstate(invalid="ignore"):
            distance = np.nan_to_num(np.abs(points.analytic - points.numeric), nan=np.inf)
        worst = int(np.argmax(np.where(error >= 0.99 * row.max_error, distance, -1.0)))
        row.worst = tuple(int(i) for i in np.unravel_index(sample[worst], row.shape))
        row.analytic, row.numeric = float(points.analytic[worst]), float(points.numeric[worst])
        row.ok = row.ok and bool((error <= self.tolerance).all())
        if not np.isfinite(row.analytic_array).all():
            row.ok, row.fault = False, "non-finite"
            row.remark = row.remark or "backward gives NaN or infinity"

    def _tick(self) -> None:
        self.done += 1
        if self.settings.progress is not None:
            self.settings.progress(self.done, self.total)
