"""The two passes every check begins with, and what they show beside the gradients: what is written, added to, ignored.

The first backward finds zeros in the diffs of bottoms and parameters. The second one finds random numbers there and
top diffs twice as large: what it writes into a bottom is twice the first, into a parameter twice the first and what was
there. Only where that does not hold a third pass, with the random numbers and the first top diffs, tells why.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from caffe_nb.check.findings import Finding
from caffe_nb.check.report import GradientRow
from caffe_nb.check.run import Runner

Array = NDArray[Any]


class Passes:
    """Runs a layer forward and backward twice.

    Parameters
    ----------
    runner : Runner
        Has not run yet.
    random : numpy.random.Generator
        For the top diffs and what lies in the diffs before.

    Attributes
    ----------
    tops : list of arrays
        What forward gives.
    gradients : list of arrays
        What backward gives for the bottoms, then for the parameters.
    findings : list of Finding
        Memory that the passes of a user's layer wrote although it belongs to others.
    """

    def __init__(self, runner: Runner, random: np.random.Generator) -> None:
        self.runner = runner
        self.subject = runner.subject
        self.findings: list[Finding] = []
        self.tops = runner.start(random)
        self.gradients = self._first()
        runner.repeat()
        if not self.subject.built_in:
            self.findings += _bottoms_changed(runner)
        self._fills = [_fill(diff, random if self._is_bottom(i) else None) for i, diff in enumerate(self.gradients)]
        self._twice = runner.backward(self._fills, scale=2.0)
        if not self.subject.built_in:
            self.findings += _top_diffs_changed(runner, 2.0)
        odd = any(self._is_odd(index) for index in range(len(runner.blobs)))
        self._again = runner.backward(self._fills) if odd else None

    def _first(self) -> list[Array]:
        subject = self.subject
        try:
            return self.runner.backward()
        except Exception:
            if subject.given or not subject.scalar_tops or len(subject.bottoms) < 2:
                raise
        subject.propagate_down = [i == 0 and flag for i, flag in enumerate(subject.propagate_down)]
        first = self.runner.backward()  # many losses refuse the gradient of their labels
        for index in range(1, len(subject.bottoms)):
            subject.skipped.setdefault(index, "backward refuses its gradient: taken as labels")
        return first

    def _is_bottom(self, index: int) -> bool:
        return index < len(self.subject.bottoms)

    def _is_odd(self, index: int) -> bool:
        """Whether the second backward is not what it should be after the first."""
        first, twice, fill = self.gradients[index], self._twice[index], self._fills[index]
        with np.errstate(invalid="ignore", over="ignore"):
            if not self._is_bottom(index):
                learned = index - len(self.subject.bottoms) not in self.subject.skipped_params
                expected = 2 * first + fill
                return learned and not (
                    np.array_equal(twice, expected) or np.allclose(twice, expected, rtol=1e-6, atol=0, equal_nan=True)
                )
            if self.runner.in_place(index) or not self.subject.propagate_down[index]:
                return False
            size = float(np.abs(first[np.isfinite(first)]).max(initial=0.0))
            expected = np.where(twice == fill, fill, 2 * first)
            return not np.allclose(twice, expected, rtol=1e-6, atol=1e-9 * size, equal_nan=True)

    def enter(self, index: int, row: GradientRow) -> None:
        """Enter into a row what backward gave, and whether it wrote all of it."""
        first, fill = self.gradients[index], self._fills[index]
        row.analytic_array = first
        row.numeric_array = row.error_array = np.broadcast_to(np.nan, first.shape)
        row.skipped = self.subject.skipped.get(index, "") if self._is_bottom(index) else ""
        if not self._is_bottom(index) or self.runner.in_place(index) or row.skipped:
            return
        second = self._again[index] if self._again is not None else np.where(self._twice[index] == fill, fill, first)
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

    def misused(self, index: int, row: GradientRow) -> list[Finding]:
        """Return what backward does with a diff that the contract forbids, once the row is entered."""
        findings = []
        if self._is_bottom(index) and self.subject.given and not self.subject.propagate_down[index]:
            written = self._twice[index] != self._fills[index]
            if written.any() and not self.runner.in_place(index):
                message = (
                    f"backward writes this diff although propagate_down[{index}] is false:"
                    f" `if propagate_down[{index}]:` saves the work, and other layers may share the memory."
                )
                findings.append(Finding("ignores-propagate-down", row.where, message, first_of(written)))
        first, size = self.gradients[index], float(np.abs(self.gradients[index]).max(initial=0.0))
        if self._again is None or row.skipped or not np.isfinite(size) or size == 0:
            return findings
        again, fill = self._again[index], self._fills[index]
        overwrites = np.allclose(again, first, rtol=1e-5, atol=1e-6 * size)
        if not self._is_bottom(index) and overwrites and not np.allclose(again, first + fill, rtol=1e-5, atol=0):
            message = (
                "backward overwrites the parameter's diff, so that iter_size, shared parameters and several losses lose"
                " gradients: add to it (+=) instead of assigning."
            )
            findings.append(Finding("overwrites-param-diff", row.where, message, first_of(first != 0)))
        in_place = self._is_bottom(index) and self.runner.in_place(index)
        if not in_place and np.allclose(self._twice[index], again, rtol=1e-6, atol=0):
            message = (
                "backward gives the same whatever comes from above: doubling top[0].diff changes nothing. Multiply by"
                " top[0].diff; for a loss it holds the loss_weight."
            )
            findings.append(Finding("ignores-top-diff", row.where, message, first_of(first != 0)))
        return findings


def first_of(places: NDArray[np.bool_]) -> tuple[int, ...]:
    """Return the index of the first place that is true."""
    return tuple(int(i) for i in np.unravel_index(int(np.argmax(places)), places.shape))


def _fill(diff: Array, random: np.random.Generator | None) -> Array:
    """Return numbers as large as the diff's largest, in its type: random ones, or all the same."""
    size = float(np.abs(diff[np.isfinite(diff)]).max(initial=0.0))
    size = size if size > 1e-30 else 1.0
    if random is None:
        return np.full(diff.shape, 1.5 * size, diff.dtype)
    return (random.uniform(1, 2, diff.shape) * size).astype(diff.dtype)


