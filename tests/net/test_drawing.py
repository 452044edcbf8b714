"""The picture of a net: every layer is there, nothing overlaps, names are text."""

from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caffe_nb.errors import NetError
from caffe_nb.net import Net
from caffe_nb.net.drawing import to_svg
from caffe_nb.net.graph import topology
from caffe_nb.net.layout import layered
from caffe_nb.proto.files import MissingFileError

FORKED = """name: "<b>fork</b>"
layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 } } }
layer { name: "a & <script>" type: "ReLU" bottom: "x" top: "a" }
layer { name: "b" type: "Sigmoid" bottom: "x" top: "b" }
layer { name: "sum" type: "Eltwise" bottom: "a" bottom: "b" top: "sum" }
layer { name: "skip" type: "Eltwise" bottom: "sum" bottom: "x" top: "skip" }
"""


def test_splits_are_seen_through():
    graph = topology(Net.from_text(FORKED))
    assert [node.name for node in graph.nodes] == ["in", "a & <script>", "b", "sum", "skip"]
    names = {node.index: node.name for node in graph.nodes}
    assert {(names[e.source], names[e.target], e.blob) for e in graph.edges} == {
        ("in", "a & <script>", "x"),
        ("in", "b", "x"),
        ("a & <script>", "sum", "a"),
        ("b", "sum", "b"),
        ("sum", "skip", "sum"),
        ("in", "skip", "x"),
    }


def test_the_picture_is_well_formed_and_names_are_text():
    svg = ET.fromstring(to_svg(Net.from_text(FORKED)))
    texts = {element.text for element in svg.iter("{http://www.w3.org/2000/svg}text")}
    assert {"in", "a & <script>", "b", "sum", "skip"} <= texts


@st.composite
def graphs(draw):
    size = draw(st.integers(1, 25))
    pairs = [(a, b) for b in range(size) for a in range(b)]
    return size, draw(st.lists(st.sampled_from(pairs), unique=True, max_size=40)) if pairs else []


@given(graphs())
def test_edges_point_down_and_nothing_overlaps(graph):
    size, edges = graph
    layout = layered(list(range(size)), edges)
    assert all(layout.rank[a] < layout.rank[b] for a, b in edges)
    rows = {}
    for node, row in layout.rank.items():
        rows.setdefault(row, []).append(layout.x[node])
    for row in rows.values():
        assert all(b - a >= 1 - 1e-9 for a, b in pairwise(sorted(row)))
    assert all(layout.rank[b] - layout.rank[a] == 1 for route in layout.routes for a, b in pairwise(route))
    assert min(layout.x.values()) == 0
    assert min(layout.rank.values()) == 0


def test_a_drawing_is_saved_as_it_is_shown(tmp_path):
    drawing = Net.from_text(FORKED).draw()
    path = drawing.save(tmp_path / "net.svg")
    assert path.read_text(encoding="utf-8") == drawing.svg
    ET.parse(path)
    assert "<img " in drawing._repr_html_()
    assert "fork" in repr(drawing)


def test_what_no_drawing_can_be_is_said(tmp_path):
    net = Net.from_text(FORKED)
    with pytest.raises(NetError, match=r"'.*net\.bmp': this picture is an \.svg"):
        net.draw().save(tmp_path / "net.bmp")
    with pytest.raises(MissingFileError, match="does not exist"):
        net.draw().save(tmp_path / "nowhere" / "net.svg")
    with pytest.raises(NetError, match="above 0, got -1"):
        net.draw(-1)
