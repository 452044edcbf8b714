"""What a gradient check found, for people: one line, a plain text table, and a table for the notebook."""

from __future__ import annotations

import os
import textwrap
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from caffe_nb.check.findings import Finding
from caffe_nb.errors import NetError

if TYPE_CHECKING:
    from caffe_nb.check.export import Case

WIDTH = 100
"""Greatest width of the plain text, in columns."""


def _nothing() -> NDArray[Any]:
    return np.zeros(0)


@dataclass(eq=False)
class GradientRow:
    """The check of one bottom or parameter.

    Attributes
    ----------
    where : str
        ``bottom[0]`` or ``param[1]``.
    shape : tuple of int
        Of the blob.
    name : str
        The blob's name where it has one.
    max_error : float
        Greatest relative error, kinks left out: the difference over the larger of both values; values much smaller
        than the blob's largest gradient, or than what differences can resolve, count as that large.
    worst : tuple of int
        Index of the element with that error.
    analytic, numeric : float
        What `backward` gave there, and what central differences gave.
    ok : bool
        Whether every element is right. True for a row that was skipped.
    analytic_array, numeric_array, error_array : numpy.ndarray
        All of them, in the blob's shape; NaN in the last two where an element was not checked.
    checked : int
        Number of elements checked.
    kinks : int
        How many of them lie where the layer has no derivative and got a value between the one-sided slopes.
    tolerance : float
        Error up to which the row is right.
    skipped : str
        Why the row was not checked; empty where it was.
    remark : str
        What else was seen, as that backward does not write the diff.
    line : bool
        Whether all elements were compared at once, along a random line: `analytic`, `numeric` and `max_error` are of
        the slope along it, `worst` is empty. A fast check has one line through all blobs, and the rows its numbers.
    fault : str
        The kind of finding that the remark is about; empty where it is about none.
    """

    where: str
    shape: tuple[int, ...]
    name: str = ""
    max_error: float = 0.0
    worst: tuple[int, ...] = ()
    analytic: float = 0.0
    numeric: float = 0.0
    ok: bool = True
    analytic_array: NDArray[Any] = field(default_factory=_nothing, repr=False)
    numeric_array: NDArray[Any] = field(default_factory=_nothing, repr=False)
    error_array: NDArray[Any] = field(default_factory=_nothing, repr=False)
    checked: int = 0
    kinks: int = 0
    tolerance: float = 0.0
    skipped: str = ""
    remark: str = ""
    fault: str = ""
    line: bool = False

    @property
    def result(self) -> str:
        """``PASS``, ``FAIL`` or ``skipped``."""
        return "skipped" if self.skipped else "PASS" if self.ok else "FAIL"

    @property
    def label(self) -> str:
        """The place and, where there is one, the blob's name: ``bottom[0] 'ip1'``."""
        return f"{self.where} '{self.name}'" if self.name else self.where


