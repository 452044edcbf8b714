"""What Caffe asks of a layer besides right gradients: whose memory it may write, and what it may remember."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from caffe_nb.check.findings import Finding
from caffe_nb.check.report import GradientRow
from caffe_nb.check.run import Runner

Array = NDArray[Any]

GARBAGE = (1.7320508e3, -2.6457513e3)
_STEP = 1e-4
_WRONG = 1e-2
"""Relative error of a slope along a line that counts as wrong: a right layer's is smaller by orders."""


def broken(runner: Runner, tops: Sequence[Array], rows: Sequence[GradientRow], tolerance: float) -> list[Finding]:
    """Return what a user's layer does that the contract forbids.

    Parameters
    ----------
    runner : Runner
        Has run; the layer is a user's own.
    tops : sequence of arrays
        What forward gives.
    rows : sequence of GradientRow
        The bottoms, then the parameters, compared.
    tolerance : float
        The check's.
    """
    findings = [*tops_unwritten(runner, tops), *_bottoms_changed(runner)]
    findings += [*_diffs_misused(runner, rows), *_top_diff_ignored(runner, rows)]
    if all(row.ok for row in rows):
        findings += _stale_state(runner, rows, tolerance)
    return findings


def _first(places: NDArray[np.bool_]) -> tuple[int, ...]:
    return tuple(int(i) for i in np.unravel_index(int(np.argmax(places)), places.shape))


def _bottoms_changed(runner: Runner) -> list[Finding]:
    """Look at the bottoms as the last forward has left them."""
    findings = []
    for index, bottom in enumerate(runner.subject.bottoms):
        if any(bottom.shares_data(top) for top in runner.subject.tops):
            continue
        before = runner.values[index]
        changed = ~((bottom.const_data == before) | (np.isnan(bottom.const_data) & np.isnan(before)))
        if bottom.shape == before.shape and changed.any():
            at = _first(changed)
            findings.append(
                Finding(
                    "mutates-bottom",
                    f"bottom[{index}]",
                    f"forward changes its bottom: element {list(at)} was {before[at]:.6g} and is"
                    f" {bottom.const_data[at]:.6g}. Other layers read it too: work on a copy (bottom.data.copy()).",
                    at,
                )
            )
    return findings


def tops_unwritten(runner: Runner, tops: Sequence[Array]) -> list[Finding]:
    """Return findings for tops that forward leaves as they were, or reads; the last run is a forward."""
    first, second = (runner.forward(garbage) for garbage in GARBAGE)
    findings = []
    for index, (top, a, b) in enumerate(zip(tops, first, second, strict=True)):
        if not (top.shape == a.shape == b.shape) or not top.size:
            continue
        left = np.isclose(a, GARBAGE[0], rtol=1e-6) & np.isclose(b, GARBAGE[1], rtol=1e-6)
        differ = ~((a == b) | (np.isnan(a) & np.isnan(b)))
        if left.any():
            count = "" if left.all() else f" in {int(left.sum())} of {left.size} elements"
            message = f"forward does not write its top{count}, which keeps what an earlier batch left there."
            findings.append(Finding("top-not-written", f"top[{index}]", message, _first(left)))
        elif differ.any() and np.array_equal(a, runner.forward(GARBAGE[0])[index], equal_nan=True):
            message = "forward adds to what was in its top, or reads it: assign to it (=) instead of +=."
            findings.append(Finding("top-not-written", f"top[{index}]", message, _first(differ)))
    return findings


def _diffs_misused(runner: Runner, rows: Sequence[GradientRow]) -> list[Finding]:
    """Run backward once with something in every diff, and look at what it did with it."""
    subject = runner.subject
    fills = [np.full(bottom.shape, 3.25) for bottom in subject.bottoms]
    found = runner.backward(fills, param_fill=7.5)
    findings = []
    for index, (top, diff) in enumerate(zip(subject.tops, runner.top_diffs, strict=True)):
        if any(top.shares_diff(bottom) for bottom in subject.bottoms) or index in subject.unused:
            continue
        changed = top.const_diff != diff.astype(top.dtype)
        if changed.any():
            at = _first(changed)
            message = (
                f"backward changes the diff of its top: element {list(at)} was {diff[at]:.6g} and is"
                f" {top.const_diff[at]:.6g}. It belongs to the layer above: work on a copy (top.diff.copy())."
            )
            findings.append(Finding("mutates-top-diff", f"top[{index}]", message, at))
    bottoms = len(subject.bottoms)
    for place, (row, b) in enumerate(zip(rows[bottoms:], found[bottoms:], strict=True)):
        a = row.analytic_array
        if row.skipped or not a.any() or np.allclose(b, a + 7.5, rtol=1e-5, atol=1e-5 * np.abs(a).max()):
            continue
        if np.allclose(b, a, rtol=1e-5, atol=1e-6 * np.abs(a).max()):
            message = (
                "backward overwrites the parameter's diff, so that iter_size, shared parameters and several losses lose"
                " gradients: add to it (+=) instead of assigning."
            )
            findings.append(Finding("overwrites-param-diff", f"param[{place}]", message, _first(a != 0)))
    for index, wanted in enumerate(subject.propagate_down):
        if subject.given and not wanted and not runner.in_place(index) and (found[index] != fills[index]).any():
            message = (
                f"backward writes this diff although propagate_down[{index}] is false: `if propagate_down[{index}]:`"
                " saves the work, and other layers may share the memory."
            )
            at = _first(found[index] != fills[index])
            findings.append(Finding("ignores-propagate-down", f"bottom[{index}]", message, at))
    return findings


