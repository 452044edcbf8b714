"""What a user's files may bring: names that nobody should have given, odd blobs, a layer that never returns."""

from __future__ import annotations

import re

import psutil
import pytest
from playwright.sync_api import expect

from tests.sharing.material import HOSTILE
from tests.ui import material
from tests.ui.lab import Lab, wait_for

NAMES = [
    *HOSTILE.values(),
    "javascript:alert(1)",
    "\u202egnp.txt\u202c \u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627",
    "bell\a tab\t line\nreturn\r escape\x1b[31m",
    "__proto__",
    "constructor",
    "a\u0300\u0301\u0302" * 30,
]
FILE = "<img src=x onerror=alert(1)> 🦊 '\".prototxt"
FAULTY = """\
import caffe


class Faulty(caffe.Layer):
    def reshape(self, bottom, top):
        top[0].reshape(1)

    def forward(self, bottom, top):
        raise ValueError("<img src=x onerror=alert(1)> \\ud800 \\x1b[31m 🦊" + "!" * 5000)
"""
_CLICK = """name => {
    const nodes = [...document.querySelectorAll('[data-testid="caffe-graph-node"]')];
    const node = nodes.find(each => each.dataset.layer === name);
    node?.click();
    return node !== undefined;
}"""
INJECTED = "img, script, iframe, object, [onerror], [onload], [onmouseover]"


def _quoted(name: str) -> str:
    return (
        "".join(f"\\{byte:03o}" if byte < 32 or byte in b"\"\\'" else chr(byte) for byte in name.encode())
        .encode("latin-1")
        .decode("utf-8")
    )


def _battery() -> str:
    """Return the text of a net in which each name is a layer's, its top's and its parameter's."""
    lines = [f'name: "{_quoted(NAMES[1])}"']
    for name in map(_quoted, NAMES):
        shape = "input_param { shape { dim: 2 dim: 3 } }"
        lines.append(f'layer {{ name: "{name}" type: "Input" top: "{name}" {shape} }}')
    faulty = 'python_param { module: "faulty" layer: "Faulty" }'
    lines.append(f'layer {{ name: "</b>faulty" type: "Python" bottom: "{_quoted(NAMES[0])}" top: "y" {faulty} }}')
    return "\n".join(lines)


def test_hostile_names_and_messages_are_text_everywhere_in_the_panel(lab: Lab) -> None:
    said: list[str] = []
    lab.page.on("dialog", lambda dialog: said.append(dialog.message))
    lab.write({FILE: _battery(), "faulty.py": FAULTY})
    fails = "try:\n    net.forward()\nexcept ValueError:\n    pass"
    lab.open(lab.notebook(["%load_ext caffe_nb\nimport caffe", f"net = caffe.Net({FILE!r}, caffe.TEST)", fails]))
    lab.run(0)
    lab.run(1)
    lab.command("caffe-nb:open")
    lab.panel.wait_for_graph()
    lab.run(2)
    assert lab.errors() == []
    expect(lab.panel.find("caffe-graph-node")).to_have_count(len(NAMES) + 1)
    assert sorted(lab.panel.layers()) == sorted([*NAMES, "</b>faulty"])
    for index, name in enumerate([*NAMES, "</b>faulty"]):
        lab.panel.find("caffe-graph-search").fill(name[:40].splitlines()[0])
        lab.panel.root.get_by_role("button", name="Fit View").click()
        lab.page.wait_for_timeout(400)
        assert lab.page.evaluate(_CLICK, name)
        expect(lab.panel.find("caffe-details")).to_have_attribute("data-layer", name)
        expect(lab.panel.find("caffe-stat-mean").first).to_be_visible()
        if index % 5 == 0:
            for tab in ("gradients", "source", "training", "tensors"):
                lab.panel.tab(tab)
                assert lab.panel.root.locator(INJECTED).count() == 0
    lab.picture("bad-names-light")
    lab.theme("JupyterLab Dark")
    expect(lab.panel.find("caffe-error")).to_contain_text("<img src=x onerror=alert(1)>")
    lab.panel.find("caffe-error").get_by_role("button").click()
    expect(lab.panel.find("caffe-traceback")).to_contain_text("ValueError: <img src=x")
    lab.page.wait_for_timeout(500)
    lab.picture("bad-names-dark")
    lab.theme("JupyterLab Light")
    assert lab.panel.root.locator(INJECTED).count() == 0
    assert said == []
    assert lab.faults == []


ODD = {
    "empty": "dim: 0 dim: 3",
    "scalar": "",
    "ten": "dim: 2 dim: 1 dim: 3 dim: 1 dim: 2 dim: 1 dim: 2 dim: 1 dim: 4 dim: 3",
    "nan": "dim: 4 dim: 5",
}


def _odd() -> str:
    return "\n".join(
        f'layer {{ name: "{name}" type: "Input" top: "{name}" input_param {{ shape {{ {shape} }} }} }}'
        for name, shape in ODD.items()
    )


