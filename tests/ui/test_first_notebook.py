"""The first tutorial, whole and unchanged, as a person runs it in the browser."""

from __future__ import annotations

import shutil
from pathlib import Path

from playwright.sync_api import expect

from tests.ui.lab import Lab

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "01_first_layer.ipynb"


def test_the_first_notebook_runs_top_to_bottom_with_the_panel_beside_it(lab: Lab) -> None:
    shutil.copy(NOTEBOOK, lab.folder)
    lab.open(NOTEBOOK.name)
    lab.run_all()
    lab.panel.wait_for_graph()
    lab.panel.select("conv1")
    lab.finish_all(seconds=180)
    assert lab.errors() == []

    panel = lab.panel
    for name in ("conv1", "hidden", "scores", "loss"):
        expect(panel.layer(name)).to_contain_text(name)
    expect(panel.layer("loss")).to_have_attribute("data-version", "3")  # written, broken, mended
    expect(panel.layer("loss")).to_have_attribute("data-check", "pass")
    expect(panel.tensor(":conv1").get_by_test_id("caffe-stat-mean")).to_be_visible()
    notebook, beside = lab.page.locator(".jp-NotebookPanel").bounding_box(), panel.root.bounding_box()
    assert notebook is not None
    assert beside is not None
    assert beside["x"] >= notebook["x"] + notebook["width"]
    lab.picture("first-notebook")
    assert lab.faults == []
