"""A gradient check from the panel: what fails is marked at the node, and mending the file mends it."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.ui import material
from tests.ui.lab import Lab


def test_a_wrong_backward_is_caught_by_the_check_button_and_mended_live(lab: Lab) -> None:
    wrong = material.LAYER.replace("sign * top[0].diff", "2 * sign * top[0].diff")
    lab.write({**material.FILES, "distance.py": wrong})
    lab.open(lab.notebook([*material.CELLS[:2], "solver.net.forward();"]))
    lab.run_all()
    lab.finish_all(60)
    assert lab.errors() == []
    panel = lab.panel
    panel.wait_for_graph()
    panel.select("loss")
    panel.tab("gradients")

    panel.find("caffe-check-button").click()
    expect(panel.find("caffe-check-result")).to_have_attribute("data-ok", "false")
    expect(panel.layer("loss")).to_have_attribute("data-check", "fail")
    assert (
        panel.root.locator('[data-testid="caffe-check-row"][data-where="bottom[0]"]').get_attribute("data-ok")
        == "false"
    )
    finding = panel.root.locator('[data-testid="caffe-finding"][data-kind="scale"][data-where="bottom[0]"]')
    expect(finding).to_contain_text("backward is 2 times what it should be")
    pictures = panel.root.locator('[data-testid="caffe-tensor"][data-ref^="check:"]')
    expect(pictures).to_have_count(3)
    for which in ("backward", "differences", "error"):
        expect(panel.tensor(f":{which}", "diff").get_by_test_id("caffe-heatmap")).to_be_visible()
    panel.tensor(":error", "diff").get_by_test_id("caffe-heatmap").hover()
    for which in ("backward", "differences", "error"):  # one cursor in all three
        expect(panel.tensor(f":{which}", "diff").get_by_test_id("caffe-cursor")).to_contain_text("] = ")
    lab.picture("checking-failed")
    panel.find("caffe-export-check").click()
    expect(panel.find("caffe-exported")).to_have_text("Written: test_loss.py")
    lab.picture("checking-exported")
    assert "check_layer" in (lab.folder / "test_loss.py").read_text()

    lab.write(material.FILES)
    expect(panel.layer("loss")).to_have_attribute("data-version", "2")
    panel.find("caffe-check-button").click()
    expect(panel.find("caffe-check-result")).to_have_attribute("data-ok", "true")
    expect(panel.layer("loss")).to_have_attribute("data-check", "pass")
    lab.picture("checking-passed")
    expect(pictures).to_have_count(0)  # a random line through everything has no pictures
    panel.find("caffe-check-full").click()
    expect(pictures).to_have_count(3)
    expect(panel.find("caffe-check-result")).to_have_attribute("data-ok", "true")
    expect(panel.root.get_by_test_id("caffe-check-full")).to_have_count(0)
    lab.picture("checking-one-by-one")
    assert lab.faults == []
