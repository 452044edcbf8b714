"""From rows that failed and passes that broke the contract to findings."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from caffe_nb.check.contract import broken, tops_unwritten
from caffe_nb.check.diagnose import Evidence, diagnose
from caffe_nb.check.differences import Comparison
from caffe_nb.check.findings import Finding, in_order
from caffe_nb.check.report import GradientReport, GradientRow

_NAMED = frozenset({"accumulates-bottom-diff", "non-finite"})
"""Faults of a row that say all there is to say about its values."""
_ADVICE = {
    "not-written": " What an earlier pass left there goes on down: write bottom[i].diff[...] wherever propagate_down[i]"
    " asks for it.",
    "non-finite": " Look for a division by zero, a logarithm or a root of what is not positive, or an overflow of exp.",
    "accumulates-bottom-diff": " Only parameters' diffs are added to.",
}


def find(comparison: Comparison, report: GradientReport) -> list[Finding]:
    """Return what is wrong with the layer of a finished comparison, the most certain first.

    Parameters
    ----------
    comparison : Comparison
        Has made the report.
    report : GradientReport
        Its rows.
    """
    runner = comparison.runner
    found: list[Finding] = []
    compared = bool(comparison.tops) and any(not row.skipped for row in report.rows)
    if compared and not runner.repeats:
        unwritten = tops_unwritten(runner, comparison.tops)
        if unwritten:
            return unwritten
        message = (
            "forward gives other values each time it runs, so that no difference means anything. Draw from"
            " numpy.random's global functions, which the check replays."
        )
        return [Finding("nondeterministic", "", message)]
    if compared and not comparison.subject.built_in and all(np.isfinite(top).all() for top in comparison.tops):
        found += broken(comparison.passes, report.rows, comparison.lines)
    ignored = {finding.where for finding in found if finding.kind == "ignores-top-diff"}
    for index, row in enumerate(report.rows):
        if row.fault and not row.ok:
            found.append(Finding(row.fault, row.where, f"{row.remark}.{_ADVICE.get(row.fault, '')}", row.worst))
        if row.ok or row.skipped or row.fault in _NAMED:
            continue
        evidence = _evidence(comparison, report.rows, index)
        if row.where in ignored and not _with_top_diff(comparison, evidence):
            continue
        if row.fault == "not-written" and not evidence.analytic[evidence.wrong].any():
            continue
        found += diagnose(evidence)
    return in_order(found)


def _evidence(comparison: Comparison, rows: Sequence[GradientRow], index: int) -> Evidence:
    row = rows[index]
    numeric = {i: other.numeric_array for i, other in enumerate(rows) if i != index and not other.skipped}
    return Evidence(
        row.where,
        row.analytic_array.astype(np.float64),
        row.numeric_array.astype(np.float64),
        row.error_array.astype(np.float64),
        row.tolerance or comparison.tolerance,
        comparison.runner.values[index],
        _sizes(comparison, row),
        {rows[i].where: array.astype(np.float64) for i, array in numeric.items() if array.shape == row.shape},
    )


def _sizes(comparison: Comparison, row: GradientRow) -> list[tuple[float, str]]:
    """Return the numbers that a forgotten factor may be, the likeliest first."""
    sizes: list[tuple[float, str]] = []
    for what, shape in (("the first bottom", comparison.subject.bottoms[0].shape), (row.where, row.shape)):
        if shape:
            sizes.append((float(shape[0]), "the batch size" if what == "the first bottom" else f"axis 0 of {what}"))
            sizes.append((float(np.prod(shape)), f"the number of elements of {what}"))
            sizes += [(float(n), f"axis {axis} of {what}") for axis, n in enumerate(shape) if axis]
            sizes.append((float(np.prod(shape[2:])), f"the spatial size of {what}"))
            sizes.append((float(np.sqrt(np.prod(shape))), f"the root of the number of elements of {what}"))
    return sizes


def _with_top_diff(comparison: Comparison, evidence: Evidence) -> bool:
    """Multiply by the top diff that backward left out; return whether something is wrong still."""
    diff = comparison.runner.top_diffs[0]
    if len(comparison.runner.top_diffs) > 1 or (diff.size != 1 and diff.shape != evidence.analytic.shape):
        return False
    evidence.analytic = evidence.analytic * diff.reshape(diff.shape if diff.size > 1 else ())
    size = np.maximum(np.abs(evidence.analytic), np.abs(evidence.numeric))
    with np.errstate(invalid="ignore", divide="ignore"):
        error = np.abs(evidence.analytic - evidence.numeric) / np.maximum(size, 1e-3 * np.nanmax(size))
    evidence.error = error
    return bool(evidence.wrong.any())
