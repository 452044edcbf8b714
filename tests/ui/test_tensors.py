"""Looking into blobs: any axes, pictures, the whole distribution, views pinned and compared with what they were."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Locator, expect

from tests.ui import material
from tests.ui.lab import Lab

NET = """\
name: "Looks"
layer { name: "images"  type: "Python"  top: "data"  top: "label"  python_param { module: "made" layer: "Images" } }
layer {
  name: "conv1"  type: "Convolution"  bottom: "data"  top: "conv1"
  convolution_param { num_output: 8 kernel_size: 5 weight_filler { type: "xavier" } }
}
layer { name: "scale"  type: "Python"  bottom: "conv1"  top: "scaled"  python_param { module: "times" layer: "Times" } }
layer {
  name: "ip"  type: "InnerProduct"  bottom: "scaled"  top: "ip"
  inner_product_param { num_output: 10 weight_filler { type: "xavier" } }
}
layer { name: "loss"  type: "SoftmaxWithLoss"  bottom: "ip"  bottom: "label"  top: "loss" }
layer { name: "odd"  type: "Python"
  top: "odd"  top: "deep"  top: "none"  top: "one"  top: "ten"  top: "nan"  top: "wide"
  python_param { module: "made" layer: "Odd" } }
layer { name: "rest"  type: "Silence"  bottom: "odd"  bottom: "deep"  bottom: "none"  bottom: "one"
  bottom: "ten"  bottom: "nan"  bottom: "wide" }
"""

MADE = '''\
import caffe
import numpy as np


class Images(caffe.Layer):
    """Discs on a slope, blue first, and their labels."""

    def reshape(self, bottom, top):
        top[0].reshape(4, 3, 24, 24)
        top[1].reshape(4)

    def forward(self, bottom, top):
        rows, cols = np.mgrid[:24, :24]
        for n, image in enumerate(top[0].data):
            disc = (rows - 12) ** 2 + (cols - 6 - 4 * n) ** 2 < 30
            image[0], image[1], image[2] = cols * 4, rows * 4, 40
            image[:, disc] = [[20], [60], [230]]
        top[1].data[...] = 0, 3, 1, 3

    def backward(self, top, propagate_down, bottom):
        pass


class Odd(caffe.Layer):
    """Numbers that are none, outliers, five axes, no elements, no axes, ten axes, nothing but NaN."""

    def reshape(self, bottom, top):
        top[0].reshape(6, 9)
        top[1].reshape(2, 3, 4, 5, 6)
        top[2].reshape(0, 3, 2)
        top[3].reshape()
        top[4].reshape(1, 2, 1, 2, 1, 2, 1, 2, 3, 2)
        top[5].reshape(2, 700)
        top[6].reshape(1200, 900)

    def forward(self, bottom, top):
        values = np.random.RandomState(0).randn(6, 9)
        values[1, 2], values[2, 5], values[4, 1], values[3, 3], values[5, 7] = np.nan, np.inf, -np.inf, 30, -20
        top[0].data[...] = values
        top[1].data[...] = np.arange(720).reshape(2, 3, 4, 5, 6)
        top[3].data[...] = 0.25
        top[4].data[...] = np.arange(96).reshape(top[4].shape)
        top[5].data[...] = np.nan
        top[6].data[...] = np.sin(np.arange(1200)[:, None] / 60) * np.cos(np.arange(900) / 40)
        top[6].data[777, 444] = 9

    def backward(self, top, propagate_down, bottom):
        pass
'''

TIMES = """\
import caffe


class Times(caffe.Layer):
    def reshape(self, bottom, top):
        top[0].reshape(*bottom[0].shape)

    def forward(self, bottom, top):
        top[0].data[...] = 2 * bottom[0].data

    def backward(self, top, propagate_down, bottom):
        bottom[0].diff[...] = 2 * top[0].diff
"""

CELLS = [
    "%load_ext caffe_nb\nimport caffe",
    'net = caffe.Net("net.prototxt", caffe.TRAIN)\n%caffe_inspect net',
    "net.forward(); net.backward();",
]
PASS = 2
"""The cell that runs the net once."""


@pytest.fixture(scope="module")
def looking(open_lab: Callable[[str], Lab]) -> Iterator[Lab]:
    """A net that has run once."""
    lab = open_lab("tensors")
    lab.write({"net.prototxt": NET, "made.py": MADE, "times.py": TIMES})
    lab.open(lab.notebook(CELLS))
    for cell in range(3):
        lab.run(cell)
    assert lab.errors() == []
    lab.panel.wait_for_graph()
    lab.panel.tab("tensors")
    yield lab
    assert lab.faults == []


def card(lab: Lab, blob: str) -> Locator:
    """Return a blob's card."""
    return lab.panel.find("caffe-blob").filter(has=lab.page.locator(f'[data-ref$="{blob}"]')).first


def pixels(picture: Locator) -> str:
    return str(picture.get_by_test_id("caffe-heatmap").evaluate("canvas => canvas.toDataURL()"))


