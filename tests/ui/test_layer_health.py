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
]
SPOIL, MEND = 3, 4


@pytest.fixture(scope="module")
def shown(open_lab: Callable[[str], Lab]) -> Lab:
    """A notebook whose net is shown, the tensors' tab open."""
    lab = open_lab("layer-health")
    lab.write(material.FILES)
    lab.open(lab.notebook(CELLS))
    lab.run(0)
    lab.run(1)
    lab.panel.wait_for_graph()
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
