"""From two arrays, what backward gave and what differences give, to the mistake that makes the one of the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from caffe_nb.check.findings import Finding

Array = NDArray[np.float64]

CLOSE = 1e-3
"""Relative difference up to which a pattern is taken to hold; the checks' own errors are far smaller."""
_LEAST = 3
"""Elements that a pattern needs."""


@dataclass
class Evidence:
    """What is known of one wrong gradient.

    Attributes
    ----------
    where : str
        ``bottom[0]`` or ``param[1]``.
    analytic, numeric, error : array
        In the blob's shape; NaN in `numeric` and `error` where an element was not checked.
    tolerance : float
        Errors above are wrong.
    values : array
        The blob's own values.
    sizes : sequence of (int, str)
        Numbers that a factor may come from, with what they are.
    others : dict of str to array
        What differences give for other blobs of the same shape.
    """

    where: str
    analytic: Array
    numeric: Array
    error: Array
    tolerance: float
    values: Array
    sizes: Sequence[tuple[float, str]]
    others: dict[str, Array]

    @property
    def known(self) -> NDArray[np.bool_]:
        """Where differences say something."""
        return np.isfinite(self.numeric) & np.isfinite(self.analytic)

    @property
    def wrong(self) -> NDArray[np.bool_]:
        """Where backward is wrong."""
        return self.known & (self.error > self.tolerance)

    @property
    def worst(self) -> tuple[int, ...]:
        """Index of the element with the largest difference."""
        apart = np.where(self.wrong, np.abs(self.analytic - self.numeric), -1.0)
        return tuple(int(i) for i in np.unravel_index(int(np.argmax(apart)), apart.shape))


def diagnose(evidence: Evidence) -> list[Finding]:
    """Name the mistakes of one wrong gradient; where none fits it is `wrong`.

    Parameters
    ----------
    evidence : Evidence
        The gradient.
    """
    wrong = evidence.wrong
    if not wrong.any():
        return []
    a, n = evidence.analytic[wrong], evidence.numeric[wrong]
    if not a.any():
        return [_zero(evidence, wrong)]
    fitted = _factor(a, n, evidence.tolerance)
    if fitted is not None:
        return _scaled(evidence, wrong, *fitted)
    return [_moved(evidence) or _wrong(evidence, wrong)]


def _finding(evidence: Evidence, kind: str, message: str) -> Finding:
    return Finding(kind, evidence.where, message, evidence.worst)


def _zero(evidence: Evidence, wrong: NDArray[np.bool_]) -> Finding:
    size = float(np.abs(evidence.numeric[wrong]).max())
    which = _which(evidence, wrong)
    return _finding(
        evidence,
        "zero",
        f"backward gives 0{which}, differences up to {size:.3g}. Is a term missing, or a branch never reached?",
    )


# a factor


def _factor(a: Array, n: Array, tolerance: float) -> tuple[float, float] | None:
    """Return the factor c of a = c n and its relative spread, where there is one."""
    size = float(np.abs(n).max())
    strong = np.abs(n) > 1e-3 * size
    if size == 0 or strong.sum() < min(_LEAST, len(n)) or (len(n) > 1 and strong.sum() < 2):
        return None
    ratios = a[strong] / n[strong]
    factor = float(np.median(ratios))
    if factor == 0 or not np.isfinite(factor):
        return None
    spread = float(np.abs(ratios - factor).max() / abs(factor))
    slack = CLOSE + 10 * tolerance
    fits = np.abs(a - factor * n) <= slack * np.maximum(np.abs(factor * n), 1e-3 * abs(factor) * size)
    return (factor, spread) if spread < slack and fits.all() else None


def _scaled(evidence: Evidence, wrong: NDArray[np.bool_], factor: float, spread: float) -> list[Finding]:
    which = _which(evidence, wrong)
    count = int(wrong.sum())
    seen = f"over {count} element{'s' if count > 1 else ''}, spread {spread:.0e}"
    findings: list[Finding] = []
    if factor < 0:
        findings.append(
            _finding(
                evidence,
                "sign",
                f"backward has the opposite sign{which} ({seen}). Is a minus missing, or one too many? In a difference"
                " the second operand's gradient is negative.",
            )
        )
    if abs(abs(factor) - 1) > CLOSE + 10 * evidence.tolerance:
        guess = _guess(abs(factor), evidence.sizes)
        findings.append(
            _finding(
                evidence,
                "scale",
                f"backward is {abs(factor):.6g} times what it should be{which} ({seen}).{guess}",
            )
        )
    return findings or [_wrong(evidence, wrong)]