def both_themes(lab: Lab, name: str) -> None:
    lab.theme("JupyterLab Dark")
    lab.page.wait_for_timeout(300)
    lab.picture(f"{name}-dark")
    lab.theme("JupyterLab Light")
    lab.page.wait_for_timeout(300)
    lab.picture(f"{name}-light")


def test_images_and_filters_are_shown_as_pictures(looking: Lab) -> None:
    panel = looking.panel
    panel.select("conv1")
    data = card(looking, "blob:data")
    picture = panel.tensor("blob:data")
    plain = pixels(picture)
    data.get_by_test_id("caffe-as-picture").check()
    legend = picture.get_by_test_id("caffe-legend")
    expect(legend).to_have_attribute("data-kind", "picture")
    expect(legend).to_contain_text("mean \N{PLUS-MINUS SIGN} 3 \N{GREEK SMALL LETTER SIGMA} of the whole blob")
    bgr = pixels(picture)
    assert bgr != plain
    data.get_by_test_id("caffe-channel-order").select_option("rgb")
    assert pixels(picture) != bgr
    data.get_by_test_id("caffe-channel-order").select_option("bgr")
    picture.get_by_test_id("caffe-heatmap").hover(position={"x": 5, "y": 5})
    expect(picture.get_by_test_id("caffe-cursor")).to_contain_text("[0, …, ")
    both_themes(looking, "tensors-images")
    card(looking, "param:1:0").get_by_test_id("caffe-as-picture").check()
    expect(panel.tensor("param:1:0").get_by_test_id("caffe-legend")).to_have_attribute("data-kind", "picture")
    both_themes(looking, "tensors-picture")
    data.get_by_test_id("caffe-as-picture").uncheck()
    expect(legend).to_have_attribute("data-kind", "range")


def test_axes_are_chosen_and_the_others_slid(looking: Lab) -> None:
    panel = looking.panel
    panel.select("odd")
    deep = card(looking, "blob:deep")
    expect(deep.get_by_test_id("caffe-slider")).to_have_count(2)
    deep.get_by_test_id("caffe-axis-rows").select_option(label="axis 0 (2)")
    expect(deep.get_by_test_id("caffe-axis-columns")).to_have_value("4")
    deep.get_by_test_id("caffe-axis-tiles").select_option(label="none")
    expect(deep.get_by_test_id("caffe-slider")).to_have_count(3)
    slider = deep.locator('[data-testid="caffe-slider"][data-axis="2"]')
    slider.fill("3")
    canvas = panel.tensor("blob:deep").get_by_test_id("caffe-heatmap")
    canvas.focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowDown"):
        looking.page.keyboard.press(key)
    expect(panel.tensor("blob:deep").get_by_test_id("caffe-cursor")).to_have_text("[1, 0, 3, 0, 1] = 451")
    looking.page.keyboard.press("Enter")
    expect(panel.tensor("blob:deep").get_by_test_id("caffe-marked")).to_be_visible()
    assert card(looking, "blob:odd").get_by_test_id("caffe-axis-rows").count() == 0


def test_what_is_no_number_and_what_is_clipped_is_explained_where_there_is_some(looking: Lab) -> None:
    panel = looking.panel
    panel.select("odd")
    legend = panel.tensor("blob:odd").get_by_test_id("caffe-legend")
    for word in ("NaN", "+Inf", "\N{MINUS SIGN}Inf", "<", ">"):
        expect(legend).to_contain_text(word)
    other = panel.tensor("blob:deep").get_by_test_id("caffe-legend")
    for word in ("NaN", "Inf", "<", ">"):
        expect(other).not_to_contain_text(word)
    expect(panel.tensor("blob:none")).to_contain_text("This blob has no elements.")
    expect(panel.tensor("blob:one").get_by_test_id("caffe-stat-mean")).to_have_text("0.25")
    expect(card(looking, "blob:ten").get_by_test_id("caffe-slider")).to_have_count(3)
    expect(panel.tensor("blob:nan").get_by_test_id("caffe-stat-nans")).to_have_text("1400")
    both_themes(looking, "tensors-odd")
    panel.select("loss")
    expect(panel.tensor("blob:label").get_by_test_id("caffe-legend")).to_have_attribute("data-kind", "categories")
    looking.picture("tensors-categories")


def test_the_whole_blob_is_counted_and_a_click_leads_to_a_large_element(looking: Lab) -> None:
    panel = looking.panel
    panel.select("conv1")
    part = panel.tensor("blob:conv1")
    part.get_by_test_id("caffe-distribution").locator("summary").click()
    expect(part.get_by_test_id("caffe-histogram")).to_have_attribute("data-count", str(4 * 8 * 20 * 20))
    largest = part.get_by_test_id("caffe-largest")
    expect(largest).to_have_count(10)
    last = largest.last
    index = (last.get_attribute("data-index") or "").split()
    last.click()
    expect(part.get_by_test_id("caffe-marked")).to_be_visible()
    expect(part.get_by_test_id("caffe-cursor")).to_have_text(f"[{', '.join(index)}] = {last.locator('b').inner_text()}")
    expect(card(looking, "blob:conv1").locator('[data-testid="caffe-slider"][data-axis="0"]')).to_have_value(index[0])
    both_themes(looking, "tensors-distribution")
    panel.select("odd")
    part = panel.tensor("blob:odd")
    part.get_by_test_id("caffe-distribution").locator("summary").click()
    for at, text in (("1 2", "NaN"), ("2 5", "+Inf"), ("4 1", "\N{MINUS SIGN}Inf"), ("3 3", "30")):
        expect(part.locator(f'[data-testid="caffe-largest"][data-index="{at}"]')).to_contain_text(text)
    looking.picture("tensors-largest")


