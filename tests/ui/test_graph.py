"""The graph of a net of many layers: groups, search, ways between layers, colours, files."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from playwright.sync_api import Locator, expect

from tests.ui.lab import Lab, wait_for

HOSTILE = "<img src=x onerror=alert(1)>"
BLOCKS = 24
SVG = "{http://www.w3.org/2000/svg}"


def _net() -> str:
    """Return a net of 24 blocks of five layers, one of them a side way, and a few layers that stand alone."""
    lines = [
        'name: "Blocks <b>&</b>"',
        'layer { name: "data" type: "DummyData" top: "data" top: "label" dummy_data_param { shape { dim: 2 dim: 4 }'
        ' shape { dim: 2 dim: 4 } data_filler { type: "gaussian" std: 1 } } include { phase: TRAIN } }',
        f'layer {{ name: "{HOSTILE}" type: "AbsVal" bottom: "data" top: "{HOSTILE}" }}',
    ]
    below = HOSTILE
    for number in range(BLOCKS):
        lines += _block(f"block{number}", below)
        below = f"block{number}/sum"
        if number == 3:
            lines.append(
                f'layer {{ name: "block3/python" type: "Python" bottom: "{below}" top: "block3/python"'
                ' python_param { module: "passing" layer: "Passing" } }'
            )
            below = "block3/python"
    lines += [
        f'layer {{ name: "frozen" type: "InnerProduct" bottom: "{below}" top: "frozen" param {{ lr_mult: 0 }}'
        " param { lr_mult: 0 } inner_product_param { num_output: 4 } }",
        'layer { name: "loss" type: "EuclideanLoss" bottom: "frozen" bottom: "label" top: "loss" }',
    ]
    return "\n".join(lines)


def _block(name: str, below: str) -> list[str]:
    inner = 'inner_product_param { num_output: 4 weight_filler { type: "xavier" } }'
    return [
        f'layer {{ name: "{name}/ip" type: "InnerProduct" bottom: "{below}" top: "{name}/ip" {inner}'
        ' param { name: "shared" } }',
        f'layer {{ name: "{name}/relu" type: "ReLU" bottom: "{name}/ip" top: "{name}/ip" }}',
        f'layer {{ name: "{name}/side" type: "InnerProduct" bottom: "{below}" top: "{name}/side" {inner} }}',
        f'layer {{ name: "{name}/scaled" type: "Power" bottom: "{name}/ip" top: "{name}/scaled" }}',
        f'layer {{ name: "{name}/sum" type: "Eltwise" bottom: "{name}/scaled" bottom: "{name}/side"'
        f' top: "{name}/sum" }}',
    ]


PYTHON = """\
import caffe


class Passing(caffe.Layer):
    def reshape(self, bottom, top):
        top[0].reshape(*bottom[0].shape)

    def forward(self, bottom, top):
        top[0].data[...] = bottom[0].data

    def backward(self, top, propagate_down, bottom):
        bottom[0].diff[...] = top[0].diff
