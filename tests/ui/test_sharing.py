"""Passing a net on: a live view in a cell, a page in one file, and what a stranger's JupyterLab shows of a notebook."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from caffe_nb.net import Net
from caffe_nb.notebook.viewer import Viewer
from tests.sharing.material import HOSTILE, NET, named, net_text, solver
from tests.ui import material
from tests.ui.lab import Lab, wait_for

CELLS = [
    'import caffe, caffe_nb\nsolver = caffe.get_solver("solver.prototxt")\nsolver.step(1)',
    "caffe_nb.view(solver)",
    'caffe_nb.view(solver.net.blobs["ip"])',
    "solver.step(1)",
    "import time\nend = time.time() + 8\nwhile time.time() < end:\n    solver.step(20)",
]
NET_VIEW, BLOB_VIEW, STEP, TRAIN = 1, 2, 3, 4


@pytest.fixture
def viewed(lab: Lab) -> Lab:
    """A notebook in which a net and a blob are viewed."""
    lab.write(material.FILES)
    lab.open(lab.notebook(CELLS))
    lab.command("application:toggle-right-area")
    for index in (0, NET_VIEW, BLOB_VIEW):
        lab.run(index)
    return lab


def view(lab: Lab, index: int) -> Locator:
    """Return the view in a cell's output."""
    return lab.cell(index).get_by_test_id("caffe-view")


def figure(part: Locator, name: str) -> str:
    """Return a figure as it is shown."""
    return part.locator(f'[data-figure="{name}"]').inner_text()


def test_a_click_on_a_layer_shows_its_tensors_in_the_cell(viewed: Lab) -> None:
    shown = view(viewed, NET_VIEW)
    shown.scroll_into_view_if_needed()
    expect(shown.locator("g[data-layer]")).to_have_count(len(material.LAYERS))
    shown.locator("g[data-layer]").filter(has_text="conv1").click()
    expect(shown.locator(".layer")).to_have_attribute("data-layer", "conv1")
    expect(shown.locator(".tensor")).to_have_count(3)
    data = shown.locator('.tensor[data-ref="blob:conv1"] [data-part="data"]')
    expect(data.locator("canvas")).to_be_visible()
    assert float(figure(data, "max")) > 0
    assert figure(data, "min") == "0"  # as the ReLU in place left it
    data.locator("canvas").hover(position={"x": 5, "y": 5})
    expect(data).to_contain_text(re.compile(r"0, row 0, column 0: -?[\d.]+"))
    viewed.picture("sharing-view-light")
    blob = view(viewed, BLOB_VIEW).locator("canvas").first
    light = blob.evaluate("canvas => canvas.toDataURL()")
    viewed.theme("JupyterLab Dark")
    viewed.page.mouse.move(5, 5)
    wait_for(lambda: blob.evaluate("canvas => canvas.toDataURL()") != light, "the dark colours", page=viewed.page)
    shown.locator("g[data-layer]").filter(has_text="ip").click()
    expect(shown.locator('.tensor[data-ref="blob:ip"] canvas').first).to_be_visible()
    viewed.picture("sharing-view-dark")
    viewed.theme("JupyterLab Light")
    assert viewed.faults == []


def test_the_keyboard_chooses_a_layer(viewed: Lab) -> None:
    shown = view(viewed, NET_VIEW)
    box = shown.locator("g[data-layer]").filter(has_text="ip")
    box.focus()
    viewed.page.keyboard.press("Enter")
    expect(box).to_have_attribute("aria-pressed", "true")
    expect(shown.locator(".layer")).to_have_attribute("data-layer", "ip")


def test_what_is_on_screen_follows_the_net_and_a_click_is_answered_while_a_cell_trains(viewed: Lab) -> None:
    part = view(viewed, BLOB_VIEW).locator('[data-part="data"]')
    part.scroll_into_view_if_needed()
    expect(part.locator("canvas")).to_be_visible()
    before = figure(part, "mean")
    viewed.run(STEP)
    part.scroll_into_view_if_needed()
    expect(part.locator('[data-figure="mean"]')).not_to_have_text(before)
    viewed.start(TRAIN)
    part.scroll_into_view_if_needed()
    seen = {part.get_attribute("data-version")}

    def changed() -> bool:
        seen.add(part.get_attribute("data-version"))
        return len(seen) > 4

    wait_for(changed, "newer values while the cell trains", page=viewed.page)
    shown = view(viewed, NET_VIEW)
    shown.scroll_into_view_if_needed()
    shown.locator("g[data-layer]").filter(has_text="relu1").click()
    expect(shown.locator('.tensor[data-ref="blob:conv1"] canvas').first).to_be_visible()
    assert viewed.busy(TRAIN)
    viewed.finish(TRAIN)


