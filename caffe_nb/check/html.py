"""A gradient report as HTML that stands alone: inline styles, no script, in light and dark themes."""

from __future__ import annotations

from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from caffe_nb.check.report import HEADINGS, GradientReport, GradientRow, cells

_WINDOW = 16
"""Greatest number of rows and columns of a picture."""
_SIDE = 144
"""About how large a picture is, in pixels."""
_COLOURS = {"PASS": "#2e7d32", "FAIL": "#c62828", "skipped": "#757575"}
_LINE = "border-bottom:1px solid rgba(128,128,128,.3)"


def to_html(report: GradientReport) -> str:
    """Return the report as one ``div``; every name in it is escaped."""
    names = [HEADINGS[-1], *HEADINGS[:-1]]  # the result first: a narrow page cuts off the end
    head = "".join(f'<th style="{_align(i - 1)};{_LINE};padding:4px 8px">{name}</th>' for i, name in enumerate(names))
    body = "".join(_row(row) for row in report.rows)
    table = (
        '<div style="overflow-x:auto"><table style="border-collapse:collapse;color:inherit;font-size:inherit;'
        'margin:6px 0;font-variant-numeric:tabular-nums">'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )
    pictures = "".join(_pictures(row) for row in report.rows if not row.ok and row.analytic_array.size)
    notes = "".join(f"<li>{escape(note)}</li>" for note in report.remarks())
    badge = _badge("PASS" if report.ok else "FAIL") if report.rows else ""
    said = "".join(f'<div style="margin:2px 0">{_verdict(report, i)}</div>' for i in range(len(report.verdicts())))
    return (
        '<div style="font-size:13px;line-height:1.45">'
        f"<div>{badge} <b>Gradient check of {escape(report.title)}</b></div>"
        f"{said}"
        f"{table if report.rows else ''}{pictures}"
        + (f'<ul style="margin:4px 0;padding-left:20px;opacity:.8">{notes}</ul>' if notes else "")
        + "</div>"
    )


def _verdict(report: GradientReport, index: int) -> str:
    if not report.findings:
        return escape(report.message.removeprefix("PASS: ").removeprefix("FAIL: "))
    finding = report.findings[index]
    where = f" in {escape(finding.where)}" if finding.where else ""
    return f"<b>{escape(finding.kind)}</b>{where}: {escape(finding.message)}"


def _align(column: int) -> str:
    return "text-align:right" if column in (2, 3, 5, 6) else "text-align:left"


def _badge(result: str) -> str:
    return (
        f'<span style="background:{_COLOURS[result]};color:#fff;border-radius:3px;padding:1px 7px;font-size:11px;'
        f'font-weight:600">{result}</span>'
    )


def _row(row: GradientRow) -> str:
    texts = [escape(text) for text in cells(row)]
    if row.name:
        texts[0] += f' <span style="opacity:.65">{escape(row.name)}</span>'
    style = f"{_LINE};padding:3px 8px;white-space:nowrap"
    if row.skipped:
        reason = (
            f'<td colspan="5" style="{_LINE};padding:3px 8px;text-align:left;opacity:.75">{escape(row.skipped)}</td>'
        )
        middle = "".join(f'<td style="{style};text-align:left">{text}</td>' for text in texts[:2]) + reason
    else:
        middle = "".join(f'<td style="{style};{_align(i)}">{text}</td>' for i, text in enumerate(texts[:-1]))
    return f'<tr style="background:none"><td style="{style};text-align:left">{_badge(row.result)}</td>{middle}</tr>'


def _pictures(row: GradientRow) -> str:
    """Return the slice around the worst element as three small heat maps."""
    arrays = {"backward": row.analytic_array, "differences": row.numeric_array}
    windows = {name: _window(array, row.worst) for name, array in arrays.items()}
    windows["difference of both"] = windows["backward"] - windows["differences"]
    finite = [window[np.isfinite(window)] for window in windows.values()]
    scale = max([float(np.abs(values).max()) for values in finite if values.size] + [0.0]) or 1.0
    figures = "".join(
        f'<figure style="margin:0 14px 0 0;display:inline-block">{_svg(window, scale)}'
        f'<figcaption style="font-size:11px;opacity:.75">{name}</figcaption></figure>'
        for name, window in windows.items()
    )
    place = ", ".join(map(str, row.worst))
    return (
        f'<div style="margin:6px 0"><div style="font-size:11px;opacity:.75">{escape(row.label)} around [{place}]; '
        f"blue negative, red positive, full colour at ±{scale:.3g}</div>{figures}</div>"
    )


def _window(array: NDArray[Any], worst: tuple[int, ...]) -> NDArray[np.float64]:
    picture = np.asarray(array, np.float64)
    picture = picture[worst[:-2]] if picture.ndim > 2 else np.atleast_2d(picture)
    at = (0, 0, *worst)[-2:]
    starts = [max(0, min(at[axis] - _WINDOW // 2, picture.shape[axis] - _WINDOW)) for axis in (0, 1)]
    return picture[starts[0] : starts[0] + _WINDOW, starts[1] : starts[1] + _WINDOW]


def _svg(window: NDArray[np.float64], scale: float) -> str:
    rows, columns = window.shape
    cell = min(18, _SIDE // max(rows, columns))
    marks = []
    for (row, column), value in np.ndenumerate(window):
        if np.isfinite(value):
            colour, strength = ("#d32f2f" if value > 0 else "#1976d2"), min(1.0, abs(float(value)) / scale)
        else:
            colour, strength = "#888888", 0.25
        if strength > 0.004:
            marks.append(
                f'<rect x="{column * cell}" y="{row * cell}" width="{cell}" height="{cell}" fill="{colour}" '
                f'fill-opacity="{strength:.2f}"/>'
            )
    width, height = columns * cell, rows * cell
    return (
        f'<svg width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img" '
        f'style="display:block;margin:1px;outline:1px solid rgba(128,128,128,.5)">{"".join(marks)}</svg>'
    )
