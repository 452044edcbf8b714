"""Two browser tabs on one kernel: both see what happens, and what one does shows in the other."""

from __future__ import annotations

from urllib.parse import quote

from playwright.sync_api import expect

from tests.ui import material
from tests.ui.lab import Lab
from tests.ui.server import TOKEN


def test_what_one_tab_does_shows_in_the_other(lab: Lab) -> None:
    lab.write(material.FILES)
    name = lab.notebook(material.CELLS)
    lab.open(name)
    lab.run(0)
    lab.run(1)
    lab.panel.wait_for_graph()
    lab.start(material.RUN)
    lab.panel.wait_for_progress()
    lab.command("docmanager:save")

    other = Lab(lab.server, lab.page.context.new_page(), workspace=f"{lab.workspace}_second", results=lab.results)
    path = quote(f"{lab.workspace}/{name}")
    other.page.goto(f"{lab.server.url}/lab/workspaces/{other.workspace}/tree/{path}?token={TOKEN}")
    other.settle()
    other.command("caffe-nb:open")
    other.panel.wait_for_graph()
    other.panel.wait_for_progress()

    other.panel.find("caffe-control-pause").click()
    expect(other.panel.find("caffe-held")).to_be_visible()
    expect(lab.panel.find("caffe-held")).to_be_visible()
    lab.panel.select("ip")
    lab.panel.find("caffe-break-here").check()
    expect(other.panel.find("caffe-breaks")).to_have_attribute("data-count", "1")
    other.picture("two-tabs")
    lab.panel.find("caffe-break-here").uncheck()
    expect(other.panel.find("caffe-breaks")).to_have_attribute("data-count", "0")
    lab.panel.find("caffe-control-resume").click()
    expect(other.panel.find("caffe-held")).to_have_count(0)

    other.page.close()
    before = lab.panel.iteration()
    lab.panel.select("conv1")
    lab.panel.wait_for_newer(":conv1")
    assert lab.panel.iteration() >= before
    lab.panel.find("caffe-control-stop").click()
    lab.finish(material.RUN)
    assert lab.faults == []
    assert other.faults == []
