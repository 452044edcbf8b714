"""The second tutorial, whole and unchanged: an old net is mended, opened, and looked into."""

from __future__ import annotations

import shutil
from pathlib import Path

from playwright.sync_api import expect

from tests.ui.lab import Lab

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"


def test_the_second_notebook_brings_the_old_net_to_life(lab: Lab) -> None:
    shutil.copy(NOTEBOOKS / "02_old_net.ipynb", lab.folder)
    shutil.copytree(NOTEBOOKS / "old_net", lab.folder / "old_net", dirs_exist_ok=True)
    lab.open("02_old_net.ipynb")
    lab.run_all()
    lab.finish_all(seconds=180)
    assert lab.errors() == []
    lab.page.locator(".jp-Cell", has_text="What is missing?").first.scroll_into_view_if_needed()
    lab.picture("second-notebook")

    lab.command("caffe-nb:open")
    lab.panel.wait_for_graph()
    nets = lab.panel.root.get_by_role("combobox", name="Net")
    nets.select_option(label=next(text for text in nets.locator("option").all_inner_texts() if "n2" in text))
    lab.panel.select("maxout")  # a registered type is a Python layer like any other
    expect(lab.panel.layer("maxout")).to_have_attribute("data-version", "1")
    expect(lab.panel.layer("maxout")).to_have_attribute("data-check", "pass")
    lab.picture("second-notebook-inspector")
    assert lab.faults == []