def test_a_large_blob_is_shown_by_means_and_its_largest_element_is_found_in_them(looking: Lab) -> None:
    panel = looking.panel
    panel.select("odd")
    wide = panel.tensor("blob:wide")
    expect(wide).to_contain_text("means of ")
    wide.get_by_test_id("caffe-distribution").locator("summary").click()
    first = wide.get_by_test_id("caffe-largest").first
    expect(first).to_contain_text("[777, 444]")
    first.click()
    expect(wide.get_by_test_id("caffe-marked")).to_be_visible()
    expect(wide.get_by_test_id("caffe-cursor")).to_contain_text("\N{ALMOST EQUAL TO}")
    wide.get_by_test_id("caffe-heatmap").scroll_into_view_if_needed()
    both_themes(looking, "tensors-wide")


def test_pinned_blobs_stay_in_sight_while_other_layers_are_selected(looking: Lab) -> None:
    panel = looking.panel
    panel.select("conv1")
    card(looking, "param:1:0").get_by_test_id("caffe-pin").click()
    panel.select("loss")
    pinned = panel.root.locator('[data-testid="caffe-blob"][data-pinned="true"]')
    expect(pinned).to_have_count(1)
    expect(pinned).to_have_attribute("data-layer", "conv1")
    expect(pinned.get_by_test_id("caffe-stat-mean").first).to_be_visible()
    both_themes(looking, "tensors-pinned")
    panel.select("odd")
    for blob in ("odd", "deep", "none"):
        card(looking, f"blob:{blob}").get_by_test_id("caffe-pin").click()
    expect(card(looking, "blob:one").get_by_test_id("caffe-pin")).to_be_disabled()
    for _ in range(4):
        pinned.first.get_by_test_id("caffe-pin").click()
    expect(pinned).to_have_count(0)


def test_a_view_is_kept_and_compared_with_what_an_edited_layer_makes(looking: Lab) -> None:
    panel = looking.panel
    panel.select("scale")
    card(looking, "blob:scaled").get_by_test_id("caffe-keep").first.click()
    change = panel.find("caffe-change")
    expect(change).to_contain_text("None of the 3200 values shown has changed.")
    expect(change).to_contain_text("code v1")
    version = panel.version("scale")
    looking.write({"times.py": TIMES.replace("2 * bottom[0].data", "3 * bottom[0].data")})
    expect(panel.layer("scale")).to_have_attribute("data-version", str(version + 1))
    looking.run(PASS)
    expect(change).to_contain_text("values shown have changed, by at most")
    canvas = panel.tensor("blob:scaled").get_by_test_id("caffe-heatmap")
    canvas.hover(position={"x": 8, "y": 8})
    expect(change.get_by_test_id("caffe-cursor")).to_contain_text("[0, 0, ")
    both_themes(looking, "tensors-compared")
    panel.select("ip")
    panel.select("scale")
    expect(change).to_contain_text("values shown have changed")
    card(looking, "blob:scaled").locator('[data-testid="caffe-slider"]').first.fill("2")
    expect(change).to_contain_text("Another place was kept.")
    change.get_by_role("button", name="Go back to it").click()
    expect(change).to_contain_text("values shown have changed")
    change.get_by_test_id("caffe-forget").click()
    expect(change).to_have_count(0)


def test_a_running_solver_is_compared_with_an_earlier_iteration(lab: Lab) -> None:
    material.open_net(lab)
    panel = lab.panel
    lab.start(material.RUN)
    panel.wait_for_progress()
    panel.select("ip")
    weight = panel.tensor("param:3:0")
    weight.get_by_test_id("caffe-distribution").locator("summary").click()
    expect(weight.get_by_test_id("caffe-histogram")).to_have_attribute("data-count", str(10 * 4 * 6 * 6))
    weight.get_by_test_id("caffe-keep").click()
    change = panel.find("caffe-change")
    expect(change).to_contain_text("Kept at iteration ")
    expect(change).to_contain_text("values shown have changed, by at most")
    card(lab, "param:3:0").get_by_test_id("caffe-pin").click()
    panel.select("conv1")
    panel.wait_for_newer("param:3:0")
    expect(change).to_contain_text("values shown have changed")
    lab.picture("tensors-training")
    assert lab.busy(material.RUN)
    assert lab.faults == []