def test_a_view_that_follows_no_more_shows_new_values_when_asked(viewed: Lab) -> None:
    shown = view(viewed, BLOB_VIEW)
    part = shown.locator('[data-part="data"]')
    shown.scroll_into_view_if_needed()
    expect(part.locator("canvas")).to_be_visible()
    shown.get_by_label("follow").uncheck()
    before = part.get_attribute("data-version")
    viewed.run(STEP)
    viewed.page.wait_for_timeout(1000)
    assert part.get_attribute("data-version") == before
    shown.get_by_role("button", name="Refresh").click()
    expect(part).not_to_have_attribute("data-version", before or "")


def test_the_view_comes_back_with_the_page(viewed: Lab) -> None:
    viewed.reload()
    shown = view(viewed, NET_VIEW)
    shown.scroll_into_view_if_needed()
    shown.locator("g[data-layer]").filter(has_text="ip").click()
    expect(shown.locator('.tensor[data-ref="blob:ip"] canvas').first).to_be_visible()


def test_names_in_a_view_are_text(lab: Lab) -> None:
    views = [
        f"net{i} = caffe_nb.Net.from_text({net_text(name)!r})\ncaffe_nb.view(net{i})"
        for i, name in enumerate(HOSTILE.values())
    ]
    cells = ["import caffe_nb", *views]
    said: list[str] = []
    lab.page.on("dialog", lambda dialog: said.append(dialog.message))
    lab.open(lab.notebook(cells))
    lab.run_all()
    lab.finish_all(60)
    for index in range(1, len(cells)):
        shown = view(lab, index)
        shown.scroll_into_view_if_needed()
        shown.locator("g[data-layer]").first.click()
        expect(shown.locator(".tensor canvas").first).to_be_visible()
        assert shown.locator("img, script, [onerror], [onload], [onmouseover]").count() == 0
    assert lab.errors() == []
    assert said == []
    assert lab.faults == []
    lab.picture("sharing-hostile")


def test_a_net_of_2000_layers_can_be_viewed(lab: Lab) -> None:
    make = """import caffe_nb
text = 'layer { name: "in" type: "Input" top: "b0" input_param { shape { dim: 2 dim: 3 } } }'
for i in range(1999):
    text += f' layer {{ name: "power{i}" type: "Power" bottom: "b{i}" top: "b{i + 1}" }}'
net = caffe_nb.Net.from_text(text)
"""
    lab.open(lab.notebook([make, "caffe_nb.view(net)"]))
    lab.run(0)
    lab.run(1)
    shown = view(lab, 1)
    expect(shown.locator("g[data-layer]")).to_have_count(2000)
    shown.locator("g[data-layer]").nth(5).click()
    expect(shown.locator(".tensor canvas").first).to_be_visible()
    lab.picture("sharing-2000")


def test_a_notebook_that_is_not_trusted_shows_the_picture_and_the_table(lab: Lab) -> None:
    net = Net.from_text(NET)
    net.forward()
    outputs = [
        nbformat.v4.new_output("execute_result", data=net._repr_mimebundle_(), execution_count=1),
        nbformat.v4.new_output("display_data", data={"text/html": net.blobs["data"]._repr_html_()}),
    ]
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("net", outputs=outputs, execution_count=1)])
    nbformat.write(book, lab.folder / "strange.ipynb")
    lab.open("strange.ipynb")
    cell = lab.cell(0)
    expect(cell.locator("table").first).to_contain_text("InnerProduct")
    for image in cell.locator("img").all():
        wait_for(lambda image=image: image.evaluate("image => image.naturalWidth") > 50, "the picture", page=lab.page)
    assert cell.locator("img").count() == 2
    lab.picture("sharing-not-trusted")


# the front end by itself, beside a kernel that is not to be trusted

