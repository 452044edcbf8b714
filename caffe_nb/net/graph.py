"""The topology of a net as a person sees it: layers, and the blobs on their way between them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from caffe_nb.net.build import Node
    from caffe_nb.net.net import Net


@dataclass(frozen=True)
class Edge:
    """A blob on its way from the layer that wrote it last to one that reads it.

    Attributes
    ----------
    source, target : int
        Layer indices; inserted splits are seen through.
    blob : str
        The blob's name as the prototxt has it.
    shape : tuple of int
        Its shape.
    """

    source: int
    target: int
    blob: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Topology:
    """Layers without the splits that the builder inserted, and the edges between them."""

    nodes: list[Node]
    edges: list[Edge]
    display_names: dict[str, str]
    """For each top of an inserted split, the name of the blob that it copies."""


def topology(net: Net) -> Topology:
    """Return the net's layers and edges, inserted splits seen through."""
    writer: dict[str, int] = {}
    original: dict[str, str] = {}
    nodes: list[Node] = []
    edges: list[Edge] = []
    for node in net.nodes:
        if node.inserted:
            source = node.bottom_names[0]
            for name in node.top_names:
                writer[name] = writer[source]
                original[name] = original.get(source, source)
            continue
        for name, blob in zip(node.bottom_names, node.bottoms, strict=True):
            edges.append(Edge(writer[name], node.index, original.get(name, name), blob.shape))
        for name in node.top_names:
            writer[name] = node.index
        nodes.append(node)
    return Topology(nodes, edges, original)