def _top_diff_ignored(runner: Runner, rows: Sequence[GradientRow]) -> list[Finding]:
    zeros = [np.zeros(bottom.shape) for bottom in runner.subject.bottoms]
    twice = runner.backward(zeros, scale=2.0)
    findings = []
    for index, (row, b) in enumerate(zip(rows, twice, strict=True)):
        a = row.analytic_array
        in_place = index < len(runner.subject.bottoms) and runner.in_place(index)
        if row.skipped or in_place or not np.isfinite(a).all() or not a.any():
            continue
        if np.allclose(a, b, rtol=1e-6, atol=0):
            message = (
                "backward gives the same whatever comes from above: doubling top[0].diff changes nothing. Multiply by"
                " top[0].diff; for a loss it holds the loss_weight."
            )
            findings.append(Finding("ignores-top-diff", row.where, message, _first(a != 0)))
    return findings


# what is left over from another batch


def _stale_state(runner: Runner, rows: Sequence[GradientRow], tolerance: float) -> list[Finding]:
    """Check a second batch on the layer as the first one left it; right on a fresh layer, wrong there: stale."""
    checked = [i for i, row in enumerate(rows) if not row.skipped and row.analytic_array.size]
    other = _another_batch(runner)
    if other is None or runner.fresh is None or not checked:
        return []
    kept = runner.values
    random = np.random.default_rng(5)
    try:
        runner.fresh.restore()
        zeros = [np.zeros(bottom.shape) for bottom in runner.subject.bottoms]
        runner.backward(zeros)
        used = runner.attributes()
        runner.values = other
        lines = {i: random.choice([-1.0, 1.0], other[i].shape) for i in checked}
        if _line_error(runner, used, lines, checked) <= 10 * tolerance + _WRONG:
            return []
        if _line_error(runner, runner.fresh, lines, checked) > 10 * tolerance + _WRONG / 10:
            return []  # a kink, or wrong at these values: no matter of state
    except Exception:  # a layer may refuse these values; the check of its own batch stands
        return []
    finally:
        runner.values = kept
        runner.fresh.restore()
    message = (
        "backward is right for the first batch and wrong for a second one on the same layer: something in self is left"
        " over from the first. Compute what depends on the batch in every forward, not only once."
    )
    return [Finding("stale-state", "", message)]


def _another_batch(runner: Runner) -> list[Array] | None:
    """Return other values of the same kind: the items in another order, the first bottom stretched."""
    bottoms = runner.subject.bottoms
    if not bottoms or bottoms[0].ndim == 0 or bottoms[0].shape[0] < 2:
        return None
    items = bottoms[0].shape[0]
    values = [value.copy() for value in runner.values]
    for index, bottom in enumerate(bottoms):
        if bottom.ndim and bottom.shape[0] == items:
            values[index] = np.roll(values[index], 1, axis=0)
    if not np.array_equal(values[0], np.round(values[0])):
        values[0] = -1.25 * values[0] if values[0].min() < 0 else 1.25 * values[0]
    return values


def _line_error(runner: Runner, start: Any, lines: dict[int, Array], checked: Sequence[int]) -> float:
    """Return the relative error of backward's slope along a line, each pass from the same attributes."""

    def objective() -> float:
        start.restore()
        tops = runner.forward()
        return float(sum((diff * top).sum() for diff, top in zip(runner.top_diffs, tops, strict=True)))

    start.restore()
    analytic = runner.backward([np.zeros(bottom.shape) for bottom in runner.subject.bottoms])
    expected = sum(float((analytic[i] * lines[i]).sum()) for i in checked)
    size = sum(float(np.abs(analytic[i]).sum()) for i in checked)
    at = [value.copy() for value in runner.values]
    errors = []
    for step in (_STEP, _STEP / 30):
        sides = []
        for sign in (1, -1):
            for i in checked:
                runner.values[i] = at[i] + sign * step * lines[i] * max(1.0, float(np.abs(at[i]).mean()))
            sides.append(objective())
        runner.values = [value.copy() for value in at]
        scaled = sum(float((analytic[i] * lines[i]).sum()) * max(1.0, float(np.abs(at[i]).mean())) for i in checked)
        slope = (sides[0] - sides[1]) / (2 * step)
        errors.append(abs(slope - scaled) / max(abs(slope), abs(scaled), 0.05 * size, 1e-12))
        if errors[-1] <= _WRONG / 10:
            break
    runner.values = at
    return float(min(errors)) if np.isfinite(expected) else 0.0
