"""The graph shows where values are not finite, and how large gradients are, with no other tab's help."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.ui import material
from tests.ui.lab import Lab, wait_for

CELLS = [
    *material.CELLS,
    "import numpy as np\nsolver.net.params['ip'][0].data[0, 0] = np.nan",
    "solver.net.params['ip'][0].data[...] = 0.01\nsolver.net.forward(); solver.net.clear_param_diffs()\n"
    "_ = solver.net.backward()",
    "import caffe_nb\ncaffe_nb.stop_at_nan(solver)",
]
SPOIL, MEND, WATCH = 3, 4, 5


@pytest.fixture(scope="module")
def shown(open_lab: Callable[[str], Lab]) -> Lab:
    """A notebook whose net is shown, the tensors' tab open."""
    lab = open_lab("layer-health")
    material.open_net(lab, cells=CELLS)
    return lab


def _bad(lab: Lab, layer: str) -> str:
    return lab.panel.layer(layer).get_attribute("data-bad") or ""


def test_gradients_colour_the_graph_by_choice_while_the_solver_runs(shown: Lab) -> None:
    panel = shown.panel
    panel.find("caffe-graph-overlay").select_option("gradients")
    expect(panel.find("caffe-graph-scale")).to_contain_text("No gradients yet")
    shown.start(material.RUN)
    for name in ("conv1", "relu1", "ip"):
        expect(panel.layer(name)).to_have_attribute("data-heat", re.compile(r"[01]\.\d\d"))
    expect(panel.layer("ip")).to_contain_text("∇")
    expect(panel.layer("data")).to_have_attribute("data-heat", "")
    expect(panel.find("caffe-graph-scale")).to_contain_text("mean |diff|")
    shown.picture("layer-health-gradients")
    shown.theme("JupyterLab Dark")
    shown.page.wait_for_timeout(700)
    shown.picture("layer-health-gradients-dark")
    shown.theme("JupyterLab Light")
    panel.find("caffe-graph-overlay").select_option("none")
    expect(panel.layer("ip")).not_to_contain_text("∇")


def test_a_nan_that_comes_while_the_solver_runs_is_marked_on_the_layers_that_hold_it(shown: Lab) -> None:
    panel = shown.panel
    for name in material.LAYERS:
        assert _bad(shown, name) == ""
    shown.write({"distance.py": material.with_loss("np.nan")})
    expect(panel.layer("loss")).to_have_attribute("data-bad", "NaN")
    assert shown.busy(material.RUN)
    shown.write(material.FILES)
    expect(panel.layer("loss")).to_have_attribute("data-bad", "")
    assert shown.busy(material.RUN)


def test_the_mark_goes_once_the_values_are_mended(shown: Lab) -> None:
    panel = shown.panel
    shown.interrupt()
    shown.finish(material.RUN)
    shown.run(SPOIL)
    expect(panel.layer("ip")).to_have_attribute("data-bad", "NaN")
    expect(panel.layer("ip").get_by_text("NaN", exact=True)).to_have_attribute("title", "NaN in parameter 0")
    item = panel.root.locator('.react-flow__node[aria-label*="layer ip,"]')
    assert "NaN in parameter 0" in (item.get_attribute("aria-label") or "")
    shown.picture("layer-health-nan")
    shown.theme("JupyterLab Dark")
    shown.page.wait_for_timeout(700)
    shown.picture("layer-health-nan-dark")
    shown.theme("JupyterLab Light")
    shown.run(MEND)
    wait_for(lambda: all(_bad(shown, name) == "" for name in material.LAYERS), "the marks to go", page=shown.page)
    assert shown.faults == []


def test_where_a_nan_is_born_is_selected_whatever_tab_is_open(shown: Lab) -> None:
    panel = shown.panel
    shown.write(material.FILES)
    panel.select("conv1")
    shown.run(WATCH)
    shown.start(material.RUN)
    panel.wait_for_progress()
    shown.write({"distance.py": material.with_loss("np.nan")})
    shown.finish(material.RUN)
    expect(panel.layer("loss")).to_have_attribute("data-selected", "true")
    expect(panel.find("caffe-tab-tensors")).to_have_attribute("aria-selected", "true")
    expect(panel.tensor(":loss").get_by_test_id("caffe-stat-nans")).to_have_text("1")
    expect(panel.find("caffe-error")).to_contain_text("NonFiniteError")
    shown.picture("layer-health-born")
    panel.select("conv1")
    shown.page.wait_for_timeout(1500)
    expect(panel.layer("conv1")).to_have_attribute("data-selected", "true")
    assert shown.faults == []


TEST_ONLY = """\
layer { name: "score"  type: "Python"  bottom: "ip"  bottom: "target"  top: "score"
  python_param { module: "score" layer: "Score" }  include { phase: TEST } }
"""
SCORE = """\
import caffe


class Score(caffe.Layer):
    def reshape(self, bottom, top):
        top[0].reshape()

    def forward(self, bottom, top):
        top[0].data[...] = 1
"""


def test_what_fails_in_a_test_net_is_said_and_led_to(lab: Lab) -> None:
    solver = material.SOLVER + "test_iter: 1\ntest_interval: 20\n"
    material.open_net(
        lab, material.FILES | {"net.prototxt": material.NET + TEST_ONLY, "solver.prototxt": solver, "score.py": SCORE}
    )
    panel = lab.panel
    lab.start(material.RUN)
    panel.wait_for_progress()
    lab.write({"score.py": SCORE.replace("= 1", "= {'<b>': 1}['no']")})
    lab.finish(material.RUN)
    line = panel.find("caffe-failed-elsewhere")
    expect(line).to_contain_text("In test net 0, layer score: KeyError: 'no'")
    lab.picture("failed-elsewhere")
    lab.theme("JupyterLab Dark")
    lab.page.wait_for_timeout(700)
    lab.picture("failed-elsewhere-dark")
    lab.theme("JupyterLab Light")
    line.get_by_role("button", name="Show test net 0").click()
    expect(panel.layer("score")).to_have_attribute("data-selected", "true")
    expect(panel.layer("score")).to_have_attribute("data-error", "true")
    expect(panel.find("caffe-failed-elsewhere")).to_have_count(0)
    expect(panel.find("caffe-error")).to_contain_text("KeyError")
    lab.picture("failed-elsewhere-shown")
    assert lab.faults == []
