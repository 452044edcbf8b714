"""A solver runs in a cell; the panel shows it, answers clicks, and follows the layer's file."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import expect

from tests.ui import material
from tests.ui.lab import Lab, wait_for

ANSWER = 2.0
"""Seconds within which the panel answers a click while a cell runs."""


@pytest.fixture(scope="module")
def training_lab(open_lab: Callable[[str], Lab]) -> Lab:
    """A notebook whose last cell trains until it is interrupted."""
    lab = open_lab("watching")
    material.open_net(lab)
    lab.start(material.RUN)
    return lab


@pytest.fixture
def training(training_lab: Lab) -> Iterator[Lab]:
    """The training goes on, and does so after the test, with the layer's file as it was."""
    training_lab.panel.wait_for_progress()
    yield training_lab
    training_lab.write(material.FILES)
    assert training_lab.busy(material.RUN)
    assert training_lab.faults == []


def test_the_graph_shows_the_layers_under_their_names(training: Lab) -> None:
    assert training.panel.layers() == material.LAYERS
    for name in material.LAYERS:
        expect(training.panel.layer(name)).to_contain_text(name)
    expect(training.panel.layer("loss")).to_contain_text("Distance")


def test_before_a_click_the_python_layers_tensors_are_shown(training: Lab) -> None:
    expect(training.panel.layer("loss")).to_have_attribute("data-selected", "true")
    expect(training.panel.tensor(":loss").get_by_test_id("caffe-stat-mean")).to_be_visible()


@pytest.mark.parametrize("part", ["data", "diff"])
def test_a_tensor_and_its_statistics_change_while_the_solver_runs(training: Lab, part: str) -> None:
    panel = training.panel
    panel.select("ip")
    expect(panel.tensor(":ip", part).get_by_test_id("caffe-stat-mean")).to_be_visible()
    panel.wait_for_newer(":ip", part)
    for name in ("min", "max", "mean", "std"):
        before = panel.statistic(":ip", name, part)
        shown = panel.tensor(":ip", part).get_by_test_id(f"caffe-stat-{name}")
        expect(shown).not_to_have_text(before)
    assert training.busy(material.RUN)
    training.picture(f"watching-{part}")


def test_the_picture_of_a_tensor_changes_while_the_solver_runs(training: Lab) -> None:
    training.panel.select("data")
    canvas = training.panel.tensor(":data").get_by_test_id("caffe-heatmap")
    expect(canvas).to_be_visible()
    before = canvas.evaluate("canvas => canvas.toDataURL()")
    wait_for(lambda: canvas.evaluate("canvas => canvas.toDataURL()") != before, "another picture", page=training.page)


def test_a_click_on_another_layer_is_answered_within_two_seconds_while_the_cell_runs(training: Lab) -> None:
    panel = training.panel
    panel.select("data")
    expect(panel.tensor(":data")).to_be_visible()
    for name in ("conv1", "ip", "loss", "conv1"):
        clicked = time.monotonic()
        panel.select(name)
        expect(panel.tensor(f":{name}").get_by_test_id("caffe-stat-mean")).to_be_visible(timeout=ANSWER * 1000)
        assert time.monotonic() - clicked < ANSWER
        assert training.busy(material.RUN)
    assert panel.tensor("param:1:0").is_visible()


def test_a_layer_in_place_and_the_one_before_it_show_their_own_values(training: Lab) -> None:
    panel = training.panel
    panel.select("conv1")
    minimum = panel.tensor("left:1:conv1").get_by_test_id("caffe-stat-min")
    expect(minimum).to_have_text(re.compile("^\N{MINUS SIGN}"))
    expect(panel.tensor("left:1:conv1").get_by_test_id("caffe-tensor-note")).to_have_count(0)
    panel.select("relu1")
    expect(panel.tensor("blob:conv1").get_by_test_id("caffe-stat-min")).to_have_text("0")
    expect(minimum).to_have_text(re.compile("^\N{MINUS SIGN}"))
    for part in ("data", "diff"):
        panel.wait_for_newer("blob:conv1", part)
        expect(panel.tensor("blob:conv1", part).get_by_test_id("caffe-tensor-note")).to_have_count(0)
    expect(minimum).to_have_text(re.compile("^\N{MINUS SIGN}"))
    training.picture("watching-in-place")


def test_the_gradients_of_parameters_are_those_of_a_whole_backward_pass(training: Lab) -> None:
    panel = training.panel
    panel.select("conv1")
    for _ in range(5):
        panel.wait_for_newer("param:1:0", "diff")
        assert panel.statistic("param:1:0", "zeros", "diff") != "100 %"  # as they are when cleared for the next pass
    assert training.busy(material.RUN)


def test_the_keyboard_selects_a_layer_and_walks_along_the_edges(training: Lab) -> None:
    panel = training.panel
    panel.select("ip")
    focused = panel.root.locator(".react-flow__node:focus")
    expect(focused).to_contain_text("ip")
    training.page.keyboard.press("ArrowDown")
    expect(panel.layer("loss")).to_have_attribute("data-selected", "true")
    expect(focused).to_contain_text("loss")
    training.page.keyboard.press("ArrowUp")
    expect(panel.layer("ip")).to_have_attribute("data-selected", "true")


