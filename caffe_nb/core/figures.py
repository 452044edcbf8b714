"""Small tables and short names for HTML that stands alone: inline styles, no script, readable without the styles."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape

CELL = "padding:2px 8px;border-bottom:1px solid rgba(128,128,128,.3);vertical-align:top"
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")


def table(headings: Sequence[str], rows: Sequence[Sequence[str]], *, left: bool = False) -> str:
    """Return an HTML table whose first column has the names of the rows; every text is escaped.

    Parameters
    ----------
    headings, rows : sequences of str
        As many headings as a row has texts, or none.
    left : bool, default False
        Whether the texts are words, that begin at the left; figures end at the right.
    """
    side = "left" if left else "right"
    style = f"{CELL};text-align:{side}"
    head = "".join(f"<th align='{side}' style='{style}'>{escape(text)}</th>" for text in headings)
    body = "".join(
        f"<tr style='background:none'><th align='{side}' style='{style}'>{escape(name)}</th>"
        + "".join(f"<td align='{side}' style='{style}'>{escape(text)}</td>" for text in texts)
        + "</tr>"
        for name, *texts in rows
    )
    return (
        "<table style='border-collapse:collapse;margin:4px 0;color:inherit;font-size:inherit;"
        f"font-variant-numeric:tabular-nums'><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    )


def label(text: str, limit: int = 60) -> str:
    """Return a name as it is shown: at most `limit` characters, and none that XML refuses or that turns the text round.

    Parameters
    ----------
    text : str
        A name from a prototxt; still to be escaped.
    limit : int, default 60
        Greatest number of characters, the mark of a cut included.
    """
    shown = text if len(text) <= limit else text[: limit - 1] + "…"
    return _UNSEEN.sub("\N{REPLACEMENT CHARACTER}", shown)


def shape_label(shape: Sequence[int], sign: str = " x ") -> str:
    """Return a shape as people write it, ``scalar`` for none."""
    return sign.join(map(str, shape)) or "scalar"
