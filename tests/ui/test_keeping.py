"""What a person put aside in the panel is there again after the page was reloaded."""

from __future__ import annotations

from playwright.sync_api import Locator, expect

from tests.ui import material
from tests.ui.lab import Lab

CELLS = [
    *material.CELLS[:2],
    "solver.step(3)",
    "solver.step(1)",
    'solver = caffe.get_solver("solver.prototxt")\n%caffe_inspect solver\nsolver.step(1)',
]
STEP, STEP_AGAIN, ANEW = 2, 3, 4


def _card(lab: Lab, layer: str, ref: str) -> Locator:
    cards = lab.panel.root.locator(f'[data-testid="caffe-blob"][data-layer="{layer}"]')
    return cards.filter(has=lab.page.locator(f'[data-ref="{ref}"]'))


def test_pins_axes_and_kept_views_come_back_with_the_page(lab: Lab) -> None:
    panel = lab.panel
    lab.write(material.FILES)
    lab.open(lab.notebook(CELLS))
    for index in (0, 1, STEP):
        lab.run(index)
    panel.wait_for_graph()
    expect(panel.find("caffe-iteration")).to_have_text("3")
    panel.select("conv1")
    weight = _card(lab, "conv1", "param:1:0")
    weight.get_by_test_id("caffe-pin").click()
    weight.get_by_test_id("caffe-keep").first.click()
    expect(weight.get_by_test_id("caffe-change")).to_contain_text("Kept at iteration 3")
    weight.get_by_test_id("caffe-axis-rows").select_option("0")
    expect(weight.get_by_test_id("caffe-change")).to_contain_text("Another place was kept")
    panel.select("ip")
    lab.page.wait_for_timeout(500)

    lab.reload()
    panel.wait_for_graph()
    expect(weight).to_have_attribute("data-pinned", "true")
    expect(weight.get_by_test_id("caffe-axis-rows")).to_have_value("0")
    expect(weight.get_by_test_id("caffe-change")).to_contain_text("Kept at iteration 3")
    weight.get_by_role("button", name="Go back to it").click()
    lab.run(STEP_AGAIN)
    expect(weight.get_by_test_id("caffe-change")).to_contain_text("values shown have changed")
    lab.picture("kept-over-a-reload")

    lab.run(ANEW)  # another net of the same names: what is pinned is found in it, what was kept was of the other one
    expect(weight).to_have_attribute("data-pinned", "true")
    expect(weight.get_by_test_id("caffe-change")).to_have_count(0)
    assert lab.faults == []
