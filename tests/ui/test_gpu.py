"""The panel in GPU mode, on the stand-in for a GPU: what was copied is in the header, and watching copies no blob."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import expect

from tests.ui import material
from tests.ui.lab import Lab

GPU = f"""import sys
sys.path.insert(0, {str(Path(__file__).parents[2])!r})
from caffe_nb import device
from tests.device.standin import Standin
device.use(Standin())
"""


def test_the_header_says_what_was_copied_and_watching_copies_no_blob(open_lab: Callable[[str], Lab]) -> None:
    lab = open_lab("gpu")
    lab.write(material.FILES)
    asked = ["before = solver.net.transfers", "solver.net.transfers - before"]
    lab.open(lab.notebook([*material.CELLS[:2], GPU, "solver.step(3)", *asked]))
    for cell in (0, 1):
        lab.run(cell)
    panel = lab.panel
    panel.wait_for_graph()
    expect(panel.find("caffe-transfers")).to_have_count(0)
    for cell in (2, 3):
        lab.run(cell)
    expect(panel.find("caffe-transfers")).to_have_text(
        re.compile(r"\d+ copies to the GPU, \d+ to the host, [\d.]+ MiB")
    )
    lab.run(4)
    panel.select("ip")
    expect(panel.tensor(":ip").get_by_test_id("caffe-stat-mean")).to_be_visible()
    lab.run(5)
    assert "nothing was copied between host and GPU" in lab.output(5)
    lab.picture("gpu", always=True)
    assert lab.faults == []