FAKE = """async ({ source, picture }) => {
    const address = URL.createObjectURL(new Blob([source], { type: 'text/javascript' }));
    const { default: widget } = await import(address);
    const tensors = [{ ref: 'blob:x', name: '<img src=x onerror=alert(1)>', shape: '2' }];
    const layers = [{ index: 0, name: '<b>bold</b>', type: 'Input', tensors, more: 0 }];
    const state = { title: '<i>t</i>', summary: '', picture, layers };
    window.sent = [];
    window.listeners = {};
    const model = {
        get: key => state[key],
        on: (name, call) => { window.listeners[name] = call; },
        off: name => { delete window.listeners[name]; },
        send: message => window.sent.push(message)
    };
    window.end = widget.render({ model, el: document.body });
}"""
DANGEROUS = """<svg xmlns="http://www.w3.org/2000/svg" width="200" height="100" onload="alert(1)">
<script>alert(1)</script>
<foreignObject><body xmlns="http://www.w3.org/1999/xhtml"><img src="x" onerror="alert(1)"/></body></foreignObject>
<image href="x.png"/><a href="javascript:alert(1)"><rect width="9" height="9"/></a><style>@import "x.css";</style>
<g data-layer="0" onclick="alert(1)" style="background:url(x)">
<rect width="90" height="40" fill="#eee"/><text y="20">x</text></g>
</svg>"""
SEND = """message => window.listeners['msg:custom'](
    message, [new DataView(new Float32Array(message.values ?? [1, NaN]).buffer)]
)"""
GOOD = {
    "kind": "tensor",
    "ref": "blob:x",
    "part": "data",
    "shape": [2],
    "size": [1, 1, 2],
    "reduced": False,
    "place": [],
    "limit": 1.0,
    "categories": [],
    "figures": [["min", "1"], ["max", "<b>1</b>"]],
    "version": 3,
}


@pytest.fixture
def front_end(browser: Browser) -> Iterator[Page]:
    """A page with the widget's front end and no kernel."""
    page = browser.new_page()
    page.goto("about:blank")
    words: list[str] = []
    page.on("dialog", lambda dialog: words.append(dialog.message))
    page.on("pageerror", lambda error: words.append(str(error)))
    page.on("request", lambda request: None if request.url.startswith("blob:") else words.append(request.url))
    page.evaluate(FAKE, {"source": Viewer._esm, "picture": DANGEROUS})
    yield page
    assert words == []
    page.close()


def test_of_a_picture_only_shapes_and_texts_are_drawn(front_end: Page) -> None:
    found = front_end.evaluate("[...document.querySelectorAll('svg, svg *')].map(element => element.localName)")
    assert found == ["svg", "g", "rect", "text"]
    attributes = "[...document.querySelectorAll('svg, svg *')].flatMap(element => element.getAttributeNames())"
    assert not [name for name in front_end.evaluate(attributes) if name.startswith("on") or name in ("style", "href")]


def test_the_front_end_asks_for_what_is_on_screen_and_says_when_it_goes(front_end: Page) -> None:
    front_end.locator("g[data-layer]").click()
    wait_for(lambda: front_end.evaluate("window.sent.length"), "a message", page=front_end)
    sent = front_end.evaluate("window.sent[0]")
    assert sent == {"kind": "show", "view": sent["view"], "refs": ["blob:x"], "live": True, "fresh": True}
    assert front_end.locator("b, h4").all_inner_texts() == ["<i>t</i>", "<b>bold</b>", "<img src=x onerror=alert(1)> 2"]
    front_end.evaluate("window.end()")
    assert front_end.evaluate("window.sent.at(-1)") == {"kind": "hide", "view": sent["view"]}
    assert front_end.evaluate("Object.keys(window.listeners)") == []


def test_a_tensor_that_is_whole_is_shown_and_any_other_changes_nothing(front_end: Page) -> None:
    front_end.locator("g[data-layer]").click()
    front_end.evaluate(SEND, GOOD)
    part = front_end.locator('[data-part="data"]')
    expect(part).to_have_attribute("data-version", "3")
    assert figure(part, "max") == "<b>1</b>"
    wrong: list[dict[str, object]] = [
        {"size": [1, 1, 3]},
        {"size": [1, 2]},
        {"size": [-1, -1, 2]},
        {"size": "112"},
        {"shape": None},
        {"limit": "1"},
        {"figures": 3},
        {"figures": [3]},
        {"place": None},
        {"place": [3]},
        {"part": "error"},
        {"ref": "blob:y"},
        {"version": -1},
        {"categories": None},
        {"categories": [3]},
        {"categories": [[1, "red", "blue"]]},
        {"size": [1, 300, 300], "values": [0.0] * 90_000},
    ]
    for change in wrong:
        front_end.evaluate(SEND, {**GOOD, "version": 4, **change})
    for message in (None, 3, "tensor", {}, {"kind": "other"}):
        front_end.evaluate("message => window.listeners['msg:custom'](message, undefined)", message)
    front_end.evaluate("message => window.listeners['msg:custom'](message, [])", GOOD)
    expect(part).to_have_attribute("data-version", "3")


