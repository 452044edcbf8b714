"""The panel is opened after the run, and shows the whole of it."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.ui import material
from tests.ui.lab import Lab, wait_for
from tests.ui.test_training import FILES

CELLS = ["%load_ext caffe_nb\nimport caffe", 'solver = caffe.get_solver("solver.prototxt")', "%caffe_run solver -n 120"]


def test_a_panel_opened_after_the_run_shows_its_whole_curve(lab: Lab) -> None:
    lab.write(FILES)
    lab.open(lab.notebook(CELLS))
    for cell in range(3):
        lab.run(cell)
    lab.command("caffe-nb:open")
    panel = lab.panel
    panel.wait_for_graph()
    panel.tab("training")
    expect(panel.find("caffe-loss-curve")).to_have_attribute("data-points", "120")
    lab.picture("late-light")
    lab.theme("JupyterLab Dark")
    lab.page.wait_for_timeout(500)
    lab.picture("late-dark")
    assert lab.faults == []
