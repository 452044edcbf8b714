"""A blob as pictures of its data and diff with exact figures, in HTML that needs neither script nor style."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from html import escape
from typing import Any

from numpy.typing import NDArray

from caffe_nb.core.blob import Blob
from caffe_nb.core.figures import shape_label, table
from caffe_nb.inspector import sample
from caffe_nb.inspector.palette import LIGHT, category_colours, limit_of
from caffe_nb.inspector.pieces import Statistics
from caffe_nb.sharing.pixels import png

MAX_BYTES = 64 * 1024
"""Most values of a picture, as float32."""
HUES = "red above, blue below zero"
_TABLE = "margin:4px 0;color:inherit;border-collapse:collapse"
HEADINGS = ("", "min", "max", "mean", "std", "zeros", "negative", "NaN", "infinite")


def to_html(blob: Blob) -> str:
    """Return shape, type, pictures and figures of data and diff; reads the blob without counting as a write."""
    parts = {"data": blob.const_data, "diff": blob.const_diff}
    figures = {part: sample.statistics(array) for part, array in parts.items()}
    shown = [part for part in parts if blob.count and (part == "data" or figures[part].zeros < blob.count)]
    cell = "<td valign='top' align='left' style='padding:0 16px 0 0;text-align:left'>"
    pictures = "".join(f"{cell}{picture(parts[part], figures[part], part)}</td>" for part in shown)
    rows = [(part, *texts(figures[part])) for part in parts]
    return (
        f"<div style='font-size:13px'><div><b>Blob</b> {shape_label(blob.shape)} {escape(str(blob.dtype))},"
        f" {blob.count:,} elements</div>"
        + (f"<table style='{_TABLE}'><tr style='background:none'>{pictures}</tr></table>" if shown else "")
        + f"{table(HEADINGS, rows, words=1)}</div>"
    )


def texts(figures: Statistics) -> tuple[str, ...]:
    """Return an array's figures in the order of `HEADINGS`."""
    infinite = figures.positive_infinities + figures.negative_infinities
    if figures.count == 0:
        return ("-",) * (len(HEADINGS) - 1)
    some = figures.nans + infinite < figures.count
    numbers = [f"{it:.4g}" if some else "-" for it in (figures.min, figures.max, figures.mean, figures.std)]
    shares = (f"{share / figures.count:.1%}" for share in (figures.zeros, figures.negatives))
    return (*numbers, *shares, f"{figures.nans:,}", f"{infinite:,}")


def picture(array: NDArray[Any], figures: Statistics, name: str) -> str:
    """Return an array as an image with a line on what it shows.

    Parameters
    ----------
    array : ndarray
        Any shape, with at least one element.
    figures : Statistics
        Of the whole array.
    name : str
        ``data`` or ``diff``; any text.
    """
    categories = figures.categories
    view = sample.view(array, max_bytes=MAX_BYTES, picked=bool(categories))
    limit = 0.0 if categories else limit_of(figures)
    data, width, height = png(view.values, limit, categories)
    image = (
        f"<img alt='picture of {escape(name, quote=True)}' width='{width}' height='{height}'"
        f" src='data:image/png;base64,{b64encode(data).decode()}'>"
    )
    caption = escape(_caption(view, limit, figures, name))
    legend = f"<div style='font-size:11px'>{_legend(categories)}</div>" if categories else ""
    return f"<div>{image}</div><div style='font-size:11px;opacity:.75'>{caption}</div>{legend}"


def _legend(categories: Sequence[int]) -> str:
    """Return each value with its colour."""
    colours = category_colours(categories, LIGHT).items()
    return " ".join(f"<span style='color:rgb{colour}'>&#9632;</span>&nbsp;{value}" for value, colour in colours)


def _caption(view: sample.View, limit: float, figures: Statistics, name: str) -> str:
    tiles, rows, cols = view.values.shape
    what = f"{tiles:,} pictures of {rows} x {cols}" if tiles > 1 else f"{rows} x {cols}"
    others = [f"axis {axis} at {at}" for axis, at in enumerate(view.index) if axis not in view.axes]
    where = f", {', '.join(others)}" if others else ""
    reduced = ", reduced" if view.reduced else ""
    colours = f"{HUES}, full colour at ±{limit:.3g}" if limit else "all zeros" if figures.zeros == figures.count else ""
    colours += ", marked beyond" if max(abs(figures.min), abs(figures.max)) > limit > 0 else ""
    return f"{name}: {what}{where}{reduced}" + (f"; {colours}" if colours else "")
