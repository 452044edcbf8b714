"""A net as a picture: SVG text that any browser shows, with no extension and no program installed."""

from __future__ import annotations

import math
import os
from base64 import b64encode
from collections import defaultdict
from html import escape
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING
from unicodedata import east_asian_width

from caffe_nb.core import registry
from caffe_nb.core.figures import label, shape_label
from caffe_nb.errors import NetError
from caffe_nb.net.graph import Edge, Topology, topology
from caffe_nb.net.layout import layered
from caffe_nb.proto.files import write_chosen

if TYPE_CHECKING:
    from caffe_nb.net.build import Node
    from caffe_nb.net.net import Net

WIDTH, HEIGHT, GAP_X, GAP_Y, MARGIN = 168, 40, 22, 30, 12
LEGEND, LINE, ROOM = 30, 12, 44
LONGEST = 30
"""Most ranks of a drawing in one column; a longer one goes on at the top of the next."""
MOST_LABELS = 3
"""Most blobs of one layer that get a label; the last one says how many more there are."""
LARGE = 100
"""Layers from which on a picture is made smaller."""
VAST = 500
"""Layers from which on blobs get no labels, which nobody could read at that size."""

COLOURS = {
    "data": "#cfe8ff",
    "vision": "#d9d2f3",
    "common": "#e6d0ee",
    "activation": "#fde3c0",
    "normalization": "#fff3b8",
    "recurrent": "#c7ebe6",
    "loss": "#f9ced2",
    "python": "#c9ecd0",
    "utility": "#e3e6ea",
}
"""Fill by family; the text on it is dark in both themes."""
LEGENDS = {"vision": "convolution and pooling", "common": "inner product", "utility": "other"}
ENDS = " text-anchor='end'"
LINES, INK = "#8a94a0", "#6f7b88"
"""Edges, and texts beside them: seen on white and on black."""


def family(node: Node) -> str:
    """Return the family of a layer's type: the folder that its class lives in, or ``python``."""
    if node.is_python:
        return "python"
    cls = registry.layer_class(node.param.type)
    parts = cls.__module__.split(".") if cls else []
    return parts[2] if len(parts) > 2 and parts[2] in COLOURS else "utility"


def to_svg(net: Net, *, scale: float | None = None) -> str:
    """Return the net's graph as SVG: a box a layer, coloured by family, and blobs with their shapes between them.

    Parameters
    ----------
    net : Net
        Any net; inserted splits are not drawn.
    scale : float, optional
        Size of the picture; 1 by default, smaller for nets of more than 100 layers.

    Returns
    -------
    str
        An ``<svg>`` element whose text comes from the prototxt, escaped. Boxes carry the layer's index as
        ``data-layer``, edges their ends as ``data-from`` and ``data-to``.
    """
    graph = topology(net)
    places = _Places(graph)
    legend, legend_width = _legend(list(dict.fromkeys(family(node) for node in graph.nodes)))
    width = max(places.width, legend_width)
    if scale is None:
        scale = 1.0 if len(graph.nodes) <= LARGE else min(1.0, max(0.5, 1100 / width))
    title = f"graph of net {label(net.name)}: {len(graph.nodes)} layers"
    return (
        f"<svg xmlns='http://www.w3.org/2000/svg' width='{width * scale:.0f}'"
        f" height='{places.height * scale:.0f}' viewBox='0 0 {width:.0f} {places.height:.0f}'"
        f" font-family='system-ui, sans-serif' role='img' aria-label='{escape(title, quote=True)}'>"
        + legend
        + f"<g fill='none' stroke='{LINES}' stroke-width='1.4' stroke-linejoin='round'>{places.edges(graph)}</g>"
        + f"<g font-size='10' fill='{INK}'>{places.labels}</g>"
        + "<g text-anchor='middle' font-size='11' fill='#3f4954'>"
        + "".join(_box(node, *places.centre(node.index)) for node in graph.nodes)
        + "</g></svg>"
    )


def as_image(svg: str) -> str:
    """Return SVG as an ``<img>``: what cleans HTML (GitHub, a notebook that is not trusted) lets pictures pass."""
    head = svg[: svg.index(">")]
    sizes = " ".join(part for part in head.split(" ") if part.startswith(("width=", "height=")))
    alt = head.rpartition("aria-label='")[2].rstrip("'")
    data = b64encode(svg.encode(errors="replace")).decode()
    return f"<img {sizes} alt='{alt}' src='data:image/svg+xml;base64,{data}'>"


