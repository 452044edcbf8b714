"""What a long training with the panel open costs in memory, in the browser and in the kernel.

``python -m tests.bench.growth [--minutes N] [--net NAME]`` prints a row a minute. Each minute the layers are clicked
through and the tabs opened; then the browser's garbage is collected, and everything is measured with the same things on
the screen. Growth is from the 5th minute on: by then everything has been looked at once.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psutil
import websocket
from google.protobuf.message import Message
from playwright.sync_api import sync_playwright

from caffe_nb import zoo
from tests.bench.browser import alone, machine, noted, start_training
from tests.ui.lab import Lab
from tests.ui.server import LabServer

FROM = 5
"""The minute from which on growth counts."""
LOOK_AROUND = """(async () => {
    const find = id => [...document.querySelectorAll(`.caffe-nb [data-testid="${id}"]`)];
    const rest = milliseconds => new Promise(resolve => setTimeout(resolve, milliseconds));
    find('caffe-tab-tensors')[0].click();
    const layers = find('caffe-graph-node');
    for (const layer of [...layers, layers[2]]) {
        layer.click();
        await rest(500);
        if (layer.dataset.selected !== 'true') throw Error(`${layer.dataset.layer} is not selected`);
    }
    for (const tab of ['gradients', 'source', 'training', 'tensors']) {
        find(`caffe-tab-${tab}`)[0].click();
        await rest(1000);
    }
    return Number(find('caffe-iteration')[0].innerText);
})()"""
"""Clicks every layer and opens every tab, ends where it began, and says the iteration that is shown."""
Command = Callable[..., dict[str, Any]]
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
    with sync_playwright() as playwright:
        browser = playwright.chromium.connect_over_cdp(address)
        lab = Lab(server, browser.contexts[0].pages[0], workspace="bench", results=server.root)
        start_training(lab, net, 5)
    kernel = psutil.Process(int((lab.folder / "pid").read_text()))
    print(f"{'minute':>8}" + "".join(f"{name:>12}" for name in NAMES) + f"{'iteration':>12}")
    began, rows = time.monotonic(), []
    for minute in range(minutes + 1):
        time.sleep(max(0.0, began + 60 * minute - time.monotonic()))
        with _attached(f"{address}/json/list") as page, _attached(f"{address}/json/version") as whole:
            iteration = page("Runtime.evaluate", expression=LOOK_AROUND, awaitPromise=True, returnByValue=True)
            page("HeapProfiler.collectGarbage")
            heap, renderer = page("Runtime.getHeapUsage")["usedSize"] / 1e6, _renderer(whole)
        said = ([line for line in noted(lab) if "objects" in line] or [{}])[-1]
        memory = [heap, renderer.memory_info().rss / 1e6, kernel.memory_info().rss / 1e6]
        rows.append([*memory, said.get("objects", 0), said.get("blocks", 0)])
        numbers = "".join(f"{value:>12.1f}" for value in memory) + "".join(f"{value:>12}" for value in rows[-1][3:])
        print(f"{minute:>8}{numbers}{iteration['result']['value']:>12}", flush=True)
    (lab.folder / "stop").touch()
    return rows


@contextmanager
def _attached(address: str) -> Iterator[Command]:
    """Attach to the first target that is listed under an address, and give what sends a command to it.

    Not with Playwright: it leaves a world of its own in the page each time, of almost a megabyte.
    """
    with urllib.request.urlopen(address) as answer:
        said = json.load(answer)
    target = next(each for each in said if each["type"] == "page") if isinstance(said, list) else said
    with closing(websocket.create_connection(target["webSocketDebuggerUrl"], suppress_origin=True)) as connection:

        def command(method: str, **params: Any) -> dict[str, Any]:
            connection.send(json.dumps({"id": 1, "method": method, "params": params}))
            while (message := json.loads(connection.recv())).get("id") != 1:
                pass
            if "error" in message or "exceptionDetails" in message["result"]:
                raise RuntimeError(f"{method}: {message}")
            return dict(message["result"])

        yield command


def _renderer(browser: Command) -> psutil.Process:
    """Return the process of the page: the renderer that has worked most."""
    processes = browser("SystemInfo.getProcessInfo")["processInfo"]
    return psutil.Process(
        max((each for each in processes if each["type"] == "renderer"), key=lambda each: each["cpuTime"])["id"]
    )


if __name__ == "__main__":
    main()