def _guess(factor: float, sizes: Sequence[tuple[float, str]]) -> str:
    """Say what a factor may come from."""
    for size, what in sizes:
        if size in (0, 1):
            continue
        if abs(factor / size - 1) < CLOSE:
            return f" That is {what} ({size:g}): is a division by it missing in backward?"
        if abs(factor * size - 1) < CLOSE:
            return f" That is 1 / {what} (1/{size:g}): does backward divide by it where forward does not?"
    if abs(factor - 2) < CLOSE or abs(factor - 0.5) < CLOSE / 2:
        return " A factor 2 often comes from a square: the derivative of x² is 2x, of x²/2 it is x."
    near = Fraction(factor).limit_denominator(64)
    if near and abs(float(near) / factor - 1) < 1e-5:
        return f" That is close to {near}: look for this constant."
    return " Look for a constant that forward has and backward has not, or the other way round."


# the right values at the wrong places


def _moved(evidence: Evidence) -> Finding | None:
    """Say where backward's values are the right ones of other elements; needs all elements to be known."""
    a, n = evidence.analytic, evidence.numeric
    if not evidence.known.all() or a.size < 4 or np.ptp(n) <= CLOSE * np.abs(n).max():
        return None
    for what, moved in _transposed(n):
        if _equal(a, moved):
            return _finding(
                evidence,
                "transposed",
                f"backward has the right values, {what}. Is a .T missing, or a reshape where a transpose is meant?",
            )
    for what, moved in _rolled(n):
        if _equal(a, moved):
            return _finding(
                evidence,
                "shifted",
                f"backward has the right values, {what}. Look for an index that is off by one.",
            )
    for name, other in evidence.others.items():
        if other.shape == a.shape and np.isfinite(other).all() and _equal(a, other) and not _equal(n, other):
            return _finding(
                evidence,
                "shifted",
                f"backward has the values that {name} should have: are the two mixed up?",
            )
    return None


def _transposed(n: Array) -> Iterator[tuple[str, Array]]:
    for first in range(n.ndim):
        for second in range(first + 1, n.ndim):
            swapped = np.swapaxes(n, first, second)
            if n.shape[first] > 1 and n.shape[second] > 1:
                what = f"with axes {first} and {second} exchanged"
                yield what, swapped.reshape(n.shape)
                if n.shape[first] != n.shape[second]:
                    shape = swapped.shape
                    yield what, np.swapaxes(n.reshape(shape), first, second)


def _rolled(n: Array) -> Iterator[tuple[str, Array]]:
    for axis, length in enumerate(n.shape):
        for step in (1, -1, 2, -2):
            if length > abs(step) + 1:
                rolled = np.roll(n, step, axis)
                yield f"moved by {step:+d} along axis {axis}", rolled
                gone = rolled.copy()
                edge = slice(0, step) if step > 0 else slice(step, None)
                gone[(slice(None),) * axis + (edge,)] = 0
                yield f"moved by {step:+d} along axis {axis}, with zeros at the end", gone


def _equal(a: Array, b: Array) -> bool:
    size = float(np.abs(b).max())
    return bool(size > 0 and np.all(np.abs(a - b) <= CLOSE * np.maximum(np.abs(b), 1e-2 * size)))


# which elements


def _wrong(evidence: Evidence, wrong: NDArray[np.bool_]) -> Finding:
    worst = evidence.worst
    a, n = float(evidence.analytic[worst]), float(evidence.numeric[worst])
    which = _which(evidence, wrong) or f" in {int(wrong.sum())} of {int(evidence.known.sum())} elements"
    value = float(evidence.values[worst]) if evidence.values.shape == evidence.analytic.shape else float("nan")
    apart = (evidence.analytic - evidence.numeric)[wrong]
    offset = float(np.median(apart))
    same = len(apart) > _LEAST and bool(np.all(np.abs(apart - offset) <= 1e-2 * abs(offset)))
    constant = f" Each of them is off by the same {offset:.4g}: a constant is added or left out." if same else ""
    return _finding(
        evidence,
        "wrong",
        f"backward is wrong{which}. Worst at {list(worst)} (value {value:.4g}): backward gives {a:.6g}, differences"
        f" give {n:.6g}.{constant}",
    )


def _which(evidence: Evidence, wrong: NDArray[np.bool_]) -> str:
    """Say in words which elements are wrong, where that is a pattern; empty where it is all of them."""
    known = evidence.known
    if (wrong == known).all() or wrong.sum() == known.sum():
        return ""
    for axis in range(wrong.ndim):
        others = tuple(other for other in range(wrong.ndim) if other != axis)
        hit = np.flatnonzero(wrong.any(axis=others))
        if 0 < len(hit) <= max(1, wrong.shape[axis] // 3):
            places = ", ".join(map(str, hit[:6])) + (", …" if len(hit) > 6 else "")
            return f" only at index {places} of axis {axis}"
    if evidence.values.shape == wrong.shape:
        for words, condition in (("below 0", evidence.values < 0), ("above 0", evidence.values > 0)):
            inside, outside = wrong & condition, wrong & ~condition
            if inside.any() and not outside.any() and inside.sum() >= 0.9 * (known & condition).sum():
                return f" where the value is {words}"
    return f" in {int(wrong.sum())} of {int(known.sum())} elements"