class Drawing:
    """A net's graph as a picture, for a notebook's output or a file.

    Parameters
    ----------
    net : Net
        The net as it is now; what changes later is not in the picture.
    scale : float, optional
        Size of the picture; 1 by default, smaller for nets of more than 100 layers.

    Attributes
    ----------
    svg : str
        The picture as an ``<svg>`` element.
    """

    def __init__(self, net: Net, scale: float | None = None) -> None:
        if scale is not None and not 0 < scale < math.inf:
            raise NetError(f"a picture's scale is a number above 0, got {scale}")
        self.svg = to_svg(net, scale=scale)
        self._words = f"<Drawing of net '{label(net.name)}'>"

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the picture as an .svg file; one that is there is replaced.

        Parameters
        ----------
        path : path
            The file, like ``net.svg``.

        Returns
        -------
        pathlib.Path
            The file.

        Raises
        ------
        NetError
            For another ending than .svg.
        UnwritableFileError, MissingFileError
            When the file cannot be written.
        """
        target = Path(path)
        if target.suffix.lower() != ".svg":
            raise NetError(
                f"cannot write '{target}': this picture is an .svg; `caffe draw-net` writes .png, .pdf and .dot"
            )
        return write_chosen(target, self.svg)

    def __repr__(self) -> str:
        return self._words

    def _repr_html_(self) -> str:
        return f"<div style='overflow:auto;max-width:100%;max-height:800px'>{as_image(self.svg)}</div>"


class _Places:
    """Where everything goes, in pixels: the layout's ranks from the top, in columns where they are many."""

    def __init__(self, graph: Topology) -> None:
        layout = layered([node.index for node in graph.nodes], [(edge.source, edge.target) for edge in graph.edges])
        self._layout = layout
        self._texts = _labels(graph) if len(graph.nodes) <= VAST else {}
        gaps = [GAP_Y] * layout.rows
        for source, texts in self._texts.items():
            rank = layout.rank[source]
            gaps[rank] = max(gaps[rank], GAP_Y + LINE * (len(texts) - 1))
        self._column_width = layout.columns * (WIDTH + GAP_X) + ROOM
        total = layout.rows * (HEIGHT + GAP_Y)
        columns = 1 if layout.rows <= LONGEST else max(2, round(math.sqrt(1.6 * total / (self._column_width + 30))))
        self._ranks = -(-layout.rows // columns)
        self._gutter = GAP_X + 5 * self._most_crossing()
        self._y: list[float] = []
        bottom = 0.0
        for rank, gap in enumerate(gaps):
            y = MARGIN + LEGEND if rank % self._ranks == 0 else self._y[-1] + HEIGHT + gaps[rank - 1]
            self._y.append(y)
            bottom = max(bottom, y + HEIGHT + (gap if rank + 1 < layout.rows and self._ranks < layout.rows else 0))
        used = -(-layout.rows // self._ranks)
        self.width = max(MARGIN * 2.0, MARGIN * 2 + used * (self._column_width + self._gutter) - GAP_X - self._gutter)
        self.height = bottom + MARGIN
        self._bottom = bottom
        self._crossed: defaultdict[int, int] = defaultdict(int)
        self._first_steps: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
        for route in layout.routes:
            if self._column(route[0]) == self._column(route[1]):
                self._first_steps[route[0]].append((route[0], route[1]))

    def _most_crossing(self) -> int:
        crossing: defaultdict[int, int] = defaultdict(int)
        for route in self._layout.routes:
            for a, b in pairwise(route):
                if self._column(a) != self._column(b):
                    crossing[self._column(a)] += 1
        return max(crossing.values(), default=0)

    def _column(self, key: int) -> int:
        return self._layout.rank[key] // self._ranks

    def centre(self, key: int) -> tuple[float, float]:
        """Return the centre of a node's box."""
        left = MARGIN + self._column(key) * (self._column_width + self._gutter)
        x = left + self._layout.x[key] * (WIDTH + GAP_X) + WIDTH / 2
        return x, self._y[self._layout.rank[key]] + HEIGHT / 2

    def edges(self, graph: Topology) -> str:
        """Return the lines between the boxes, with their arrow heads."""
        parts = []
        for edge, route in zip(graph.edges, self._layout.routes, strict=True):
            x, y = self.centre(route[-1])
            y -= HEIGHT / 2
            parts.append(
                f"<g data-from='{edge.source}' data-to='{edge.target}'><path d='{self._path(route)}'/>"
                f"<path d='M{x - 4:.0f},{y - 6:.0f}L{x:.0f},{y:.0f}L{x + 4:.0f},{y - 6:.0f}Z' fill='{LINES}'/></g>"
            )
        return "".join(parts)

    def _path(self, route: list[int]) -> str:
        points = [self.centre(key) for key in route]
        points[0] = (points[0][0], points[0][1] + HEIGHT / 2)
        points[-1] = (points[-1][0], points[-1][1] - HEIGHT / 2)
        path = f"M{points[0][0]:.0f},{points[0][1]:.0f}"
        for (a, b), ((x0, y0), (x1, y1)) in zip(pairwise(route), pairwise(points), strict=True):
            if self._column(a) != self._column(b):
                path += self._to_next_column(self._column(b), y0, x0, x1, y1)
                continue
            middle = (y0 + y1) / 2
            path += f"C{x0:.0f},{middle:.0f} {x1:.0f},{middle:.0f} {x1:.0f},{y1:.0f}"
        return path

    def _to_next_column(self, column: int, y0: float, x0: float, x1: float, y1: float) -> str:
        """Return the way down, through the gutter up to the top, and into the next column."""
        number = self._crossed[column]
        self._crossed[column] += 1
        lane = MARGIN + column * (self._column_width + self._gutter) - self._gutter + 5 * number
        low, high = max(self._bottom, y0), MARGIN + LEGEND - 10
        return (
            f"L{x0:.0f},{low - 8:.0f}Q{x0:.0f},{low:.0f} {x0 + 8:.0f},{low:.0f}H{lane - 8:.0f}"
            f"Q{lane:.0f},{low:.0f} {lane:.0f},{low - 8:.0f}V{high + 6:.0f}"
            f"Q{lane:.0f},{high:.0f} {lane + 6:.0f},{high:.0f}"
            f"H{x1 - 4:.0f}Q{x1:.0f},{high:.0f} {x1:.0f},{min(high + 5, y1):.0f}V{y1:.0f}"
        )

    def _label_places(self, source: int, count: int) -> list[tuple[float, float, bool]]:
        """Return where a layer's labels go, and whether they end there: on the outer sides of its edges."""
        x, y = self.centre(source)
        y += HEIGHT / 2 + 13
        ways = [self.centre(b)[0] - self.centre(a)[0] for a, b in self._first_steps[source]]
        left, right = sum(way < -8 for way in ways), sum(way > 8 for way in ways)
        if left and right and left + right == len(ways):  # they part: labels on both sides
            steps = [(22 + 44 * (number // 2), number // 2, number % 2 == 0) for number in range(count)]
            return [(x - aside if end else x + aside, y - 1 + LINE * line, end) for aside, line, end in steps]
        end = right > left
        return [(x - 6 if end else x + 6, y + LINE * line, end) for line in range(count)]

    @property
    def labels(self) -> str:
        """The names and shapes of the blobs, below the layers that wrote them."""
        return "".join(
            f"<text x='{x:.0f}' y='{y:.0f}'{ENDS if end else ''}>{escape(text)}</text>"
            for source, texts in self._texts.items()
            for text, (x, y, end) in zip(texts, self._label_places(source, len(texts)), strict=True)
        )


def _labels(graph: Topology) -> dict[int, list[str]]:
    """Return the labels by the index of the layer that they stand under."""
    blobs: defaultdict[int, dict[str, Edge]] = defaultdict(dict)
    for edge in graph.edges:
        blobs[edge.source].setdefault(edge.blob, edge)
    found = {}
    for source, edges in blobs.items():
        texts = [f"{label(name, 14)} {shape_label(edge.shape, 'x')}" for name, edge in edges.items()]
        if len(texts) > MOST_LABELS:
            texts = [*texts[: MOST_LABELS - 1], f"and {len(texts) - MOST_LABELS + 1} more blobs"]
        found[source] = texts
    return found


def _legend(families: list[str]) -> tuple[str, float]:
    """Return what the colours mean, and its width."""
    x, parts = float(MARGIN), []
    for name in families:
        text = LEGENDS.get(name, name)
        parts.append(
            f"<rect x='{x:.0f}' y='{MARGIN}' width='10' height='10' rx='2' fill='{COLOURS[name]}' stroke='{LINES}'/>"
            f"<text x='{x + 14:.0f}' y='{MARGIN + 9}'>{text}</text>"
        )
        x += 26 + 5.6 * len(text)
    return f"<g font-size='10' fill='{INK}'>{''.join(parts)}</g>", x + MARGIN


def _box(node: Node, x: float, y: float) -> str:
    kind = f"{type(node.layer).__name__}, Python" if node.is_python else node.param.type
    shapes = ", ".join(shape_label(blob.shape) for blob in node.layer.blobs)
    tip = f"{label(node.name, 200)} ({label(node.param.type)})" + (f"; parameters: {shapes}" if shapes else "")
    return (
        f"<g data-layer='{node.index}'><title>{escape(tip)}</title>"
        f"<rect x='{x - WIDTH / 2:.0f}' y='{y - HEIGHT / 2:.0f}' width='{WIDTH}' height='{HEIGHT}' rx='6'"
        f" fill='{COLOURS[family(node)]}' stroke='{LINES}'/>"
        f"<text x='{x:.0f}' y='{y - 3:.0f}' font-size='13' font-weight='600' fill='#1d2530'>"
        f"{escape(_fitted(node.name, 20))}</text>"
        f"<text x='{x:.0f}' y='{y + 12:.0f}'>{escape(_fitted(kind, 26))}</text></g>"
    )


def _fitted(text: str, room: float) -> str:
    """Return a name cut to so many letters of usual width: ideographs and emoji are twice as wide."""
    for count, letter in enumerate(text):
        room -= 2 if east_asian_width(letter) in "WF" else 1.4 if letter in "MWmw@%" else 1
        if room < 0:
            return label(text, max(1, count))
    return label(text)
