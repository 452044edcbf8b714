"""A net as a picture: SVG text that any browser shows, with no extension and no program installed."""

from __future__ import annotations

from html import escape
from itertools import pairwise
from typing import TYPE_CHECKING

from caffe_nb.core import registry
from caffe_nb.net.graph import Topology, topology
from caffe_nb.net.layout import Layout, layered

if TYPE_CHECKING:
    from caffe_nb.net.build import Node
    from caffe_nb.net.net import Net

WIDTH, HEIGHT, GAP_X, GAP_Y, MARGIN = 168, 40, 22, 30, 12

COLOURS = {
    "data": "#cfe8ff",
    "vision": "#d9d2f3",
    "common": "#d9d2f3",
    "activation": "#fde3c0",
    "normalization": "#fff3b8",
    "recurrent": "#c7ebe6",
    "loss": "#f9ced2",
    "python": "#c9ecd0",
    "utility": "#e3e6ea",
}
"""Fill by family; the text on it is dark in both themes."""


def family(node: Node) -> str:
    """Return the family of a layer's type: the folder that its class lives in, or ``python``."""
    if node.is_python:
        return "python"
    cls = registry.layer_class(node.param.type)
    parts = cls.__module__.split(".") if cls else []
    return parts[2] if len(parts) > 2 and parts[2] in COLOURS else "utility"


def to_svg(net: Net) -> str:
    """Return the net's graph as SVG: a box a layer, coloured by family, and blobs with their shapes between them.

    Parameters
    ----------
    net : Net
        Any net; inserted splits are not drawn.

    Returns
    -------
    str
        An ``<svg>`` element whose text comes from the prototxt, escaped.
    """
    graph = topology(net)
    layout = layered([node.index for node in graph.nodes], [(edge.source, edge.target) for edge in graph.edges])
    width = MARGIN * 2 + layout.columns * (WIDTH + GAP_X) - GAP_X
    height = MARGIN * 2 + layout.rows * (HEIGHT + GAP_Y) - GAP_Y
    body = [_edges(graph, layout), *(_box(node, layout) for node in graph.nodes)]
    return (
        f"<svg xmlns='http://www.w3.org/2000/svg' width='{width:.0f}' height='{height:.0f}'"
        f" viewBox='0 0 {width:.0f} {height:.0f}' font-family='system-ui, sans-serif' role='img'"
        f" aria-label='{escape(f'graph of net {net.name}: {len(graph.nodes)} layers', quote=True)}'>"
        + "".join(body)
        + "</svg>"
    )


def to_html(net: Net) -> str:
    """Return the net's picture with a line of figures, in a box that scrolls when it is large."""
    count = sum(blob.count for blob in net.learnable_params)
    layers = sum(not node.inserted for node in net.nodes)
    return (
        "<div style='font-size:13px'>"
        f"<div style='margin-bottom:4px'><b>{escape(net.name)}</b> {net.phase}, {layers} layers,"
        f" {count:,} parameters</div>"
        f"<div style='overflow:auto;max-height:640px;max-width:100%'>{to_svg(net)}</div></div>"
    )


def _centre(layout: Layout, key: int) -> tuple[float, float]:
    x = MARGIN + layout.x[key] * (WIDTH + GAP_X) + WIDTH / 2
    y = MARGIN + layout.rank[key] * (HEIGHT + GAP_Y) + HEIGHT / 2
    return x, y


def _box(node: Node, layout: Layout) -> str:
    x, y = _centre(layout, node.index)
    left, top = x - WIDTH / 2, y - HEIGHT / 2
    kind = f"{type(node.layer).__name__}, Python" if node.is_python else node.param.type
    shapes = " ".join(" x ".join(map(str, blob.shape)) or "scalar" for blob in node.layer.blobs)
    tip = f"{node.name} ({node.param.type})" + (f"\nparameters: {shapes}" if shapes else "")
    return (
        f"<g><title>{escape(tip)}</title>"
        f"<rect x='{left:.1f}' y='{top:.1f}' width='{WIDTH}' height='{HEIGHT}' rx='6' fill='{COLOURS[family(node)]}'"
        " stroke='#8a94a0' stroke-width='1'/>"
        f"<text x='{x:.1f}' y='{y - 3:.1f}' text-anchor='middle' font-size='13' font-weight='600' fill='#1d2530'>"
        f"{escape(_short(node.name, 22))}</text>"
        f"<text x='{x:.1f}' y='{y + 12:.1f}' text-anchor='middle' font-size='11' fill='#48525e'>"
        f"{escape(_short(kind, 26))}</text></g>"
    )


def _edges(graph: Topology, layout: Layout) -> str:
    parts = []
    labelled: set[tuple[int, str]] = set()
    for edge, route in zip(graph.edges, layout.routes, strict=True):
        points = [_centre(layout, key) for key in route]
        points[0] = (points[0][0], points[0][1] + HEIGHT / 2)
        points[-1] = (points[-1][0], points[-1][1] - HEIGHT / 2)
        path = f"M{points[0][0]:.1f},{points[0][1]:.1f}"
        for (x0, y0), (x1, y1) in pairwise(points):
            middle = (y0 + y1) / 2
            path += f" C{x0:.1f},{middle:.1f} {x1:.1f},{middle:.1f} {x1:.1f},{y1:.1f}"
        parts.append(f"<path d='{path}' fill='none' stroke='#8a94a0' stroke-width='1.4'/>")
        x, y = points[-1]
        parts.append(f"<path d='M{x - 4:.1f},{y - 6:.1f} L{x:.1f},{y:.1f} L{x + 4:.1f},{y - 6:.1f}' fill='#8a94a0'/>")
        if (edge.source, edge.blob) not in labelled:
            labelled.add((edge.source, edge.blob))
            shape = "x".join(map(str, edge.shape)) or "scalar"
            parts.append(
                f"<text x='{points[0][0] + 6:.1f}' y='{points[0][1] + 13:.1f}' font-size='10' fill='#7a8592'>"
                f"{escape(_short(f'{edge.blob} {shape}', 28))}</text>"
            )
    return "".join(parts)


def _short(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"