def test_a_failure_and_a_kernel_that_does_not_answer_are_said(front_end: Page) -> None:
    front_end.locator("g[data-layer]").click()
    expect(front_end.get_by_role("status")).to_contain_text("The kernel is busy")
    front_end.evaluate(SEND, {"kind": "failed", "view": "", "message": "<b>gone</b>", "values": []})
    expect(front_end.get_by_role("status")).to_have_text("<b>gone</b>")


# the page in one file


class Opened:
    """A page from a file, and what its browser said and asked for."""

    def __init__(self, page: Page, path: Path) -> None:
        self.page, self.words, self.requests = page, list[str](), list[str]()
        page.on("console", lambda message: self.words.append(message.text))
        page.on("pageerror", lambda error: self.words.append(str(error)))
        page.on("dialog", lambda dialog: self.words.append(dialog.message))
        page.on("request", lambda request: self.requests.append(request.url))
        page.goto(path.as_uri())
        page.wait_for_load_state("networkidle")

    def is_quiet(self) -> bool:
        """Tell whether it said nothing and asked for nothing besides itself and what it has within."""
        asked = [url for url in self.requests[1:] if not url.startswith("data:")]
        return self.words == [] and asked == []


@pytest.fixture(params=["light", "dark"])
def page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1200, "height": 1000}, color_scheme=request.param)
    yield context.new_page()
    context.close()


def test_a_saved_page_opens_in_silence_and_selects_layers(page: Page, tmp_path: Path) -> None:
    trainer = solver()
    trainer.step(200)
    reports = trainer.net.check_gradients()
    opened = Opened(page, trainer.net.save_html(tmp_path / "net.html", blobs=["ip", "ip[0]"], reports=reports))
    expect(page.get_by_role("heading", name="Gradient checks")).to_be_visible()
    page.locator("g[data-layer]").filter(has_text="ip").click()
    expect(page.locator("tr.chosen th")).to_have_text("ip")
    assert page.locator("g.joined").count() == 2
    page.get_by_role("row", name="loss").click()
    expect(page.locator("g.chosen")).to_contain_text("loss")
    page.locator("g[data-layer]").first.focus()
    page.keyboard.press("Enter")
    expect(page.locator("tr.chosen th")).to_have_text("data")
    page.get_by_label("Filter layers").fill("inner")
    expect(page.locator("tbody tr[data-layer]:visible")).to_have_count(1)
    width = page.locator("#picture svg").get_attribute("width")
    page.get_by_role("button", name="larger").click()
    expect(page.locator("#picture svg")).not_to_have_attribute("width", width or "")
    for image in page.locator("img").all():
        assert image.evaluate("image => image.naturalWidth") > 0
    scheme = "dark" if page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches") else "light"
    Path("test-results").mkdir(exist_ok=True)
    page.screenshot(path=f"test-results/sharing-page-{scheme}.png", full_page=True)
    assert opened.is_quiet(), (opened.words, opened.requests)


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_a_name_in_a_saved_page_neither_runs_nor_breaks_it(browser: Browser, tmp_path: Path, name: str) -> None:
    page = browser.new_page()
    opened = Opened(page, named(name).save_html(tmp_path / "net.html", blobs=[name]))
    page.locator("g[data-layer]").first.click()
    expect(page.locator("tr.chosen")).to_have_count(1)
    expect(page.get_by_role("heading", level=1)).to_contain_text(name.strip()[:20])
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert opened.is_quiet(), (opened.words, opened.requests)
    page.close()


def test_a_saved_page_reads_without_scripts(browser: Browser, tmp_path: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(Net.from_text(NET).save_html(tmp_path / "net.html").as_uri())
    expect(page.locator("g[data-layer]")).to_have_count(4)
    expect(page.get_by_role("row", name="InnerProduct")).to_be_visible()
    assert page.get_by_role("button").count() == 0
    context.close()
