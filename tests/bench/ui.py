"""The panel in a real browser: a net of 2,000 layers from opening to the screen, and panning it; trainings it watches.

``python -m tests.bench.ui [--minutes N]`` prints tables. It needs a built extension, a Chromium and an idle machine.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Iterator

from tests.bench import growth, watching
from tests.bench.browser import machine, opened
from tests.ui.lab import Lab

LAYERS = 2000

CELL = """\
%load_ext caffe_nb
import caffe
net = caffe.Net({file!r}, caffe.TEST)
import caffe_nb.inspector
"""

READY = """() => {
    const graph = document.querySelector('[data-testid="caffe-graph"]');
    const ready = graph?.dataset.layout === 'ready';
    const seen = graph?.querySelector('[data-testid="caffe-graph-node"], [data-testid="caffe-graph-group"]');
    return ready && seen ? performance.now() : 0;
}"""

PAN = """async ([dx, dy, frames]) => {
    const pane = document.querySelector('.caffe-nb .react-flow__pane');
    const box = pane.getBoundingClientRect();
    const at = {x: box.x + 20, y: box.y + 60};
    const send = (type, x, y) => (type === 'mousedown' ? pane : window).dispatchEvent(new MouseEvent(type, {
        clientX: x, clientY: y, bubbles: true, cancelable: true, view: window, button: 0,
        buttons: type === 'mouseup' ? 0 : 1}));
    const frame = () => new Promise(resolve => requestAnimationFrame(resolve));
    send('mousedown', at.x, at.y);
    const times = [];
    let last = await frame();
    for (let i = 1; i <= frames; i++) {
        const way = i <= frames / 2 ? i : frames - i;
        send('mousemove', at.x + dx * way, at.y + dy * way);
        const now = await frame();
        times.push(now - last);
        last = now;
    }
    send('mouseup', at.x, at.y);
    return times;
}"""


def net_text(layers: int, *, blocks: bool) -> str:
    """Return the text of a net: a chain of blocks of eight layers with a branch each.

    Parameters
    ----------
    layers : int
        How many layers it has, about.
    blocks : bool
        Whether the names make groups of the blocks.
    """
    lines = [
        'name: "bench"',
        'layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 4 } } }',
    ]
    below = "data"
    for number in range(layers // 8):
        prefix = f"stage{number // 25}/block{number}/" if blocks else f"b{number}"
        lines += _block(prefix, below)
        below = f"{prefix}sum"
    return "\n".join(lines)


def _block(prefix: str, below: str) -> Iterator[str]:
    def layer(name: str, kind: str, bottoms: list[str], top: str, more: str = "") -> str:
        read = " ".join(f'bottom: "{bottom}"' for bottom in bottoms)
        return f'layer {{ name: "{prefix}{name}" type: "{kind}" {read} top: "{top}" {more} }}'

    inner = "inner_product_param { num_output: 4 }"
    yield layer("ip1", "InnerProduct", [below], f"{prefix}ip1", inner)
    yield layer("relu1", "ReLU", [f"{prefix}ip1"], f"{prefix}ip1")
    yield layer("ip2", "InnerProduct", [f"{prefix}ip1"], f"{prefix}ip2", inner)
    yield layer("scale2", "Scale", [f"{prefix}ip2"], f"{prefix}ip2")
    yield layer("side", "InnerProduct", [below], f"{prefix}side", inner)
    yield layer("side_relu", "ReLU", [f"{prefix}side"], f"{prefix}side")
    yield layer("sum", "Eltwise", [f"{prefix}ip2", f"{prefix}side"], f"{prefix}sum")
    yield layer("relu", "ReLU", [f"{prefix}sum"], f"{prefix}sum")


def main() -> None:
    """Print all of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=int, default=30, help="how long memory is measured")
    minutes = parser.parse_args().minutes
    print(f"{machine()}\n\n{'':58}{'measured':>26}{'goal':>14}")
    for blocks in (False, True):
        what = "names in blocks" if blocks else "plain names"
        with opened() as (lab, _):
            for row, value, goal in _measure(lab, blocks=blocks):
                print(f"{f'{LAYERS} layers, {what}: {row}':58}{value:>26}{goal:>14}", flush=True)
    watching.main([])
    growth.main(["--minutes", str(minutes)])


def _measure(lab: Lab, *, blocks: bool) -> Iterator[tuple[str, str, str]]:
    lab.write({"net.prototxt": net_text(LAYERS, blocks=blocks)})
    notebook = lab.notebook([CELL.format(file="net.prototxt")], f"blocks{blocks}.ipynb")
    lab.open(notebook)
    lab.run(0)
    lab.page.wait_for_timeout(3000)
    times = []
    for _ in range(5):
        times.append(_open(lab))
        lab.page.wait_for_timeout(1000)
    yield "open to screen, first time", f"{times[0]:.2f} s", "1.5 s"
    yield "open to screen, again", f"{statistics.median(times[1:]):.2f} s", "1.5 s"
    yield "pan at reading size", _pan(lab, 0, -20), "50 a second"
    lab.panel.root.get_by_role("button", name="Fit View").click()
    lab.page.wait_for_timeout(500)
    yield "pan all of it", _pan(lab, 1, -2), "50 a second"
    everything = lab.panel.root.get_by_role("button", name="Open all")
    if everything.count():
        began = time.perf_counter()
        everything.click()
        lab.page.wait_for_function(READY)
        lab.page.wait_for_selector('[data-testid="caffe-graph"][data-layout="ready"]')
        yield "open all groups", f"{time.perf_counter() - began:.2f} s", ""
        lab.panel.root.get_by_role("button", name="Fit View").click()
        yield "pan all of it, open", _pan(lab, 1, -2), "50 a second"
        lab.panel.find("caffe-graph-search").fill("relu")
        lab.page.keyboard.press("Enter")
        lab.page.wait_for_timeout(500)
        yield "pan at reading size, open", _pan(lab, 0, -20), "50 a second"


def _open(lab: Lab) -> float:
    """Close the panel where it is open, open it, and return the seconds until the graph is seen."""
    lab.page.evaluate(
        "() => [...window.jupyterapp.shell.widgets('main')].filter(w => w.hasClass('caffe-nb')).forEach(w => w.close())"
    )
    lab.page.wait_for_timeout(300)
    began = lab.page.evaluate(
        "() => { const t = performance.now(); void window.jupyterapp.commands.execute('caffe-nb:open'); return t; }"
    )
    ended = lab.page.wait_for_function(READY, polling="raf").json_value()
    return float(ended - began) / 1e3


def _pan(lab: Lab, dx: float, dy: float, frames: int = 120) -> str:
    """Drag the graph to and fro and return how many frames a second were shown, and how long the slowest took."""
    lab.page.evaluate(PAN, [dx, dy, 10])
    times = lab.page.evaluate(PAN, [dx, dy, frames])
    return f"{1e3 * len(times) / sum(times):.0f} a second, {max(times):.0f} ms"


if __name__ == "__main__":
    main()