"""

CELLS = [
    '%load_ext caffe_nb\nimport caffe\nnet = caffe.Net("net.prototxt", caffe.TRAIN)\n%caffe_inspect net',
    "for _ in range(5):\n    net.forward()\n    net.backward()",
]


@pytest.fixture(scope="module")
def shown_lab(open_lab: Callable[[str], Lab]) -> Lab:
    """A notebook whose net of 125 layers is shown."""
    lab = open_lab("graph")
    lab.write({"net.prototxt": _net(), "passing.py": PYTHON})
    lab.open(lab.notebook(CELLS))
    lab.run(0)
    expect(lab.panel.find("caffe-graph")).to_have_attribute("data-layout", "ready")
    return lab


@pytest.fixture
def shown(shown_lab: Lab) -> Lab:
    """The net with all its groups closed, the graph at its top."""
    everything = shown_lab.panel.root.get_by_role("button", name="Open all")
    close = shown_lab.panel.root.get_by_role("button", name="Close all")
    if not close.count():
        everything.click()
    close.click()
    _settle(shown_lab)
    shown_lab.panel.root.get_by_label("Fit View").click()
    assert shown_lab.faults == []
    return shown_lab


def _settle(lab: Lab) -> None:
    expect(lab.panel.find("caffe-graph")).to_have_attribute("data-layout", "ready")


def _group(lab: Lab, name: str) -> Locator:
    return lab.panel.root.locator(f'[data-testid="caffe-graph-group"][data-group="{name}"]')


def _search(lab: Lab, text: str, *keys: str) -> None:
    lab.panel.find("caffe-graph-search").fill(text)
    for key in keys:
        lab.panel.find("caffe-graph-search").press(key)
    _settle(lab)


# groups


def test_a_net_of_more_than_a_hundred_layers_starts_with_its_groups_closed(shown: Lab) -> None:
    expect(_group(shown, "block0")).to_have_attribute("data-open", "false")
    expect(_group(shown, "block0")).to_have_attribute("data-count", "5")
    expect(_group(shown, "block0")).to_contain_text("5 layers")
    expect(_group(shown, "block0")).to_contain_text("40")  # parameters: two layers of 16 weights and 4 biases
    expect(shown.panel.layer("block0/ip")).to_have_count(0)
    shown.picture("graph-closed")


def test_a_click_opens_a_group_where_it_stands_and_another_closes_it(shown: Lab) -> None:
    group = _group(shown, "block1")
    before = group.bounding_box()
    group.click()
    expect(group).to_have_attribute("data-open", "true")
    _settle(shown)
    expect(shown.panel.layer("block1/ip")).to_be_visible()
    expect(shown.panel.layer("block1/ip")).to_contain_text("ip")
    after = group.bounding_box()
    assert before is not None
    assert after is not None
    assert abs(after["y"] - before["y"]) < 3
    shown.picture("graph-open")
    group.get_by_text("block1").click()
    expect(group).to_have_attribute("data-open", "false")
    expect(shown.panel.layer("block1/ip")).to_have_count(0)


def test_the_keyboard_opens_a_group_walks_into_it_and_closes_it(shown: Lab) -> None:
    _search(shown, "onerror", "Enter")
    shown.panel.root.locator(".caffe-nb-flow").focus()
    press = shown.page.keyboard.press
    focused = shown.panel.root.locator(".react-flow__node:focus")
    press("ArrowDown")
    expect(focused).to_contain_text(HOSTILE)
    press("ArrowDown")
    expect(focused).to_contain_text("block0")
    expect(focused).to_have_attribute("aria-expanded", "false")
    press("Enter")
    expect(focused).to_have_attribute("aria-expanded", "true")
    _settle(shown)
    press("ArrowDown")
    expect(shown.panel.layer("block0/ip")).to_have_attribute("data-selected", "true")
    press("g")
    expect(focused).to_have_attribute("aria-expanded", "true")
    press("Enter")
    expect(_group(shown, "block0")).to_have_attribute("data-open", "false")


def test_a_closed_group_shows_that_a_layer_in_it_fails_and_opens_when_that_is_shown(shown: Lab) -> None:
    _search(shown, "block2/side", "Enter")  # what somebody looks at stays
    group = _group(shown, "block3")
    expect(group).to_have_attribute("data-worst", "")
    shown.write({"passing.py": PYTHON.replace("top[0].data", "raise ValueError('no more'); top[0].data")})
    shown.run(1)
    expect(group).to_have_attribute("data-worst", "error")
    item = shown.panel.root.locator('.react-flow__node[aria-label*="group block3,"]')
    expect(item).to_have_attribute("aria-label", re.compile("6 layers, 1 with an error"))
    shown.picture("graph-error")
    shown.panel.find("caffe-error").get_by_role("button", name="Show").click()
    expect(shown.panel.layer("block3/python")).to_have_attribute("data-error", "true")
    expect(shown.panel.layer("block3/python")).to_be_in_viewport()
    shown.write({"passing.py": PYTHON})
    shown.run(1)
    expect(shown.panel.layer("block3/python")).to_have_attribute("data-error", "false")


# search and jumps


def test_the_search_goes_through_its_hits_and_opens_their_groups(shown: Lab) -> None:
    _search(shown, "/SUM")
    expect(shown.panel.find("caffe-graph-hits")).to_have_text(f"{BLOCKS} found")
    _search(shown, "block2/", "Enter")
    expect(shown.panel.find("caffe-graph-hits")).to_have_text("1 of 5")
    expect(shown.panel.layer("block2/ip")).to_have_attribute("data-selected", "true")
    expect(shown.panel.layer("block2/ip")).to_be_in_viewport()
    _search(shown, "block2/", "Enter", "Enter", "Shift+Enter")
    expect(shown.panel.layer("block2/relu")).to_have_attribute("data-selected", "true")
    shown.picture("graph-search")
    _search(shown, "eltwise", "Shift+Enter")
    expect(shown.panel.layer("block1/sum")).to_be_in_viewport()
    _search(shown, "", "Escape")


def test_buttons_lead_to_what_a_layer_reads_from_and_what_reads_from_it(shown: Lab) -> None:
    _search(shown, "block5/sum", "Enter")
    bar = shown.panel.find("caffe-graph-around")
    bar.get_by_role("button", name="block5/side").click()
    expect(shown.panel.layer("block5/side")).to_have_attribute("data-selected", "true")
    bar.get_by_role("button", name="block4/sum").click()
    expect(shown.panel.layer("block4/sum")).to_have_attribute("data-selected", "true")
    expect(shown.panel.layer("block4/sum")).to_be_in_viewport()


def test_a_shift_click_shows_the_ways_from_the_selected_layer(shown: Lab) -> None:
    _search(shown, "block7/ip", "Enter")
    shown.panel.layer("block7/sum").click(modifiers=["Shift"])
    said = shown.panel.find("caffe-graph-path")
    expect(said).to_contain_text("4 layers on the way from block7/ip to block7/sum")
    for name, is_on in (("ip", "on"), ("relu", "on"), ("scaled", "on"), ("sum", "on"), ("side", "off")):
        expect(shown.panel.layer(f"block7/{name}")).to_have_attribute("data-path", is_on)
    shown.picture("graph-path")
    shown.panel.layer("block7/side").click(modifiers=["Shift"])
    expect(said).to_contain_text("No blob leads")
    said.get_by_role("button", name="Clear").click()
    expect(shown.panel.layer("block7/side")).to_have_attribute("data-path", "")


# what nodes show


def test_layers_say_that_they_are_frozen_share_parameters_or_are_of_one_phase(shown: Lab) -> None:
    for name, badge in (("frozen", "frozen"), ("block9/ip", "shared"), ("data", "train")):
        _search(shown, name, "Enter")
        expect(shown.panel.layer(name).locator(".caffe-nb-badge")).to_have_text(badge)
        if name == "block9/ip":
            expect(shown.panel.layer(name)).to_contain_text("20")


def test_the_legend_counts_the_layers_of_each_colour(shown: Lab) -> None:
    families = shown.panel.find("caffe-graph-family").all()
    counts = {chip.get_attribute("data-family"): int(chip.get_attribute("data-count") or 0) for chip in families}
    assert counts == {
        "data": 1,
        "dense": 2 * BLOCKS + 1,
        "activation": 2 * BLOCKS + 1,
        "loss": 1,
        "python": 1,
        "utility": BLOCKS,
    }
    shown.panel.root.get_by_role("button", name="Legend").click()
    expect(shown.panel.find("caffe-graph-family")).to_have_count(0)
    shown.panel.root.get_by_role("button", name="Legend").click()


def test_colours_stand_for_parameters_or_time_by_choice(shown: Lab) -> None:
    overlay, scale = shown.panel.find("caffe-graph-overlay"), shown.panel.find("caffe-graph-scale")
    expect(scale).to_have_count(0)
    overlay.select_option("parameters")
    expect(scale).to_contain_text("parameters")
    _search(shown, "block2/ip", "Enter")
    expect(shown.panel.layer("block2/ip")).not_to_have_attribute("data-heat", "")
    expect(shown.panel.layer("block2/relu")).to_have_attribute("data-heat", "")
    overlay.select_option("time")
    shown.run(1)
    expect(scale).to_contain_text("s")
    expect(shown.panel.layer("block2/relu")).not_to_have_attribute("data-heat", "")
    for theme in ("Dark", "Light"):
        shown.theme(f"JupyterLab {theme}")
        shown.page.wait_for_timeout(700)
        shown.picture(f"graph-time-{theme.lower()}")
    overlay.select_option("none")


# from afar


def test_a_net_that_is_open_and_seen_from_afar_is_painted_and_can_be_clicked(shown: Lab) -> None:
    shown.panel.root.get_by_role("button", name="Open all").click()
    _settle(shown)
    shown.panel.root.get_by_label("Fit View").click()
    flow = shown.panel.root.locator(".caffe-nb-flow")
    expect(flow).to_have_attribute("data-far", "true")
    expect(flow.locator("canvas.caffe-nb-graph-far")).to_be_visible()
    viewport = flow.locator(".react-flow__viewport")
    shown.page.wait_for_timeout(500)
    before = viewport.get_attribute("style") or ""
    shown.panel.root.get_by_label("Fit View").click()
    shown.page.wait_for_timeout(500)
    expect(viewport).to_have_attribute("style", before)
    shown.picture("graph-far")
    _search(shown, "block20/relu", "Enter")
    expect(flow).to_have_attribute("data-far", "false")
    expect(shown.panel.layer("block20/relu")).to_be_in_viewport()


def test_the_map_leads_anywhere(shown: Lab) -> None:
    shown.panel.root.get_by_role("button", name="Open all").click()
    _settle(shown)
    _search(shown, "data", "Enter")
    place = shown.panel.find("caffe-graph-map").bounding_box()
    assert place is not None
    shown.page.mouse.click(place["x"] + place["width"] / 2, place["y"] + place["height"] - 6)
    expect(shown.panel.layer("loss")).to_be_in_viewport()
    shown.picture("graph-map")


def test_the_map_takes_the_keyboard_and_says_what_is_in_view(shown: Lab) -> None:
    shown.panel.root.get_by_role("button", name="Open all").click()
    _settle(shown)
    _search(shown, "onerror", "Enter")
    shown.panel.root.get_by_role("application", name="map of the whole graph").focus()
    words = shown.panel.find("caffe-graph-map").locator("[aria-live=polite]")
    before = words.inner_text()
    press = shown.page.keyboard.press
    for _ in range(120):
        press("ArrowDown")
    expect(words).not_to_have_text(before)
    expect(shown.panel.layer("loss")).to_be_in_viewport()
    expect(shown.panel.find("caffe-details")).to_have_attribute("data-layer", HOSTILE)  # the graph did not walk
    shown.picture("graph-map-keys")
    press("-")
    press("-")
    expect(words).not_to_contain_text("zoom 100 %")
    press("Home")
    expect(words).to_contain_text("from the top all")
    press("+")
    expect(words).not_to_contain_text("from the top all")


# files


def test_the_whole_graph_is_saved_with_its_names_as_text(shown: Lab, tmp_path: Path) -> None:
    shown.panel.root.get_by_role("button", name="Open all").click()
    _settle(shown)
    root = ET.parse(_save(shown, "svg", tmp_path)).getroot()
    titles = [title.text for title in root.findall(f"{SVG}g/{SVG}title")]
    assert len(titles) == 5 * BLOCKS + 5
    assert HOSTILE in titles
    assert {element.tag.removeprefix(SVG) for element in root.iter()} <= {
        *("svg", "title", "defs", "marker", "path", "rect", "g", "text")
    }
    picture = _save(shown, "png", tmp_path).read_bytes()
    assert picture.startswith(b"\x89PNG")
    assert len(picture) > 20_000


def test_no_name_of_a_net_or_a_layer_is_ever_markup(shown: Lab) -> None:
    _search(shown, "onerror", "Enter")
    expect(shown.panel.layer(HOSTILE)).to_contain_text(HOSTILE)
    assert shown.panel.root.locator("img").count() == 0
    assert shown.panel.root.locator("option b").count() == 0


def test_the_keys_are_told(shown: Lab) -> None:
    shown.panel.root.get_by_role("button", name="Keys").click()
    keys = shown.panel.root.get_by_role("dialog", name="Keys of the graph")
    expect(keys).to_contain_text("Shift+Enter")
    shown.picture("graph-keys")
    shown.page.keyboard.press("Escape")
    expect(keys).to_have_count(0)


def _save(lab: Lab, kind: str, folder: Path) -> Path:
    button = lab.panel.root.locator(f'[data-testid="caffe-graph-export"][data-kind="{kind}"]')
    with lab.page.expect_download() as coming:
        button.click()
    path = folder / coming.value.suggested_filename
    coming.value.save_as(path)
    assert path.name == f"Blocks_b_b_.{kind}"
    wait_for(lambda: path.stat().st_size > 0, "the file")
    return path
