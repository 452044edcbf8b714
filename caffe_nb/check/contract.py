"""What Caffe asks of a layer besides right gradients: whose memory it may write, and what it may remember."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from caffe_nb.check.findings import Finding
from caffe_nb.check.lines import Lines, beside
from caffe_nb.check.passes import Passes, first_of
from caffe_nb.check.report import GradientRow
from caffe_nb.check.run import GARBAGE, Runner

Array = NDArray[Any]

_STEP = 1e-4
_WRONG = 1e-3
"""Relative error of a slope along a line that counts as wrong: a right layer's is smaller by orders."""


def broken(passes: Passes, rows: Sequence[GradientRow], lines: Lines) -> list[Finding]:
    """Return what a user's layer does that the contract forbids.

    Parameters
    ----------
    passes : Passes
        The first passes; the layer is a user's own.
    rows : sequence of GradientRow
        The bottoms, then the parameters, compared.
    lines : Lines
        For another batch.
    """
    runner = passes.runner
    findings = [*([] if runner.written else tops_unwritten(runner, passes.tops)), *passes.findings]
    for index, row in enumerate(rows):
        findings += passes.misused(index, row)
    if all(row.ok for row in rows):
        findings += _stale_state(runner, rows, lines)
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
            findings.append(Finding("top-not-written", f"top[{index}]", message, first_of(left)))
        elif differ.any() and np.array_equal(a, runner.forward(GARBAGE[0])[index], equal_nan=True):
            message = "forward adds to what was in its top, or reads it: assign to it (=) instead of +=."
            findings.append(Finding("top-not-written", f"top[{index}]", message, first_of(differ)))
    return findings


# what is left over from another batch


def _stale_state(runner: Runner, rows: Sequence[GradientRow], lines: Lines) -> list[Finding]:
    """Check a second batch on the layer as the first one left it; right on a fresh layer, wrong there: stale."""
    checked = [i for i, row in enumerate(rows) if not row.skipped and row.analytic_array.size]
    other = _another_batch(runner, checked, lines.random)
    if other is None or runner.fresh is None or not checked or runner.restores:
        return []
    slope = lines.at(dict(enumerate(other)), checked)
    if slope is None or slope.error <= lines.tolerance:
        return []
    return _stale(runner, other, checked, 10 * lines.tolerance)


def _stale(runner: Runner, other: list[Array], checked: Sequence[int], tolerance: float) -> list[Finding]:
    """Tell whether a slope at other values is off because of the batch before, or by itself."""
    kept, fresh = runner.values, runner.fresh
    assert fresh is not None
    random = np.random.default_rng(5)
    try:
        fresh.restore()
        runner.backward()
        used = runner.attributes()
        runner.values = other
        directions = {i: random.choice([-1.0, 1.0], other[i].shape) for i in checked}
        if _line_error(runner, used, directions, checked) <= 10 * tolerance + _WRONG:
            return []
        if _line_error(runner, fresh, directions, checked) > 10 * tolerance + _WRONG / 10:
            return []  # a kink, or wrong at these values: no matter of state
    except Exception:  # a layer may refuse these values; the check of its own batch stands
        return []
    finally:
        runner.values = kept
        fresh.restore()
    message = (
        "backward is right for the first batch and wrong for a second one on the same layer: something in self is left"
        " over from the first. Compute what depends on the batch in every forward, not only once."
    )
    return [Finding("stale-state", "", message)]


def _another_batch(runner: Runner, checked: Sequence[int], random: np.random.Generator) -> list[Array] | None:
    """Return other values of the same kind: the items in another order, the first bottom stretched, away from kinks."""
    bottoms = runner.subject.bottoms
    if not bottoms or bottoms[0].ndim == 0 or bottoms[0].shape[0] < 2:
        return None
    items = bottoms[0].shape[0]
    values = [value.copy() for value in runner.values]
    for index, bottom in enumerate(bottoms):
        if bottom.ndim and bottom.shape[0] == items:
            values[index] = np.roll(values[index], 1, axis=0)
        if not np.array_equal(values[index], np.round(values[index])):
            if index == 0:
                values[index] = (-1.25 if values[index].min() < 0 else 1.25) * values[index]
            if index in checked:
                values[index] = beside(values[index], random)
    return values


def _line_error(runner: Runner, start: Any, lines: dict[int, Array], checked: Sequence[int]) -> float:
    """Return the relative error of backward's slope along a line, each pass from the same attributes."""

    def objective() -> float:
        start.restore()
        tops = runner.forward()
        return float(sum((diff * top).sum() for diff, top in zip(runner.top_diffs, tops, strict=True)))

    start.restore()
    analytic = runner.backward()
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
