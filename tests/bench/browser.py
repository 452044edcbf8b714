"""A browser with JupyterLab for benchmarks, and a notebook in it whose last cell trains until it is told to stop."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from google.protobuf.message import Message
from playwright.sync_api import Browser, sync_playwright

from caffe_nb.proto.text import to_text
from tests.ui.lab import Lab, wait_for
from tests.ui.server import LabServer
from tools import find_browser

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking"]
AWAKE = [
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
]
SIZE = {"width": 1600, "height": 1000}

SOLVER = 'net: "net.prototxt" base_lr: 0.0001 lr_policy: "fixed" momentum: 0.9 max_iter: 100000000\n'
START = """\
%load_ext caffe_nb
import gc, json, os, sys, time
from pathlib import Path
import caffe
Path("pid").write_text(str(os.getpid()))
solver = caffe.get_solver("solver.prototxt")
solver.net.blobs["label"].data[...] = 1
solver.net.blobs["data"].data[...] = 0.5
%caffe_inspect solver
"""
RUN = """\
last = time.time()
with open("run.jsonl", "w") as file:
    while not Path("stop").exists():
        began = time.perf_counter()
        solver.step(STEPS)
        said = {"at": time.time(), "seconds": (time.perf_counter() - began) / STEPS}
        if time.time() - last >= 60:
            last = time.time()
            gc.collect()
            said |= {"objects": len(gc.get_objects()), "blocks": sys.getallocatedblocks(), "iteration": solver.iter}
        print(json.dumps(said), file=file, flush=True)
"""


@contextmanager
def opened() -> Iterator[tuple[Lab, Browser]]:
    """Start JupyterLab and a browser on a page of it."""
    path = _executable()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        home = Path(name)
        server = LabServer(home)
        try:
            server.wait()
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
                page = browser.new_context(viewport={"width": SIZE["width"], "height": SIZE["height"]}).new_page()
                yield Lab(server, page, workspace="bench", results=home), browser
                browser.close()
        finally:
            server.stop()


@contextmanager
def alone(home: Path) -> Iterator[str]:
    """Start a browser that nothing is attached to and give the address to connect to it over its DevTools protocol.

    What is attached to a page makes the page's own process keep more than it does for a person: the answers of the
    server, among other things. Where memory is measured, connect for the measurement only.
    """
    profile = home / "profile"
    size = f"--window-size={SIZE['width']},{SIZE['height']}"
    options = [*ARGUMENTS, *AWAKE, "--headless=new", "--remote-debugging-port=0", f"--user-data-dir={profile}", size]
    with subprocess.Popen([_executable(), *options], stderr=subprocess.DEVNULL) as process:
        try:
            told = profile / "DevToolsActivePort"
            wait_for(lambda: told.exists() and told.read_text(encoding="utf-8"), "the browser")
            yield f"http://127.0.0.1:{told.read_text(encoding='utf-8').splitlines()[0]}"
        finally:
            process.terminate()


def _executable() -> str:
    path = os.environ.get(find_browser.VARIABLE) or find_browser.find()
    if path is None:
        sys.exit(find_browser.advice())
    return str(path)


@contextmanager
def training(lab: Lab, net: Message, steps: int, processors: Collection[int] = ()) -> Iterator[None]:
    """Train a net with inputs ``data`` and ``label`` in a cell, with the panel open beside it.

    Parameters
    ----------
    lab : Lab
        The page.
    net : NetParameter
        What is trained.
    steps : int
        Iterations that are timed together.
    processors : collection of int, default ()
        Those that the kernel may use; as a rule all that this process may.
    """
    start_training(lab, net, steps, processors)
    try:
        yield
    finally:
        (lab.folder / "stop").touch()
        wait_for(lambda: not lab.busy(1), "the end of the training", page=lab.page)
        (lab.folder / "stop").unlink()


def start_training(lab: Lab, net: Message, steps: int, processors: Collection[int] = ()) -> None:
    """Do what `training` does, but leave the end of it to the caller: a file ``stop`` in the page's folder."""
    lab.write({"net.prototxt": to_text(net), "solver.prototxt": SOLVER})
    bound = f"import os\nos.sched_setaffinity(0, {sorted(processors)})\n" if processors else ""
    lab.open(lab.notebook([bound + START, RUN.replace("STEPS", str(steps))]))
    lab.run(0)
    lab.panel.wait_for_graph()
    lab.start(1)
    lab.panel.wait_for_progress()


def noted(lab: Lab) -> list[dict[str, Any]]:
    """Return what the cell that trains has noted so far: one for each few iterations."""
    lines = (lab.folder / "run.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines if line.endswith("}")]


def machine() -> str:
    """Return one line about the machine and how busy it is."""
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return f"{time.strftime('%Y-%m-%d')}, {platform.system()} {platform.machine()}, {processors} processors{load}"
