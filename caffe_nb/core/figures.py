"""Small tables and short names for HTML that stands alone: inline styles, no script, readable without the styles."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape

CELL = "padding:2px 8px;border-bottom:1px solid rgba(128,128,128,.3);vertical-align:top"
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")


def table(headings: Sequence[str], rows: Sequence[Sequence[str]], *, words: int = 0) -> str:
    """Return an HTML table whose first column has the names of the rows; every text is escaped.

    Parameters
    ----------
    headings, rows : sequences of str
        As many headings as a row has texts, or none.
    words : int, default 0
        How many of the first columns begin at the left; the others, figures, end at the right.
    """

    def cells(tags: Sequence[str], texts: Sequence[str]) -> str:
        sides = ["left"] * words + ["right"] * (len(texts) - words)
        return "".join(
            f"<{tag} align='{side}' style='{CELL};text-align:{side}'>{escape(text)}</{tag}>"
            for tag, side, text in zip(tags, sides, texts, strict=False)
        )

    head = cells(["th"] * len(headings), headings)
    body = "".join(
        f"<tr style='background:none'>{cells(['th', *['td'] * (len(texts) - 1)], texts)}</tr>" for texts in rows
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
