"""The later tutorials, whole and unchanged: live layers, gradients, the inspector."""

from __future__ import annotations

import shutil
from pathlib import Path

from playwright.sync_api import expect

from tests.ui.lab import Lab

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"


def test_the_third_notebook_edits_a_living_net(lab: Lab) -> None:
    shutil.copy(NOTEBOOKS / "03_live_layers.ipynb", lab.folder)
    lab.open("03_live_layers.ipynb")
    lab.run_all()
    lab.finish_all(seconds=180)
    assert lab.errors() == []
    lab.page.locator(".jp-Cell", has_text="what it would have been").first.scroll_into_view_if_needed()
    lab.panel.wait_for_graph()
    lab.panel.select("squash")
    lab.panel.tab("source")
    expect(lab.panel.find("caffe-version-row").first).to_contain_text("runs")
    lab.picture("third-notebook")

    text = (lab.folder / "squash.py").read_text(encoding="utf-8")
    version = lab.panel.version("squash")
    lab.write({"squash.py": text.replace("SLOPE = 4.0", "SLOPE = 5.0")})
    expect(lab.panel.layer("squash")).to_have_attribute("data-version", str(version + 1))
    for name, stale in (("hidden", "false"), ("squash", "true"), ("scores", "true"), ("loss", "true")):
        expect(lab.panel.layer(name)).to_have_attribute("data-stale", stale)
    lab.picture("third-notebook-stale")
    assert lab.faults == []


def test_the_fourth_notebook_names_mistakes(lab: Lab) -> None:
    shutil.copy(NOTEBOOKS / "04_gradients.ipynb", lab.folder)
    lab.open("04_gradients.ipynb")
    lab.run_all()
    lab.finish_all(seconds=180)
    assert lab.errors() == []
    lab.page.locator(".jp-Cell", has_text="1. A minus is missing").first.scroll_into_view_if_needed()
    lab.picture("fourth-notebook")
    lab.command("caffe-nb:open")
    lab.panel.wait_for_graph()
    for name in ("fc", "relu", "distance"):
        expect(lab.panel.layer(name)).to_have_attribute("data-check", "pass")
    assert lab.faults == []


def test_the_fifth_notebook_looks_into_a_net(lab: Lab) -> None:
    shutil.copy(NOTEBOOKS / "05_inspector.ipynb", lab.folder)
    lab.open("05_inspector.ipynb")
    lab.run_all()
    lab.finish_all(seconds=180)
    assert lab.errors() == []
    assert "of top 'gained'" in lab.page.locator(".jp-Cell", has_text="stop_at_nan").last.inner_text()
    assert (lab.folder / "digits.html").stat().st_size > 10_000
    lab.panel.wait_for_graph()
    lab.panel.tab("training")
    expect(lab.panel.find("caffe-loss-curve").locator("canvas")).to_be_visible()
    lab.picture("fifth-notebook")
    lab.panel.select("features/conv1")
    lab.panel.tab("tensors")
    expect(lab.panel.tensor("param:2:0", "diff").get_by_test_id("caffe-heatmap")).to_be_visible()
    lab.picture("fifth-notebook-tensors")
    assert lab.faults == []