def test_odd_blobs_are_shown_and_their_figures_are_right(lab: Lab) -> None:
    lab.write({"net.prototxt": _odd()})
    fill = (
        'net.blobs["nan"].data[...] = float("nan")\nnet.blobs["ten"].data[...] = 2\nnet.blobs["scalar"].data[...] = 7'
    )
    lab.open(lab.notebook(["%load_ext caffe_nb\nimport caffe", 'net = caffe.Net("net.prototxt", caffe.TEST)', fill]))
    for index in range(3):
        lab.run(index)
    lab.command("caffe-nb:open")
    lab.panel.wait_for_graph()
    panel = lab.panel
    panel.select("empty")
    expect(panel.tensor(":empty")).to_contain_text("This blob has no elements.")
    lab.picture("bad-empty")
    panel.select("scalar")
    wait_for(lambda: panel.statistic(":scalar", "mean") == "7", "the scalar", page=lab.page)
    lab.picture("bad-scalar")
    panel.select("ten")
    wait_for(lambda: panel.statistic(":ten", "mean") == "2", "ten axes", page=lab.page)
    assert panel.tensor(":ten").locator("canvas").first.is_visible()
    lab.picture("bad-ten")
    panel.select("nan")
    expect(panel.tensor(":nan").get_by_test_id("caffe-stat-nans")).to_contain_text("20")
    lab.picture("bad-nan")
    assert lab.faults == []


def test_a_blob_of_two_gigabytes_is_shown_in_a_view_of_a_few_kilobytes(lab: Lab) -> None:
    if psutil.virtual_memory().available < 6e9:
        pytest.skip("needs 6 GB of free memory")
    shape = "shape { dim: 8 dim: 64 dim: 1024 dim: 1024 }"
    lab.write({"net.prototxt": f'layer {{ name: "large" type: "Input" top: "large" input_param {{ {shape} }} }}'})
    load = '%load_ext caffe_nb\nimport caffe\nnet = caffe.Net("net.prototxt", caffe.TEST)\n%caffe_inspect net'
    lab.open(lab.notebook([load]))
    lab.run(0)
    lab.panel.wait_for_graph()
    lab.panel.select("large")
    expect(lab.panel.tensor(":large").get_by_test_id("caffe-stat-mean")).to_have_text("0")
    expect(lab.panel.root).to_contain_text("8 \N{MULTIPLICATION SIGN} 64 ")
    lab.picture("bad-large")
    assert lab.faults == []


def test_of_a_layer_that_never_returns_the_panel_says_which_and_since_when_and_an_interrupt_ends_it(lab: Lab) -> None:
    stuck = material.with_loss("time.sleep(100000)").replace("import caffe\n", "import time\n\nimport caffe\n", 1)
    material.open_net(lab, material.FILES | {"distance.py": stuck})
    panel = lab.panel
    lab.start(material.RUN)
    expect(panel.find("caffe-long-layer")).to_contain_text("loss")
    seconds = re.compile(r"(\d+(?:\.\d+)?) s")

    def since() -> float:
        found = seconds.search(panel.find("caffe-long-layer").inner_text())
        return float(found[1]) if found else 0.0

    wait_for(lambda: since() > 3, "how long it has been running", page=lab.page)
    panel.select("conv1")
    expect(panel.find("caffe-details")).to_contain_text("layer 'loss' (Python)")
    expect(panel.find("caffe-details")).to_contain_text(re.compile("has been running forward for .* s"))
    lab.picture("bad-stuck")
    lab.interrupt()  # asks it to stop after this iteration
    expect(lab.cell(material.RUN)).to_contain_text("stopped by interrupt")
    lab.interrupt()  # at once
    lab.finish(material.RUN)
    expect(panel.find("caffe-long-layer")).to_have_count(0)
    expect(panel.find("caffe-running")).to_have_text("idle")
    lab.write(material.FILES)
    lab.start(material.RUN)
    panel.wait_for_progress()
    panel.wait_for_newer(":conv1")
    assert lab.faults == []


@pytest.mark.parametrize(
    ("version", "words"),
    [
        ("99.0.0", "update caffe-nb where JupyterLab runs and reload the page"),
        ("0.0.1", "update caffe-nb in the kernel's environment and restart the kernel"),
    ],
)
def test_of_two_versions_the_panel_says_which_to_update_and_works_on(lab: Lab, version: str, words: str) -> None:
    lab.write(material.FILES)
    load = f'import caffe_nb.inspector.messages as messages\nmessages.VERSION = "{version}"\n{material.CELLS[0]}'
    lab.open(lab.notebook([load, material.CELLS[1]]))
    lab.run(0)
    lab.run(1)
    lab.panel.wait_for_graph()
    expect(lab.panel.find("caffe-link-error")).to_contain_text(words)
    lab.picture(f"bad-version-{version}")
    lab.panel.find("caffe-link-error").get_by_role("button").click()
    expect(lab.panel.find("caffe-link-error")).to_have_count(0)
    assert lab.faults == []
