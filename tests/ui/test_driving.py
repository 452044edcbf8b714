"""Running from the panel: a net that stands in parts, a training one held, stepped, let go and stopped."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.ui import material
from tests.ui.lab import Lab, wait_for


@pytest.fixture
def loaded(lab: Lab) -> Lab:
    """A notebook with a solver that has not run."""
    material.open_net(lab)
    return lab


def test_a_net_that_stands_is_run_in_parts(loaded: Lab) -> None:
    panel = loaded.panel
    step = panel.find("caffe-control-step")
    for name in ("data", "conv1", "relu1"):
        expect(step).to_have_attribute("title", f"Run one layer: {name}, forward")
        step.click()
    expect(step).to_have_attribute("title", "Run one layer: ip, forward")
    panel.select("ip")
    expect(panel.tensor("blob:ip", "data")).to_be_visible()
    wait_for(lambda: panel.statistic("blob:ip", "max") == "0", "zeros before it ran", page=loaded.page)
    panel.find("caffe-control-run_to").click()
    wait_for(lambda: panel.statistic("blob:ip", "max") != "0", "values", page=loaded.page)
    expect(step).to_have_attribute("title", "Run one layer: loss, forward")
    panel.find("caffe-control-run_from").click()
    expect(step).to_have_attribute("title", "Run one layer: loss, backward")
    panel.find("caffe-control-backward").click()
    expect(step).to_have_attribute("title", "Run one layer: data, forward")
    loaded.picture("driving-idle")
    assert loaded.faults == []


def test_of_a_net_that_stands_a_layers_own_values_show_from_the_next_forward_on(loaded: Lab) -> None:
    panel = loaded.panel
    panel.find("caffe-control-forward").click()
    expect(panel.find("caffe-control-step")).to_have_attribute("title", "Run one layer: loss, backward")
    panel.select("conv1")
    shown = panel.tensor("left:1:conv1")
    expect(shown.get_by_test_id("caffe-tensor-note")).to_contain_text("relu1 works in place and has written over")
    expect(shown.get_by_test_id("caffe-stat-min")).to_have_text("0")
    loaded.picture("driving-written-over")
    panel.find("caffe-control-forward").click()
    expect(shown.get_by_test_id("caffe-stat-min")).to_have_text(re.compile("^\N{MINUS SIGN}"))
    expect(shown.get_by_test_id("caffe-tensor-note")).to_have_count(0)
    assert loaded.faults == []


def test_a_training_net_is_held_stepped_let_go_and_stopped_while_its_cell_runs(loaded: Lab) -> None:
    panel = loaded.panel
    loaded.start(material.RUN)
    panel.wait_for_progress()
    panel.find("caffe-control-pause").click()
    expect(panel.find("caffe-held")).to_contain_text("held before")
    expect(panel.find("caffe-running")).to_have_text("held")
    iteration = panel.iteration()
    panel.select("conv1")
    expect(panel.tensor("param:1:0", "diff").get_by_test_id("caffe-heatmap")).to_be_visible()
    first = panel.find("caffe-held").inner_text()
    panel.find("caffe-control-step").click()
    wait_for(lambda: panel.find("caffe-held").inner_text() != first, "the next layer", page=loaded.page)
    assert panel.iteration() - iteration in (0, 1)

    panel.find("caffe-break-here").check()
    expect(panel.find("caffe-breaks")).to_have_attribute("data-count", "1")
    panel.find("caffe-control-resume").click()
    expect(panel.find("caffe-held")).to_contain_text("held before conv1")
    expect(panel.find("caffe-held")).to_contain_text("breakpoint")
    expect(panel.layer("conv1")).to_have_attribute("data-held", "true")
    expect(panel.layer("conv1")).to_have_attribute("data-break", "true")
    loaded.picture("driving-held")
    panel.find("caffe-breaks").locator("summary").click()
    loaded.picture("driving-breaks")
    loaded.page.keyboard.press("Escape")
    panel.find("caffe-break-here").uncheck()
    panel.find("caffe-control-resume").click()
    here = panel.iteration()
    wait_for(lambda: panel.iteration() > here + 3, "the next iterations", page=loaded.page)
    assert loaded.busy(material.RUN)

    panel.find("caffe-control-stop").click()
    loaded.finish(material.RUN)
    assert loaded.errors() == []
    expect(panel.find("caffe-running")).to_have_text("idle")
    assert loaded.faults == []


def test_an_interrupt_lets_a_held_run_end(loaded: Lab) -> None:
    panel = loaded.panel
    loaded.start(material.RUN)
    panel.wait_for_progress()
    panel.find("caffe-control-pause").click()
    expect(panel.find("caffe-held")).to_be_visible()
    loaded.interrupt()
    loaded.finish(material.RUN)
    assert loaded.errors() == []
    assert "stopped by interrupt" in loaded.output(material.RUN)
    expect(panel.find("caffe-held")).to_have_count(0)


def test_a_layers_text_is_explained_and_its_param_str_changes_while_the_net_trains(lab: Lab) -> None:
    scaled = material.LAYER.replace(
        "    def reshape",
        "    def setup(self, bottom, top):\n        self.scale = float(self.param_str)\n\n    def reshape",
        1,
    ).replace("/ len(self.difference) / 2", "/ len(self.difference) / 2 * self.scale")
    net = material.NET.replace('layer: "Distance"', 'layer: "Distance" param_str: "1"')
    material.open_net(lab, {**material.FILES, "net.prototxt": net, "distance.py": scaled})
    panel = lab.panel
    panel.select("conv1")
    panel.tab("source")
    expect(panel.find("caffe-layer-text")).to_contain_text("num_output: 4")
    expect(panel.root).to_contain_text("what Convolution computes")
    lab.picture("source-built-in")

    lab.start(material.RUN)
    panel.wait_for_progress()
    panel.select("loss")
    panel.find("caffe-param-str").fill("1000")
    panel.find("caffe-apply-param").click()
    expect(panel.find("caffe-param-note")).to_contain_text("param_str changed; setup rerun")
    wait_for(lambda: float(panel.find("caffe-loss").inner_text()) > 100, "a loss a thousandfold", page=lab.page)
    lab.picture("source-param-str")
    panel.find("caffe-param-str").fill("much")
    panel.find("caffe-apply-param").click()
    expect(panel.find("caffe-param-note").last).to_contain_text("could not convert string to float")
    assert lab.busy(material.RUN)
    lab.interrupt()
    lab.finish(material.RUN)
    assert lab.faults == []
