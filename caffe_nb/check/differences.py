"""The comparison itself: what backward gives against central differences, element by element."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from caffe_nb.check.devices import Devices
from caffe_nb.check.lines import Lines, Slope
from caffe_nb.check.passes import Passes
from caffe_nb.check.report import GradientReport, GradientRow
from caffe_nb.check.run import Runner
from caffe_nb.check.slopes import INSENSITIVE, measure, typical

Array = NDArray[Any]
Progress = Callable[[int, int], object]

TOLERANCE = 1e-5
"""Greatest relative error of a right gradient where forward computes in float64."""
_LADDER = (1.0, 1 / 30, 1 / 1000, 30.0)
_ROUGH_LADDER = (1.0, 1 / 8, 8.0, 1 / 50)
_SMALL = 1e-3
"""A gradient smaller than this fraction of the blob's largest is compared as if it were that large."""
_RETRIES = 200
_LEAST = 12
"""However slow a layer is, so many elements of each blob are checked."""
_QUICK = 0.1
"""Seconds in which a blob of a live net is compared one by one, without asking a line of its own first."""
_STRICTER = 10
"""How much smaller the error along a line has to be than that of an element, since parts of a fault may cancel."""
_HIDDEN = 1e-6
"""Tops smaller than this may hide rounding: a loss of zero does."""


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
    devices : {"cpu", "gpu", "both"} or None
        Where the check runs; None for where layers compute now.
    """

    seed: int = 0
    tolerance: float | None = None
    max_elements: int = 1000
    seconds: float | None = None
    full: bool = False
    progress: Progress | None = None
    devices: Devices | None = None


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
        self.measured = False
        self._take_precision(2.2e-16)
        self.done = self.total = 0

    def report(self) -> GradientReport:
        """Run the whole check."""
        __tracebackhide__ = True
        report = GradientReport(self.subject.title, notes=self.subject.notes)
        rows = self._rows()
        if all(row.skipped for row in rows):
            report.rows = rows
            return report
        self.passes = Passes(self.runner, self.random)
        self.tops = self.passes.tops
        for index, row in enumerate(rows):
            if not row.skipped:
                row.shape = self.runner.values[index].shape
                self.passes.enter(index, row)
        checked = [index for index, row in enumerate(rows) if not row.skipped and row.analytic_array.size]
        if checked and self._tops_are_finite():
            self._take_precision(self.runner.least_precision(checked))
            if not self.settings.full and self._right_along_a_line(rows, checked):
                self.total = sum(rows[index].checked for index in checked)
                self._tick(self.total)
            else:
                self._measure_precision(checked)
                samples = self._samples(rows, checked)
                self.total = sum(len(sample) for sample in samples.values())
                for index, sample in samples.items():
                    self._compare(index, rows[index], sample)
            if self.precision > 1e-8:
                self.subject.notes.append(
                    "forward computes in float32 somewhere, so the steps are larger and errors up to "
                    f"{self.tolerance:.1g} are let pass"
                )
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

    def _take_precision(self, precision: float) -> None:
        self.precision = precision
        self.tolerance = self.settings.tolerance or max(TOLERANCE, float(200 * precision ** (2 / 3)))
        self.lines = Lines(self.runner, precision, self.tolerance / _STRICTER, self.random)

    def _measure_precision(self, checked: Sequence[int]) -> None:
        """Find out how forward rounds, once."""
        if not self.measured:
            scales = [typical(value) for value in self.runner.values]
            self._take_precision(self.runner.precision(self.tops, checked, scales, self.random))
            self.measured = True

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

    def _right_along_a_line(self, rows: Sequence[GradientRow], checked: Sequence[int]) -> bool:
        """Compare everything at once along one random line, and beside the values where that line meets kinks.

        Where a user's layer lies at kinks, its small blobs are not taken for right before the kinks themselves are.
        """
        gradients = self.passes.gradients
        if not all(rows[index].ok and np.isfinite(gradients[index]).all() for index in checked):
            return False
        if not (self.runner.repeats and self.runner.written):
            return False
        slope: Slope | None = self.lines.slope(checked, gradients, self.tops)
        if self._is_off(slope) and self.subject.scalar_tops and max(float(abs(t.item())) for t in self.tops) < _HIDDEN:
            self.lines.largest = max(self._largest_top(index) for index in checked[:1])
            slope = self.lines.slope(checked, gradients, self.tops)
        if self._is_off(slope) and not self.subject.built_in:
            before = self.precision
            self._measure_precision(checked)
            if self.precision > before:
                slope = self.lines.slope(checked, gradients, self.tops)
        if self._is_off(slope) and self.subject.built_in and self.subject.layer.inexact:
            for index in checked:  # each on its own line says which are, on purpose, no derivatives
                self._fill_line(rows[index], self.lines.slope([index], gradients, self.tops))
            return True
        few = self._few(checked)
        if self._is_off(slope) and (self.subject.built_in or all(rows[i].analytic_array.size > few for i in checked)):
            slope = self.lines.beside(checked)
        if slope is None or self._is_off(slope):
            return False
        for index in checked:
            self._fill_line(rows[index], slope)
        return True

    def _is_off(self, slope: Slope | None) -> bool:
        return slope is None or slope.error > self.lines.tolerance

    def _few(self, checked: Sequence[int]) -> int:
        """Return how many elements a blob may have to be compared one by one without asking a line of its own."""
        seconds = self.settings.seconds
        return self._affordable(len(checked), None if seconds is None else min(_QUICK, seconds))

    def _samples(self, rows: Sequence[GradientRow], checked: Sequence[int]) -> dict[int, NDArray[np.intp]]:
        """Choose what is compared one by one: all of a small blob, nothing of one that is right on its own line."""
        few, most = self._few(checked), max(_LEAST, self._affordable(len(checked), self.settings.seconds))
        gradients = self.passes.gradients
        samples: dict[int, NDArray[np.intp]] = {}
        for index in checked:
            row, size = rows[index], rows[index].analytic_array.size
            plain = size <= few or not row.ok or not np.isfinite(gradients[index]).all()
            slope = None if plain else self.lines.slope([index], gradients, self.tops)
            if not plain and self._is_off(slope):
                slope = self.lines.beside([index])
            if slope is not None and not self._is_off(slope):
                self._fill_line(row, slope)
                continue
            samples[index] = self._sample(row, most)
            if not plain:
                suspects = self.lines.suspects(index, gradients, self.tops)
                samples[index] = np.union1d(samples[index], np.array(suspects, np.intp))
            if len(samples[index]) < size:
                where = " and where a random line was off" * (not plain)
                self.subject.notes.append(
                    f"{row.label}: {len(samples[index])} of {size} elements, chosen at random{where}"
                )
        return samples

    def _fill_line(self, row: GradientRow, slope: Slope) -> None:
        row.line, row.checked, row.tolerance = True, row.analytic_array.size, self.lines.tolerance
        row.analytic, row.numeric, row.max_error = slope.analytic, slope.numeric, slope.error
        row.ok = not self._is_off(slope)
        if slope.near:
            row.remark = row.remark or "compared beside these values, which lie at kinks (zeros or ties) of forward"

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
        points.small = max(points.small, INSENSITIVE * self._largest_top(index) / typical(value))
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
        row.numeric_array, row.error_array = np.full(row.shape, np.nan), np.full(row.shape, np.nan)
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

    def _tick(self, elements: int = 1) -> None:
        self.done += elements
        if self.settings.progress is not None:
            self.settings.progress(self.done, self.total)
