"""What the panel costs a training that it watches, and how fast it answers meanwhile.

``python -m tests.bench.watching [NET ...]``. For each net of the zoo: the time from a click on a layer to its tensors,
the training with the panel open and four tensors on the screen against the same training with the panel closed (phases
of both in turn, in one kernel), and the largest view that was sent. The kernel has the first half of the processors to
itself, where the system lets one say so: what the panel costs the training is measured, not what a browser that draws
without a graphics card takes away from it.
"""

from __future__ import annotations

import argparse
import os
import statistics
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise

from playwright.sync_api import WebSocket, expect

from caffe_nb import zoo
from tests.bench.browser import machine, noted, opened, training
from tests.ui.lab import Lab

CLICKS = 40
PHASES = 30
SECONDS = 3.0
"""Of many short phases in turn, for the same training takes 10 % more or less from one minute to the next."""
SETTLING = 1.0
"""Seconds after a change that count for neither side."""
WATCHED = "pool1"
"""A layer with one bottom and one top, data and diff of each: four tensors."""

SHOWN = """name => { window.measured = new Promise(resolve => window.addEventListener('click', event => {
    const look = () => {
        const details = document.querySelector('[data-testid="caffe-details"]');
        const parts = [...details.querySelectorAll('[data-testid="caffe-tensor"]')];
        const all = details.dataset.layer === name && parts.length > 0 && parts.every(part => part.dataset.version);
        if (all) resolve(performance.now() - event.timeStamp);
        else requestAnimationFrame(look);
    };
    look();
}, { capture: true, once: true })); }"""
CLOSE = "() => [...window.jupyterapp.shell.widgets('main')].filter(w => w.hasClass('caffe-nb')).forEach(w => w.close())"


def main(arguments: list[str] | None = None) -> None:
    """Print all of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("nets", nargs="*", metavar="NET", help=f"lenet and caffenet, or some of {', '.join(zoo.NETS)}")
    nets = parser.parse_args(arguments).nets or ["lenet", "caffenet"]
    if unknown := set(nets) - set(zoo.NETS):
        parser.error(f"there is no {', '.join(sorted(unknown))}; there are {', '.join(zoo.NETS)}")
    for net in nets:
        for label, value, goal in rows(net):
            print(f"{f'{net}: {label}':58}{value:>26}{goal:>14}", flush=True)


def rows(net: str) -> Iterator[tuple[str, str, str]]:
    """Yield what was measured of a net, as label, value and goal."""
    with _kernels_own() as processors, opened() as (lab, _):
        views = Views(lab)
        with training(lab, zoo.NETS[net](), 5 if net == "lenet" else 1, processors):
            clicks = [1e3 * seconds for seconds in _clicks(lab)]
            yield "click to tensors, median of 40", f"{statistics.median(clicks):.0f} ms", "150 ms"
            yield "click to tensors, longest of 40", f"{max(clicks):.0f} ms", ""
            without, ratios, noise = _cost(lab)
            yield "an iteration without the panel", f"{1e3 * without:.1f} ms", ""
            yield f"with four tensors, median of {len(ratios)} ratios", f"{statistics.median(ratios):.3f}", "1.030"
            yield "half of the ratios", _middle(ratios), ""
            yield "the same without the panel: noise", _middle(noise), ""
            yield "largest view", f"{views.largest / 1024:.0f} KB of {views.count}", "256 KB"
            yield machine(), "", ""


@contextmanager
def _kernels_own() -> Iterator[list[int]]:
    """Leave half of the processors to the kernel: those that are given, or none where that cannot be said."""
    if not hasattr(os, "sched_setaffinity"):
        yield []
        return
    every = sorted(os.sched_getaffinity(0))
    half = len(every) // 2
    os.sched_setaffinity(0, every[half:])
    try:
        yield every[:half]
    finally:
        os.sched_setaffinity(0, every)


class Views:
    """The views that come over the page's web sockets."""

    def __init__(self, lab: Lab) -> None:
        self.count = self.largest = 0
        lab.page.on("websocket", self._opened)

    def _opened(self, socket: WebSocket) -> None:
        socket.on("framereceived", self._received)

    def _received(self, frame: str | bytes) -> None:
        if isinstance(frame, str) or len(frame) < 8:
            return
        (count,) = struct.unpack_from("<Q", frame)  # v1.kernel.websocket.jupyter.org: offsets, then the parts
        if count > 64 or len(frame) < 8 * (1 + count):
            return
        offsets = struct.unpack_from(f"<{count}Q", frame, 8)
        buffers = [end - start for start, end in pairwise(offsets[5:])]
        if buffers:
            self.count += 1
            self.largest = max(self.largest, *buffers)


def _clicks(lab: Lab) -> Iterator[float]:
    layers = [name for name in lab.panel.layers() if name not in ("data", "label")]
    for number in range(CLICKS):
        name = layers[number % len(layers)]
        lab.page.evaluate(SHOWN, name)
        lab.panel.layer(name).click()
        yield float(lab.page.evaluate("() => window.measured")) / 1e3
        lab.page.wait_for_timeout(150)


def _middle(ratios: list[float]) -> str:
    low, _, high = statistics.quantiles(ratios)
    return f"{low:.3f} to {high:.3f}"


def _cost(lab: Lab) -> tuple[float, list[float], list[float]]:
    """Return the seconds of an iteration without the panel, and the ratio of each phase to the two around it.

    The ratios are those of phases with the panel to the ones without it, then of the latter among themselves.
    """
    lab.panel.select(WATCHED)
    phases = []
    for number in range(2 * PHASES + 1):
        watched = number % 2 == 1
        if watched:
            lab.command("caffe-nb:open")
            lab.panel.wait_for_graph()
            expect(lab.panel.find("caffe-tensor")).to_have_count(4)
            expect(lab.panel.find("caffe-stat-mean")).to_have_count(4)
        else:
            lab.page.evaluate(CLOSE)
        lab.page.wait_for_timeout(1000 * SETTLING)
        began = time.time()
        lab.page.wait_for_timeout(1000 * SECONDS)
        phases.append((began, time.time()))
    lab.command("caffe-nb:open")
    lines = noted(lab)
    means = [
        statistics.mean(line["seconds"] for line in lines if began + line["seconds"] < line["at"] < ended)
        for began, ended in phases
    ]
    off = means[::2]
    ratios = [on / ((before + after) / 2) for on, (before, after) in zip(means[1::2], pairwise(off), strict=True)]
    noise = [middle / ((before + after) / 2) for before, middle, after in zip(off, off[1:], off[2:], strict=False)]
    return statistics.mean(off), ratios, noise


if __name__ == "__main__":
    main()
