"""The panel comes back by itself after a restart of the kernel and a reload of the page, and says when it cannot."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.ui import material
from tests.ui.lab import Lab, wait_for


def _train(lab: Lab) -> None:
    lab.run(0)
    lab.run(1)
    lab.start(material.RUN)
    lab.panel.wait_for_graph()
    lab.panel.wait_for_progress()


def test_after_a_kernel_restart_the_panel_returns_without_a_click(lab: Lab) -> None:
    lab.write(material.FILES)
    lab.open(lab.notebook(material.CELLS))
    _train(lab)
    lab.panel.select("ip")

    lab.restart_kernel()
    lab.panel.wait_for_empty("absent")
    expect(lab.panel.find("caffe-empty")).to_contain_text("%load_ext caffe_nb")
    lab.picture("returning-restarted")

    _train(lab)
    assert lab.panel.root.count() == 1
    assert lab.panel.layers() == material.LAYERS
    expect(lab.panel.layer("ip")).to_have_attribute("data-selected", "true")
    lab.panel.wait_for_newer(":ip")
    lab.picture("returning-again")
    assert lab.faults == []


def test_after_a_page_reload_the_panel_shows_live_values_while_the_cell_runs_on(lab: Lab) -> None:
    lab.write(material.FILES)
    lab.open(lab.notebook(material.CELLS))
    _train(lab)
    lab.panel.select("ip")
    lab.panel.tab("training")

    lab.reload()
    lab.panel.wait_for_graph()
    assert lab.panel.layers() == material.LAYERS
    lab.panel.wait_for_progress()  # the cell runs on
    expect(lab.panel.layer("ip")).to_have_attribute("data-selected", "true")  # as before
    expect(lab.panel.find("caffe-tab-training")).to_have_attribute("aria-selected", "true")
    lab.panel.tab("tensors")
    expect(lab.panel.tensor(":ip").get_by_test_id("caffe-stat-mean")).to_be_visible()
    lab.panel.wait_for_newer(":ip")
    lab.picture("returning-reloaded")
    assert lab.panel.root.count() == 1
    assert lab.faults == []


TELLING = """\
from caffe_nb.inspector.session import serving
from pathlib import Path
while True:
    solver.step(1)
    Path("telling").write_text(str(serving().pusher.watched))
    Path("telling").replace("watched")  # who reads it finds all of it
"""


def test_a_closed_panel_watches_no_more_stays_closed_and_opens_again_where_it_was(lab: Lab) -> None:
    def watched() -> str:
        return (lab.folder / "watched").read_text(encoding="utf-8")

    lab.write(material.FILES | {"watched": ""})
    lab.open(lab.notebook([*material.CELLS[:2], TELLING]))
    lab.run(0)
    lab.run(1)
    lab.start(2)
    lab.panel.wait_for_graph()
    lab.panel.select("ip")
    wait_for(lambda: watched() == "True", "the kernel to be watched", page=lab.page)

    tab = lab.page.locator(".lm-DockPanel-tabBar .lm-TabBar-tab").filter(has_text=" nets")
    for then in (lambda: None, lab.reload):
        tab.locator(".lm-TabBar-tabCloseIcon").click()
        expect(lab.panel.root).to_have_count(0)
        wait_for(lambda: watched() == "False", "the kernel to be left alone", page=lab.page)

        then()
        lab.page.wait_for_timeout(1000)
        assert lab.panel.root.count() == 0
        wait_for(lambda: watched() == "False", "the kernel to be left alone still", page=lab.page)

        lab.command("caffe-nb:open")
        lab.panel.wait_for_graph()
        if then != lab.reload:  # the page knows what was chosen
            expect(lab.panel.layer("ip")).to_have_attribute("data-selected", "true")
        lab.panel.select("ip")
        lab.panel.wait_for_newer(":ip")
    assert lab.faults == []


def test_without_a_net_the_panel_says_so_in_words(lab: Lab) -> None:
    lab.write(material.FILES)
    lab.open(lab.notebook(["print(1)", *material.CELLS]))
    lab.command("caffe-nb:open")
    lab.panel.wait_for_empty("absent")
    lab.picture("empty-absent")

    lab.run(1)
    lab.panel.wait_for_empty("no-nets")
    expect(lab.panel.find("caffe-empty")).to_contain_text("No nets yet")
    lab.picture("empty-no-nets")

    lab.run(2)
    lab.panel.wait_for_graph()
    assert lab.panel.empty_reason() == ""
    assert lab.faults == []


def test_after_a_crash_of_the_kernel_the_panel_returns_too(lab: Lab) -> None:
    material.open_net(lab, cells=[*material.CELLS[:2], "import os\nos._exit(1)"])
    lab.start(2)
    lab.page.get_by_role("dialog").get_by_role("button", name="Ok").click()  # "the kernel appears to have died"
    lab.panel.wait_for_empty("absent")

    lab.run(0)
    lab.run(1)
    lab.panel.wait_for_graph()
    assert lab.panel.layers() == material.LAYERS
    assert lab.faults == []
