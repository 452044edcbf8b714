"""A net in a notebook's output: the picture and the table of layers, as HTML that cleaners let pass, and as text."""

import re
from base64 import b64decode
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import pytest

from caffe_nb.net import Net

EVIL = "<img src=x onerror=alert(1)>"

NET = """name: "little"
layer { name: "data" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 } } }
layer { name: "ip" type: "InnerProduct" bottom: "x" top: "ip" inner_product_param { num_output: 4 } }
layer { name: "relu" type: "ReLU" bottom: "ip" top: "ip" }
layer { name: "a" type: "Power" bottom: "ip" top: "a" }
layer { name: "b" type: "Power" bottom: "ip" top: "b" }
"""


def chain(layers: int) -> Net:
    """Return a net of so many layers, one after the other."""
    text = 'layer { name: "in" type: "Input" top: "b0" input_param { shape { dim: 2 } } }'
    for i in range(layers - 1):
        text += f'\nlayer {{ name: "power{i}" type: "Power" bottom: "b{i}" top: "b{i + 1}" }}'
    return Net.from_text(text)


def picture(html: str) -> str:
    """Return the SVG in a net's HTML."""
    found = re.search(r"src='data:image/svg\+xml;base64,([^']*)'", html)
    assert found is not None
    return b64decode(found[1]).decode()


class Cleaned(HTMLParser):
    """What is left where styles, scripts and inline SVG are taken out: elements and texts."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += f"{data}\n"


def test_the_table_has_each_layer_with_its_blobs_shapes_and_parameters() -> None:
    text = Cleaned(Net.from_text(NET)._repr_html_()).text.splitlines()
    for cell in ("ip", "InnerProduct", "x 2x3", "ip 2x4", "4x3, 4 (16)", "ip 2x4 (in place)"):
        assert cell in text


def test_inserted_splits_are_neither_listed_nor_named() -> None:
    assert "split" not in Net.from_text(NET)._repr_html_()
    assert "split" not in Net.from_text(NET)._repr_mimebundle_()["text/plain"]


def test_it_reads_where_styles_scripts_and_inline_svg_are_taken_out() -> None:
    cleaned = Cleaned(Net.from_text(NET)._repr_html_())
    assert {tag for tag, _ in cleaned.elements} <= {
        *("div", "b", "img", "details", "summary", "table", "thead", "tbody", "tr", "th", "td")
    }
    (image,) = [attributes for tag, attributes in cleaned.elements if tag == "img"]
    assert image["alt"] == "graph of net little: 5 layers"
    assert int(image["width"] or 0) > 0
    assert int(image["height"] or 0) > 0
    assert not [name for _, attributes in cleaned.elements for name in attributes if name.startswith("on")]


def test_an_in_place_layer_has_a_box_of_its_own_and_edges_have_shapes() -> None:
    svg = ET.fromstring(picture(Net.from_text(NET)._repr_html_()))
    texts = [element.text for element in svg.iter("{http://www.w3.org/2000/svg}text")]
    assert {"ip", "relu"} <= set(texts)
    assert texts.count("ip 2x4") == 2  # as the InnerProduct and as the ReLU left it


@pytest.mark.parametrize("name", [EVIL, "\"'quoted'\" & <b>", "🦊" * 40, "x" * 5000, "bell\\007 and \\342\\200\\256"])
def test_any_name_is_text_and_is_cut(name: str) -> None:
    quoted = name.replace('"', '\\"')
    net = Net.from_text(f"""name: "{quoted}"
        layer {{ name: "{quoted}" type: "Input" top: "{quoted}" input_param {{ shape {{ dim: 2 }} }} }}
        layer {{ name: "next" type: "ReLU" bottom: "{quoted}" top: "{quoted}" }}""")
    html = net._repr_html_()
    ET.fromstring(picture(html))
    elements = Cleaned(html).elements
    assert sum(tag == "img" for tag, _ in elements) == 1
    assert not [name for _, attributes in elements for name in attributes if name.startswith("on")]
    assert len(html) < 20_000
    assert max(map(len, net._repr_mimebundle_()["text/plain"].splitlines()[1:])) <= 100


@pytest.mark.parametrize(("layers", "opened"), [(100, True), (101, False)])
def test_the_table_of_a_large_net_is_folded(layers: int, opened: bool) -> None:
    (details,) = [attributes for tag, attributes in Cleaned(chain(layers)._repr_html_()).elements if tag == "details"]
    assert ("open" in details) == opened


def test_a_large_net_goes_on_in_the_next_column_and_is_made_smaller() -> None:
    net = chain(400)
    html = net._repr_html_()
    svg = ET.fromstring(picture(html))
    width, height = (float(svg.attrib[side]) for side in ("width", "height"))
    room = [float(number) for number in svg.attrib["viewBox"].split()]
    assert width < room[2]
    assert 0.3 < width / height < 4
    boxes = svg.iter("{http://www.w3.org/2000/svg}rect")
    places = {(box.attrib["x"], box.attrib["y"]) for box in boxes if box.attrib["width"] == "168"}
    assert len(places) == 400
    assert all(0 <= float(x) <= room[2] - 168 and 0 <= float(y) <= room[3] - 40 for x, y in places)


def test_plain_text_has_a_line_a_layer_and_leaves_out_the_middle_of_a_long_net() -> None:
    lines = Net.from_text(NET)._repr_mimebundle_()["text/plain"].splitlines()
    assert lines[0] == "<Net 'little' TRAIN: 6 layers, 6 blobs, 16 parameters>"
    assert lines[2].split() == ["ip", "InnerProduct", "x", "2x3", "->", "ip", "2x4"]
    long = chain(2000)._repr_mimebundle_()["text/plain"].splitlines()
    assert len(long) < 70
    assert "1,940 more layers" in "\n".join(long)


def test_a_net_of_2000_layers_takes_a_notebook_two_megabytes_at_most() -> None:
    html = chain(2000)._repr_html_()
    assert "1,500 more" in html
    assert len(html) < 2_000_000


def test_a_net_without_layers_has_a_picture_too() -> None:
    html = Net.from_text('name: "empty"')._repr_html_()
    ET.fromstring(picture(html))
