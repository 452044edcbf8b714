"""Training in the panel: curves, health, the first bad tensor, and going back."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Locator, expect

from tests.ui import material
from tests.ui.lab import Lab, wait_for

TESTED = """\
net: "net.prototxt"
test_iter: 1
test_interval: 50
base_lr: 0.0001
lr_policy: "step"
stepsize: 1000
gamma: 0.9
momentum: 0.9
max_iter: 100000000
"""
FILES = material.FILES | {"solver.prototxt": TESTED}


@pytest.fixture(scope="module")
def running_lab(open_lab: Callable[[str], Lab]) -> Lab:
    """A notebook whose last cell trains until it is interrupted."""
    lab = open_lab("training")
    material.open_net(lab, FILES)
    return lab


@pytest.fixture
def running(running_lab: Lab) -> Iterator[Lab]:
    yield running_lab
    assert running_lab.faults == []


def _points(lab: Lab) -> int:
    chart = lab.panel.find("caffe-loss-curve")
    return int(chart.get_attribute("data-points") or "0") if chart.count() else 0


def _curve(lab: Lab, curve: str) -> Locator:
    return lab.panel.root.locator(f'[data-testid="caffe-curve"][data-curve="{curve}"]')


def test_before_the_first_step_the_panel_says_what_to_do(running: Lab) -> None:
    running.panel.tab("training")
    expect(running.panel.find("caffe-no-curves")).to_contain_text("solver.step(100)")
    running.picture("training-empty")


def test_the_curves_grow_while_the_solver_runs_and_come_back_whole_after_a_page_reload(running: Lab) -> None:
    running.start(material.RUN)
    panel = running.panel
    wait_for(lambda: _points(running) > 60, "60 points of the loss", page=running.page)
    running.picture("training-curves")
    running.reload()
    panel.wait_for_graph()
    wait_for(lambda: _points(running) > 60, "the curve from before", seconds=5, page=running.page)
    before = _points(running)
    panel.wait_for_progress()  # the cell runs on
    wait_for(lambda: _points(running) != before, "more of it", page=running.page)


def test_curves_are_chosen_smoothed_and_drawn_on_a_log_scale(running: Lab) -> None:
    panel, chart = running.panel, running.panel.find("caffe-loss-curve")
    lines = int(chart.get_attribute("data-lines") or "0")
    _curve(running, "rate:0:learning rate").check()
    expect(chart).to_have_attribute("data-lines", str(lines + 1))
    _curve(running, "test:0:loss").uncheck()
    expect(chart).to_have_attribute("data-lines", str(lines))
    panel.find("caffe-log-scale").check()
    panel.find("caffe-smoothing").fill("0.9")
    chart.hover(position={"x": 200, "y": 80})
    running.picture("training-chosen")
    running.theme("JupyterLab Dark")
    running.page.wait_for_timeout(500)
    running.picture("training-chosen-dark")
    running.theme("JupyterLab Light")
    running.reload()
    panel.wait_for_graph()
    expect(panel.find("caffe-log-scale")).to_be_checked()
    expect(_curve(running, "rate:0:learning rate")).to_be_checked()
    expect(_curve(running, "test:0:loss")).not_to_be_checked()


def test_the_health_strip_shows_each_layer_and_leads_to_it(running: Lab) -> None:
    panel = running.panel
    wait_for(lambda: _columns(running) > 4, "some columns", page=running.page)
    expect(panel.find("caffe-complaints")).to_have_attribute("data-count", "0")
    panel.root.locator('[data-testid="caffe-measure"][data-measure="updates"]').check()
    wait_for(lambda: _columns(running) > 4, "the columns of the update ratio", page=running.page)
    canvas = panel.find("caffe-health").locator("canvas")
    canvas.hover(position={"x": 5, "y": 8})
    expect(panel.find("caffe-health-value")).to_contain_text("conv1, iteration")
    running.picture("training-health")
    canvas.click(position={"x": 5, "y": 24})
    expect(panel.layer("ip")).to_have_attribute("data-selected", "true")


def _columns(lab: Lab) -> int:
    return int(lab.panel.find("caffe-health").get_attribute("data-columns") or "0")


def test_a_dead_layer_gets_a_word(lab: Lab) -> None:
    weights = 'weight_filler { type: "xavier" }'
    dead = material.NET.replace(weights, f'{weights} bias_filler {{ type: "constant" value: -100 }}', 1)
    material.open_net(lab, FILES | {"net.prototxt": dead})
    lab.panel.tab("training")
    lab.start(material.RUN)
    expect(lab.panel.find("caffe-complaints")).to_contain_text("conv1 dead")
    wait_for(lambda: _columns(lab) > 8, "some columns", page=lab.page)
    lab.picture("training-dead")
    lab.theme("JupyterLab Dark")
    lab.page.wait_for_timeout(500)
    lab.picture("training-dead-dark")
    lab.theme("JupyterLab Light")
    lab.panel.find("caffe-complaint").first.click()
    expect(lab.panel.layer("conv1")).to_have_attribute("data-selected", "true")
    assert lab.faults == []


@pytest.fixture(scope="module")
def safe_lab(open_lab: Callable[[str], Lab]) -> Lab:
    """A notebook whose solver stops at NaN and keeps its last iterations, both switched on in the panel."""
    lab = open_lab("safety")
    material.open_net(lab, FILES)
    lab.panel.tab("training")
    lab.start(material.RUN)
    lab.panel.wait_for_progress()
    lab.panel.find("caffe-keep-iterations").click()
    expect(lab.panel.find("caffe-keep-iterations")).to_be_checked()
    lab.panel.find("caffe-stop-at-nan").click()
    expect(lab.panel.find("caffe-stop-at-nan")).to_be_checked()
    return lab


def _kept(lab: Lab) -> int:
    return int(lab.panel.find("caffe-kept-iterations").get_attribute("data-iterations") or "0")


def test_a_nan_stops_the_run_at_its_layer_and_the_panel_leads_there(safe_lab: Lab) -> None:
    lab, panel = safe_lab, safe_lab.panel
    wait_for(lambda: _kept(lab) > 20, "kept iterations", page=lab.page)
    panel.select("conv1")
    lab.write({"distance.py": material.with_loss("np.nan")})
    lab.finish(material.RUN)
    assert "NonFiniteError" in lab.output(material.RUN)
    expect(panel.find("caffe-bad")).to_contain_text("NaN was born in the forward of loss")
    expect(panel.find("caffe-bad")).to_contain_text("top 'loss'. The net is paused there")
    expect(panel.layer("loss")).to_have_attribute("data-selected", "true")
    expect(panel.layer("loss")).to_have_attribute("data-error", "true")
    lab.picture("training-nan")
    lab.theme("JupyterLab Dark")
    lab.page.wait_for_timeout(500)
    lab.picture("training-nan-dark")
    lab.theme("JupyterLab Light")
    panel.find("caffe-bad-show").click()
    expect(panel.tensor(":loss").get_by_test_id("caffe-stat-nans")).to_be_visible()
    panel.tab("training")


def test_after_the_mend_the_run_goes_on_from_there(safe_lab: Lab) -> None:
    lab, panel = safe_lab, safe_lab.panel
    lab.write(FILES)
    lab.start(material.RUN)
    expect(panel.find("caffe-bad")).to_have_count(0)
    panel.wait_for_progress()
    assert lab.busy(material.RUN)


def test_while_no_cell_runs_one_can_go_back(safe_lab: Lab) -> None:
    lab, panel = safe_lab, safe_lab.panel
    wait_for(lambda: _kept(lab) > 20, "kept iterations", page=lab.page)
    expect(panel.find("caffe-rewind")).to_be_disabled()
    lab.interrupt()
    lab.finish(material.RUN)
    expect(panel.find("caffe-running")).to_have_text("idle")
    reached = re.search(r"iteration (\d+) of", lab.output(material.RUN))
    assert reached
    expect(panel.find("caffe-iteration")).to_have_text(reached[1])
    lab.page.wait_for_timeout(1500)  # how many are kept follows a moment later
    before, kept = panel.iteration(), _kept(lab)
    panel.find("caffe-rewind-count").fill("7")
    lab.picture("training-rewind")
    panel.find("caffe-rewind").click()
    expect(panel.find("caffe-iteration")).to_have_text(str(before - 7))
    expect(panel.find("caffe-kept-iterations")).to_have_attribute("data-iterations", str(kept - 7))
    panel.find("caffe-rewind-count").fill("100000000")
    expect(panel.find("caffe-rewind")).to_be_disabled()
    lab.start(material.RUN)
    panel.wait_for_progress()
    assert lab.faults == []