def _bottoms_changed(runner: Runner) -> list[Finding]:
    """Look at the bottoms as the last forward has left them."""
    findings = []
    for index, bottom in enumerate(runner.subject.bottoms):
        if any(bottom.shares_data(top) for top in runner.subject.tops):
            continue
        before = runner.values[index]
        changed = ~((bottom.const_data == before) | (np.isnan(bottom.const_data) & np.isnan(before)))
        if bottom.shape == before.shape and changed.any():
            at = first_of(changed)
            message = (
                f"forward changes its bottom: element {list(at)} was {before[at]:.6g} and is"
                f" {bottom.const_data[at]:.6g}. Other layers read it too: work on a copy (bottom.data.copy())."
            )
            findings.append(Finding("mutates-bottom", f"bottom[{index}]", message, at))
    return findings


def _top_diffs_changed(runner: Runner, scale: float) -> list[Finding]:
    """Look at the top diffs as the last backward has left them."""
    findings = []
    for index, (top, diff) in enumerate(zip(runner.subject.tops, runner.top_diffs, strict=True)):
        if any(top.shares_diff(bottom) for bottom in runner.subject.bottoms) or index in runner.subject.unused:
            continue
        before = (scale * diff).astype(top.dtype)
        changed = top.const_diff != before
        if changed.any():
            at = first_of(changed)
            message = (
                f"backward changes the diff of its top: element {list(at)} was {before[at]:.6g} and is"
                f" {top.const_diff[at]:.6g}. It belongs to the layer above: work on a copy (top.diff.copy())."
            )
            findings.append(Finding("mutates-top-diff", f"top[{index}]", message, at))
    return findings