def test_the_loss_and_the_time_of_each_layer_are_shown(training: Lab) -> None:
    panel = training.panel
    panel.tab("training")
    expect(panel.find("caffe-running")).to_have_text("running")
    for name in material.LAYERS:  # the ReLU's time is in the convolution's, unless somebody looked between the two
        shown = panel.root.locator(f'[data-testid="caffe-time"][data-layer="{name}"]')
        expect(shown).to_contain_text(re.compile(r"\d [mµ]?s|with conv1" if name == "relu1" else r"\d [mµ]?s"))
    points = int(panel.find("caffe-loss-curve").get_attribute("data-points") or "0")
    wait_for(
        lambda: int(panel.find("caffe-loss-curve").get_attribute("data-points") or "0") > points,
        "more of the loss curve",
        page=training.page,
    )
    expect(panel.find("caffe-loss-curve").locator("canvas").first).to_be_visible()
    assert float(panel.find("caffe-loss").inner_text()) > 0
    training.picture("watching-training")
    panel.tab("tensors")


def test_saving_the_layers_file_brings_a_new_version_and_new_values_while_the_solver_goes_on(training: Lab) -> None:
    panel = training.panel
    panel.select("loss")
    version = panel.version("loss")
    wait_for(lambda: 0 < _shown_loss(training) < 1000, "the loss", page=training.page)

    training.write({"distance.py": material.with_loss("5000 + abs(self.difference).mean()")})
    wait_for(lambda: panel.version("loss") == version + 1, "the new version", page=training.page)
    expect(panel.layer("loss")).to_contain_text(f"v{version + 1}")
    wait_for(lambda: _shown_loss(training) > 5000, "the new loss", page=training.page)
    panel.wait_for_progress()
    training.picture("watching-edited")

    panel.tab("source")
    expect(panel.find("caffe-note")).to_contain_text("forward changed")
    expect(panel.find("caffe-source-text")).to_contain_text("5000 + abs(self.difference).mean()")
    training.picture("watching-source")
    panel.tab("tensors")
    training.write(material.FILES)
    wait_for(lambda: 0 < _shown_loss(training) < 1000, "the old loss", page=training.page)
    wait_for(lambda: panel.version("loss") == version + 2, "the next version", page=training.page)


def test_a_broken_edit_shows_at_the_node_and_training_goes_on_until_it_is_mended(training: Lab) -> None:
    panel = training.panel
    panel.select("conv1")
    version = panel.version("loss")

    training.write({"distance.py": material.broken()})
    expect(panel.layer("loss")).to_have_attribute("data-error", "true")
    expect(panel.find("caffe-error")).to_contain_text("SyntaxError")
    assert panel.find("caffe-error").get_attribute("data-layer") == "loss"
    assert panel.version("loss") == version
    panel.wait_for_progress()
    panel.find("caffe-error").get_by_role("button").click()
    expect(panel.find("caffe-traceback")).to_contain_text("distance.py")
    expect(panel.find("caffe-source-text")).to_have_attribute("data-faulty", "12")
    training.picture("watching-broken")

    training.write(material.FILES)
    expect(panel.layer("loss")).to_have_attribute("data-error", "false")
    expect(panel.find("caffe-error")).to_have_count(0)
    panel.wait_for_progress()
    panel.tab("tensors")


def test_versions_are_compared_and_gone_back_to_while_the_solver_goes_on(training: Lab) -> None:
    panel = training.panel
    panel.select("loss")
    version = panel.version("loss")
    training.write({"distance.py": material.with_loss("7000 + abs(self.difference).mean()")})
    wait_for(lambda: _shown_loss(training) > 7000, "the new loss", page=training.page)
    panel.tab("source")
    before = panel.version_row(version)
    before.get_by_role("button", name="Compare").click()
    expect(panel.find("caffe-difference")).to_contain_text("+        top[0].data[...] = 7000")
    training.picture("watching-compared")
    before.get_by_role("button", name="Go back").click()
    wait_for(lambda: panel.version("loss") == version + 2, "the old code's new version", page=training.page)
    expect(panel.version_row(version + 2)).to_contain_text(f"back to v{version}")
    expect(panel.find("caffe-source-text")).not_to_contain_text("7000")
    panel.tab("tensors")
    wait_for(lambda: 0 < _shown_loss(training) < 1000, "the old loss", page=training.page)
    panel.wait_for_progress()
    panel.tab("source")
    training.picture("watching-gone-back")
    panel.tab("tensors")


@pytest.mark.parametrize("theme", ["Dark", "Light"])
def test_the_layers_names_are_readable_in_both_themes(training: Lab, theme: str) -> None:
    training.panel.select("conv1")
    training.theme(f"JupyterLab {theme}")
    try:
        for name in material.LAYERS:
            ink, paper = training.panel.layer(name).get_by_text(name, exact=True).evaluate(_INK_AND_PAPER)
            assert _contrast(ink, paper) > 4.5, f"{name}: {ink} on {paper}"
        training.picture(f"theme-{theme.lower()}")
    finally:
        training.theme("JupyterLab Light")


_INK_AND_PAPER = """node => {
    const canvas = new OffscreenCanvas(1, 1).getContext('2d');
    const paint = colour => {
        canvas.fillStyle = colour;
        canvas.fillRect(0, 0, 1, 1);
        return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
    };
    const behind = [];
    for (let at = node; at; at = at.parentElement) behind.unshift(getComputedStyle(at).backgroundColor);
    const paper = behind.map(paint).at(-1);
    return [paint(getComputedStyle(node).color), paper];
}"""


def _contrast(one: list[int], other: list[int]) -> float:
    """Return WCAG's contrast ratio of two colours."""
    bright, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def _luminance(colour: list[int]) -> float:
    shares = [value / 255 for value in colour]
    linear = [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _shown_loss(lab: Lab) -> float:
    shown = lab.panel.tensor(":loss").get_by_test_id("caffe-stat-mean")
    return float(shown.inner_text().replace("\N{MINUS SIGN}", "-")) if shown.count() else float("nan")
