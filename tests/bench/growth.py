"""What a long training with the panel open costs in memory, in the browser and in the kernel.

``python -m tests.bench.growth [--minutes N] [--net NAME]`` prints a row a minute. Each minute the layers are clicked
through and the tabs opened; then the browser's garbage is collected, and everything is measured with the same things on
the screen. Growth is from the 5th minute on: by then everything has been looked at once.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
from google.protobuf.message import Message
from playwright.sync_api import Browser, CDPSession, sync_playwright

from caffe_nb import zoo
from tests.bench.browser import alone, machine, noted, start_training
from tests.ui.lab import Lab
from tests.ui.server import LabServer

FROM = 5
"""The minute from which on growth counts."""
NAMES = ("heap MB", "browser MB", "kernel MB", "objects", "blocks")


def main(arguments: list[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=int, default=30)
    parser.add_argument("--net", default="lenet", choices=list(zoo.NETS))
    options = parser.parse_args(arguments)
    print(f"{machine()}; {options.net} trains, the panel is open.", flush=True)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name, alone(Path(name)) as address:
        server = LabServer(Path(name))
        try:
            server.wait()
            rows = _measure(server, address, zoo.NETS[options.net](), options.minutes)
        finally:
            server.stop()
    if len(rows) > FROM:
        print(
            f"{'growth':>8}"
            + "".join(f"{100 * (b / a - 1):>11.1f}%" for a, b in zip(rows[FROM], rows[-1], strict=True))
        )


def _measure(server: LabServer, address: str, net: Message, minutes: int) -> list[list[float]]:
    with _attached(server, address) as (lab, _):
        start_training(lab, net, 5)
    kernel = psutil.Process(int((lab.folder / "pid").read_text()))
    print(f"{'minute':>8}" + "".join(f"{name:>12}" for name in NAMES) + f"{'iteration':>12}")
    began, rows = time.monotonic(), []
    for minute in range(minutes + 1):
        time.sleep(max(0.0, began + 60 * minute - time.monotonic()))
        with _attached(server, address) as (lab, browser):
            _look_around(lab)
            session, whole = lab.page.context.new_cdp_session(lab.page), browser.new_browser_cdp_session()
            session.send("HeapProfiler.collectGarbage")
            heap, renderer = session.send("Runtime.getHeapUsage")["usedSize"] / 1e6, _renderer(whole)
            iteration = lab.panel.iteration()
        said = ([line for line in noted(lab) if "objects" in line] or [{}])[-1]
        memory = [heap, renderer.memory_info().rss / 1e6, kernel.memory_info().rss / 1e6]
        rows.append([*memory, said.get("objects", 0), said.get("blocks", 0)])
        numbers = "".join(f"{value:>12.1f}" for value in memory) + "".join(f"{value:>12}" for value in rows[-1][3:])
        print(f"{minute:>8}{numbers}{iteration:>12}", flush=True)
    (lab.folder / "stop").touch()
    return rows


@contextmanager
def _attached(server: LabServer, address: str) -> Iterator[tuple[Lab, Browser]]:
    """Attach to the browser's page for a while."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.connect_over_cdp(address)
        yield Lab(server, browser.contexts[0].pages[0], workspace="bench", results=server.root), browser


def _look_around(lab: Lab) -> None:
    """Click every layer and open every tab; end where it began."""
    lab.panel.tab("tensors")
    layers = lab.panel.layers()
    for name in [*layers, layers[2]]:
        lab.panel.select(name)
        lab.page.wait_for_timeout(500)
    for tab in ("gradients", "source", "training", "tensors"):
        lab.panel.tab(tab)
        lab.page.wait_for_timeout(1000)


def _renderer(browser: CDPSession) -> psutil.Process:
    """Return the process of the page: the renderer that has worked most."""
    processes = browser.send("SystemInfo.getProcessInfo")["processInfo"]
    return psutil.Process(
        max((each for each in processes if each["type"] == "renderer"), key=lambda each: each["cpuTime"])["id"]
    )


if __name__ == "__main__":
    main()
