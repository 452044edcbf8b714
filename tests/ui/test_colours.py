"""Tensors have the panel's colours in the live view, in pictures and in a saved page; labels one for each value."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from caffe_nb.inspector.palette import DARK, LIGHT, Palette
from tests.ui.lab import Lab
from tests.ui.test_sharing import GOOD, SEND, front_end, view

__all__ = ["front_end"]

PIXELS = """canvas => {
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, 1);
    return Array.from({ length: canvas.width }, (_, at) => [...data.slice(4 * at, 4 * at + 3)]);
}"""


@pytest.mark.parametrize(("ink", "palette"), [("black", LIGHT), ("white", DARK)])
def test_values_have_the_panels_colours(front_end: Page, ink: str, palette: Palette) -> None:
    front_end.evaluate("ink => { document.body.style.color = ink; }", ink)
    front_end.locator("g[data-layer]").click()
    values = [0.0, 1.0, -1.0, 0.5, 1.1, -1.1, float("nan"), float("inf"), float("-inf")]
    ask = SEND.replace("message.values", "message.values.map(Number)")
    sent = {**GOOD, "size": [1, 1, len(values)], "values": [str(it).replace("inf", "Infinity") for it in values]}
    front_end.evaluate(ask, sent)
    canvas = front_end.locator('[data-part="data"][data-version="3"] canvas')
    zero, *others = [tuple(colour) for colour in canvas.evaluate(PIXELS)]
    assert zero == palette.positive[0] == palette.negative[0]
    assert others == [
        *(palette.positive[-1], palette.negative[-1], palette.positive[2], palette.above, palette.below),
        *(palette.nan, palette.positive_infinity, palette.negative_infinity),
    ]


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
    for theme in ("Dark", "Light"):
        lab.theme(f"JupyterLab {theme}")
        lab.page.wait_for_timeout(500)
        lab.picture(f"categories-{theme.lower()}")
    page = lab.page.context.new_page()
    page.goto((lab.folder / "labels.html").as_uri())
    expect(page.locator("#tensors")).to_contain_text("9")
    page.close()
    assert lab.faults == []


@pytest.mark.parametrize(("ink", "at"), [("black", 1), ("white", 2)])
def test_whole_numbers_have_the_colours_of_their_categories(front_end: Page, ink: str, at: int) -> None:
    front_end.evaluate("ink => { document.body.style.color = ink; }", ink)
    front_end.locator("g[data-layer]").click()
    categories = [[0, [10, 11, 12], [20, 21, 22]], [3, [30, 31, 32], [40, 41, 42]]]
    front_end.evaluate(SEND, {**GOOD, "values": [3.0, 0.0], "categories": categories})
    part = front_end.locator('[data-part="data"][data-version="3"]')
    assert part.locator("canvas").evaluate(PIXELS) == [categories[1][at], categories[0][at]]
    assert part.locator(".legend span").all_inner_texts() == ["0", "3"]
    expect(part).not_to_contain_text("full colour")
