"""The panel is opened after the run, and shows the whole of it; also of a run on a cluster, with its ranks."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.ui.lab import Lab
from tests.ui.test_training import FILES

LOAD = "%load_ext caffe_nb\nimport caffe"
SOLVER = 'solver = caffe.get_solver("solver.prototxt")'


def _pictures(lab: Lab, name: str) -> None:
    for theme in ("Dark", "Light"):
        lab.theme(f"JupyterLab {theme}")
        lab.page.wait_for_timeout(500)
        lab.picture(f"{name}-{theme.lower()}")


def test_a_panel_opened_after_the_run_shows_its_losses_and_tests_from_the_start(lab: Lab) -> None:
    lab.write(FILES)
    lab.open(lab.notebook([LOAD, SOLVER, "%caffe_run solver -n 120"]))
    for cell in range(3):
        lab.run(cell)
    lab.command("caffe-nb:open")
    panel = lab.panel
    panel.wait_for_graph()
    panel.tab("training")
    expect(panel.find("caffe-loss-curve")).to_have_attribute("data-points", "120")
    tests = panel.root.locator('[data-testid="caffe-curve"][data-curve="test:0:loss"]')
    expect(tests).to_have_attribute("data-points", "3")
    _pictures(lab, "late")
    assert lab.faults == []


def test_a_run_on_a_cluster_shows_its_curve_and_each_rank(lab: Lab) -> None:
    pytest.importorskip("ipyparallel")
    pytest.importorskip("mpi4py")
    lab.write(FILES)
    cells = ["%caffe_cluster start -n 2", "%caffe_run solver --cluster -n 200", "%caffe_cluster stop"]
    lab.open(lab.notebook([LOAD, SOLVER, *cells]))
    lab.run(0)
    lab.run(1)
    lab.run(2, seconds=120)
    try:
        lab.run(3, seconds=120)
        assert lab.errors() == []
        lab.command("caffe-nb:open")
        panel = lab.panel
        panel.wait_for_graph()
        panel.tab("training")
        assert "iteration 200 of 200" in lab.output(3)
        expect(panel.find("caffe-loss-curve")).to_have_attribute("data-points", "200")
        expect(panel.find("caffe-iteration")).to_have_text("200")
        expect(panel.find("caffe-ranks")).to_have_attribute("data-count", "2")
        for rank in range(2):
            row = panel.root.locator(f'[data-testid="caffe-rank"][data-rank="{rank}"]')
            expect(row).to_contain_text("process")
            expect(row).to_contain_text("s")
        panel.find("caffe-ranks").scroll_into_view_if_needed()
        _pictures(lab, "cluster")
    finally:
        lab.run(4)
    assert lab.faults == []
