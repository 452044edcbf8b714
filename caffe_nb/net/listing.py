"""A net as a table of its layers: for HTML and for plain text."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from caffe_nb.core.blob import Blob
from caffe_nb.core.figures import label, shape_label, table
from caffe_nb.net.drawing import LARGE, as_image, to_svg

if TYPE_CHECKING:
    from caffe_nb.net.build import Node
    from caffe_nb.net.net import Net

HEADINGS = ("layer", "type", "bottoms", "tops", "parameters")
MOST = 6
"""Most bottoms or tops of one layer that are listed."""
MOST_ROWS = 500
"""Most layers in a notebook's output; a page that is saved has all."""
MOST_LINES = 60
"""Most layers in plain text."""
WIDTH = 100


def rows(net: Net) -> list[tuple[int, tuple[str, ...]]]:
    """Return the index and the texts of each layer, in the order of `HEADINGS`; inserted splits are left out."""
    return [(node.index, _row(node)) for node in net.nodes if not node.inserted]


def _row(node: Node) -> tuple[str, ...]:
    kind = f"{type(node.layer).__name__}, Python" if node.is_python else node.param.type
    in_place = any(top is bottom for top in node.tops for bottom in node.bottoms)
    tops = _blobs(node.top_names, node.tops) + (" (in place)" if in_place else "")
    count = sum(blob.count for blob in node.layer.blobs)
    shapes = ", ".join(shape_label(blob.shape, "x") for blob in node.layer.blobs)
    return (
        label(node.name),
        label(kind),
        _blobs(node.bottom_labels or node.bottom_names, node.bottoms),
        tops,
        f"{shapes} ({count:,})" if shapes else "",
    )


def _blobs(names: Sequence[str], blobs: Sequence[Blob]) -> str:
    texts = [f"{label(name, 40)} {shape_label(blob.shape, 'x')}" for name, blob in zip(names, blobs, strict=True)]
    more = len(texts) - MOST
    return ", ".join(texts[:MOST]) + (f" and {more} more" if more > 0 else "")


def summary(net: Net) -> str:
    """Return phase and size of a net in a few words."""
    count = sum(blob.count for blob in net.learnable_params)
    layers = sum(not node.inserted for node in net.nodes)
    return f"{net.phase}, {layers:,} layer{'' if layers == 1 else 's'}, {count:,} parameters"


def to_html(net: Net) -> str:
    """Return the net's picture and the table of its layers, in boxes that scroll where they are large.

    Neither scripts nor styles are needed to read it; the table of a net of more than 100 layers is folded.
    """
    listed = [texts for _, texts in rows(net)]
    opened = " open" if len(listed) <= LARGE else ""
    more = len(listed) - MOST_ROWS
    layers = table(HEADINGS, listed[:MOST_ROWS], words=len(HEADINGS))
    note = f"<div>and {more:,} more; net.save_html(…) writes all</div>" if more > 0 else ""
    box = "overflow:auto;max-width:100%;max-height"
    return (
        f"<div style='font-size:13px'><div style='margin-bottom:4px'><b>{escape(label(net.name))}</b>"
        f" {summary(net)}</div><div style='{box}:640px'>{as_image(to_svg(net))}</div>"
        f"<details{opened}><summary>Layers</summary>"
        f"<div style='{box}:480px'>{layers}{note}</div></details></div>"
    )


def to_text(net: Net) -> str:
    """Return the net as plain text: a line of figures, then a line a layer, at most 100 columns wide."""
    listed = [(name, kind, bottoms, tops) for _, (name, kind, bottoms, tops, _) in rows(net)]
    more = len(listed) - MOST_LINES
    shown = [*listed[: MOST_LINES // 2], *listed[-MOST_LINES // 2 :]] if more > 0 else listed
    name_width = min(24, max((len(row[0]) for row in shown), default=0))
    type_width = min(22, max((len(row[1]) for row in shown), default=0))
    lines = [
        textwrap.shorten(
            f"{bottoms or '(none)'} -> {tops or '(none)'}", WIDTH - name_width - type_width - 6, placeholder=" …"
        )
        for _, _, bottoms, tops in shown
    ]
    table = [
        f"  {label(name, name_width):{name_width}}  {label(kind, type_width):{type_width}}  {line}"
        for (name, kind, _, _), line in zip(shown, lines, strict=True)
    ]
    if more > 0:
        table.insert(MOST_LINES // 2, f"  … {more:,} more layers …")
    return "\n".join([repr(net), *table])
