"""Whole numbers, as labels are, have a colour each wherever they are shown."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.ui.lab import Lab
from tests.ui.test_sharing import view

LABELS = """\
import caffe, caffe_nb
net = caffe_nb.Net.from_text('''name: "labels" layer { name: "digits" type: "DummyData" top: "label" top: "mask"
    dummy_data_param { shape { dim: 64 } shape { dim: 24 dim: 32 } } }''')
net.blobs["label"].data = [i * i % 10 for i in range(64)]
net.blobs["mask"].data = [[(i // 8 + j // 8) % 3 for j in range(32)] for i in range(24)]
net.save_html("labels.html", blobs=["label", "mask"])"""


def test_labels_are_categories_in_a_view_a_picture_and_a_saved_page(lab: Lab) -> None:
    lab.open(lab.notebook([LABELS, 'caffe_nb.view(net.blobs["mask"])', 'net.blobs["label"]']))
    lab.command("application:toggle-right-area")
    for index in range(3):
        lab.run(index)
    data = view(lab, 1).locator('[data-part="data"]')
    assert data.locator(".legend").inner_text().split() == ["0", "1", "2"]
    expect(lab.cell(2)).to_contain_text("9")
    for theme in ("Light", "Dark"):
        lab.theme(f"JupyterLab {theme}")
        lab.page.wait_for_timeout(500)
        lab.picture(f"categories-{theme.lower()}")
    page = lab.page.context.new_page()
    page.goto((lab.folder / "labels.html").as_uri())
    expect(page.locator("#tensors")).to_contain_text("9")
    page.close()
    assert lab.faults == []