@dataclass(eq=False, repr=False)
class GradientReport:
    """The check of one layer.

    Attributes
    ----------
    title : str
        Which layer: ``layer 'ip1' (InnerProduct), line 34 of net.prototxt``.
    rows : list of GradientRow
        The bottoms, then the parameters.
    notes : list of str
        What else to know: samples, float32 inside the layer, what could not be copied.
    findings : list of Finding
        The mistakes by their names, the most certain first.
    forwards, backwards : int
        How often the layer ran.
    case : Case or None
        What it takes to run the check again.
    """

    title: str
    rows: list[GradientRow] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    forwards: int = 0
    backwards: int = 0
    case: Case | None = None

    def export(self, path: str | os.PathLike[str]) -> Path:
        """Write the check as a pytest file, with its values in an .npz beside it.

        Parameters
        ----------
        path : path
            A file name like ``test_half.py``.

        Returns
        -------
        pathlib.Path
            The test's file.

        Raises
        ------
        NetError
            For a layer that stands in a notebook, and for a file name that is no test's.
        """
        from caffe_nb.check.export import write

        if self.case is None:
            raise NetError("there is nothing to export: no bottom and no parameter took a gradient")
        return write(self.case, self.title, self.message, path)

    @property
    def ok(self) -> bool:
        """Whether no row failed and nothing else was found."""
        return all(row.ok for row in self.rows) and not self.findings

    @property
    def message(self) -> str:
        """The result in one line."""
        done = [row for row in self.rows if not row.skipped]
        bad = [row for row in done if not row.ok]
        if self.findings:
            more = f" (and {len(self.findings) - 1} more)" if len(self.findings) > 1 else ""
            return f"FAIL: {self.findings[0]}{more}"
        if bad:
            first = max(bad, key=lambda row: row.max_error if np.isfinite(row.max_error) else np.inf)
            more = f" ({len(bad)} of {len(done)} gradients are wrong)" if len(done) > 1 else ""
            if first.remark:
                return f"FAIL: {first.label}: {first.remark}{more}"
            return (
                f"FAIL: {first.label} at {_index(first.worst)}: backward gives {first.analytic:.6g}, "
                f"differences give {first.numeric:.6g}{more}"
            )
        if not done:
            return "nothing to check: no bottom and no parameter takes a gradient"
        kinks = sum(row.kinks for row in done)
        what = (
            "the gradient is right"
            if len(done) == 1
            else f"{'both' if len(done) == 2 else f'all {len(done)}'} gradients are right"
        )
        error = max(row.max_error for row in done)
        how = "relative error" if all(row.line for row in done) else "greatest relative error"
        line = " along a random line" if all(row.line for row in done) else ""
        return f"PASS: {what}, {how} {error:.1e}{line}" + (f", {_count(kinks, 'kink')}" if kinks else "")

    def __repr__(self) -> str:
        """Return the table as plain text, at most 100 columns wide."""
        lines = _wrap(f"Gradient check of {self.title}", "  ")
        lines += [line for text in self.verdicts() for line in _wrap(text, "  ")]
        if self.rows:
            lines += ["", *_table(self.rows)]
        lines += [line for note in self.remarks() for line in _wrap(f"note: {note}", "      ")]
        return "\n".join(lines)

    def verdicts(self) -> list[str]:
        """Return the result, line by line: every finding, or the message where there is none."""
        if not self.findings:
            return [self.message]
        return [f"FAIL: {finding}" for finding in self.findings]

    def remarks(self) -> list[str]:
        """Return what is to be said below the table: the rows' remarks, then the notes."""
        kinks = [
            f"{row.label}: {_count(row.kinks, 'element')} at a kink (no derivative there); "
            "backward's value lies between the one-sided slopes"
            for row in self.rows
            if row.kinks
        ]
        said = {finding.where for finding in self.findings}
        remarks: dict[str, list[str]] = {}
        for row in self.rows:
            if row.remark and row.where not in said:
                remarks.setdefault(row.remark, []).append(row.label)
        return self._lines() + [f"{', '.join(rows)}: {remark}" for remark, rows in remarks.items()] + kinks + self.notes

    def _lines(self) -> list[str]:
        """Say what the numbers of the rows are that were compared along a line."""
        lines = [row for row in self.rows if row.line and not row.skipped]
        if not lines:
            return []
        together = len(lines) > 1 and len({(row.analytic, row.numeric) for row in lines}) == 1
        what = "all of these at once" if together else "all elements at once"
        return [f"{what}, by the slope along a random line through the values; one by one with full=True (--full)"]

    def _repr_html_(self) -> str:
        from caffe_nb.check.html import to_html

        return to_html(self)


def shape_text(shape: tuple[int, ...]) -> str:
    """Return a shape as people write it, ``scalar`` for none."""
    return "\N{MULTIPLICATION SIGN}".join(map(str, shape)) or "scalar"


def number(value: float) -> str:
    """Return a gradient for the table, 7 significant digits."""
    return f"{value:.6g}"


def _index(index: tuple[int, ...]) -> str:
    return f"[{', '.join(map(str, index))}]" if index else "[]"


def _count(count: int, noun: str) -> str:
    return f"{count} {noun}" + ("" if count == 1 else "s")


def cells(row: GradientRow) -> list[str]:
    """Return the row's cells, in the order of `HEADINGS`."""
    shape = shape_text(row.shape)
    if row.skipped:
        return [row.where, shape, "", "", "", "", "", row.result]
    size = int(np.prod(row.shape))
    checked = str(row.checked) if row.checked == size else f"{row.checked} of {size}"
    at = "along a line" if row.line else _index(row.worst)
    return [
        row.where,
        shape,
        checked,
        f"{row.max_error:.1e}",
        at,
        number(row.analytic),
        number(row.numeric),
        row.result,
    ]


HEADINGS = ["where", "shape", "checked", "max error", "worst at", "backward", "differences", "result"]
_RIGHT = {2, 3, 5, 6}


def _table(rows: list[GradientRow]) -> list[str]:
    body = [[row.label, *cells(row)[1:]] for row in rows]
    widths = _widths(body)
    if sum(widths) + 2 * len(widths) - 2 > WIDTH:
        body = [cells(row) for row in rows]
        widths = _widths(body)
    lines = [_line(HEADINGS, widths), "  ".join("─" * width for width in widths)[:WIDTH]]
    for row, line in zip(rows, body, strict=True):
        if row.skipped:
            lines += _wrap(
                f"{line[0]:{widths[0]}}  {line[1]:{widths[1]}}  skipped: {row.skipped}", " " * (widths[0] + 2)
            )
        else:
            lines.append(_line(line, widths))
    return lines


def _widths(body: list[list[str]]) -> list[int]:
    return [max(len(line[column]) for line in [HEADINGS, *body]) for column in range(len(HEADINGS))]


def _line(line: list[str], widths: list[int]) -> str:
    padded = [
        cell.rjust(width) if column in _RIGHT else cell.ljust(width)
        for column, (cell, width) in enumerate(zip(line, widths, strict=True))
    ]
    return "  ".join(padded).rstrip()


def _wrap(text: str, indent: str) -> list[str]:
    return textwrap.wrap(" ".join(text.split()) if "  " not in text else text, WIDTH, subsequent_indent=indent)
