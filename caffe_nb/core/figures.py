"""A blob as a small table of figures, in HTML that stands alone."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from caffe_nb.core.blob import Blob

HEADINGS = ("", "min", "max", "mean", "std", "zeros", "not finite")
_CELL = "padding:2px 8px;text-align:right;border-bottom:1px solid rgba(128,128,128,.3)"


def blob_html(blob: Blob) -> str:
    """Return shape, type and the figures of data and diff; reads the blob without counting as a write."""
    shape = " x ".join(map(str, blob.shape)) or "scalar"
    rows = [("data", *figures(blob.const_data)), ("diff", *figures(blob.const_diff))]
    return (
        f"<div style='font-size:13px'><div><b>Blob</b> {escape(shape)} {escape(str(blob.dtype))},"
        f" {blob.count:,} elements</div>{table(HEADINGS, rows)}</div>"
    )


def figures(array: NDArray[Any]) -> tuple[str, ...]:
    """Return min, max, mean and std of the finite values, the share of zeros and how many are not finite, as text."""
    if array.size == 0:
        return ("-",) * (len(HEADINGS) - 1)
    finite = np.isfinite(array)
    bad = array.size - int(np.count_nonzero(finite))
    values = array if not bad else array[finite]
    zeros = 1 - np.count_nonzero(array) / array.size
    if values.size == 0:
        return ("-", "-", "-", "-", f"{zeros:.1%}", f"{bad:,}")
    mean, std = values.mean(dtype=np.float64), values.std(dtype=np.float64)
    numbers = (f"{float(number):.4g}" for number in (values.min(), values.max(), mean, std))
    return (*numbers, f"{zeros:.1%}", f"{bad:,}" if bad else "0")


def table(headings: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """Return an HTML table whose first column has the names of the rows; every text is escaped."""
    head = "".join(f"<th style='{_CELL}'>{escape(text)}</th>" for text in headings)
    body = "".join(
        f"<tr style='background:none'><th style='{_CELL}'>{escape(name)}</th>"
        + "".join(f"<td style='{_CELL}'>{escape(text)}</td>" for text in texts)
        + "</tr>"
        for name, *texts in rows
    )
    return (
        "<table style='border-collapse:collapse;margin:4px 0;color:inherit;font-size:inherit;"
        f"font-variant-numeric:tabular-nums'><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    )
