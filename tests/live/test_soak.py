"""A solver trains while edits arrive by the hundred: nothing dies, nothing is lost."""

from __future__ import annotations

import random
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from caffe_nb import live
from caffe_nb.live import Swap
from caffe_nb.solvers import Solver
from tests.live.conftest import wait_for

LAYERS = '''"""Layers that are being edited."""
import numpy as np
import caffe
import M_helper

SLOPE = 0.1


class Act(caffe.Layer):
    """An activation."""

    def setup(self, bottom, top):
        self.calls = 0
        self.blobs.add_blob(1)
        self.blobs[0].data[...] = 1

    def reshape(self, bottom, top):
        top[0].reshape(*bottom[0].shape)

    def forward(self, bottom, top):
        self.calls += 1
        self.keep = bottom[0].data > 0
        top[0].data[...] = np.where(self.keep, bottom[0].data, SLOPE * bottom[0].data) * self.blobs[0].data

    def backward(self, top, propagate_down, bottom):
        through = np.where(self.keep, 1, SLOPE)
        self.blobs[0].diff[...] += (top[0].diff * through * bottom[0].data).sum()
        bottom[0].diff[...] = top[0].diff * through * self.blobs[0].data


class Loss(caffe.Layer):
    def reshape(self, bottom, top):
        top[0].reshape(1)

    def forward(self, bottom, top):
        self.diff = bottom[0].data - bottom[1].data
        top[0].data[...] = M_helper.half(np.sum(self.diff ** 2)) / bottom[0].num

    def backward(self, top, propagate_down, bottom):
        bottom[0].diff[...] = self.diff / bottom[0].num
'''
HELPER = "def half(x):\n    return x / 2\n"
NET = """
layer { name: "d" type: "DummyData" top: "data" top: "label" dummy_data_param {
  shape { dim: 8 dim: 6 } shape { dim: 8 dim: 3 } data_filler { type: "gaussian" } data_filler { type: "uniform" } } }
layer { name: "ip1" type: "InnerProduct" bottom: "data" top: "x" inner_product_param { num_output: 7
  weight_filler { type: "xavier" } } }
layer { name: "act" type: "Python" bottom: "x" top: "y" python_param { module: "MODULE" layer: "Act" } }
layer { name: "ip2" type: "InnerProduct" bottom: "y" top: "z" inner_product_param { num_output: 3
  weight_filler { type: "xavier" } } }
layer { name: "loss" type: "Python" bottom: "z" bottom: "label" top: "loss" loss_weight: 1
  python_param { module: "MODULE" layer: "Loss" } }
"""
SOLVER = 'base_lr: 0.001 lr_policy: "fixed" momentum: 0.9 random_seed: 7 display: 0'
MEANINGLESS = [
    ("SLOPE = 0.1", "SLOPE = 0.1  # comment NUMBER"),
    ("class Act", "# NUMBER\n\n\nclass Act"),
    ("An activation.", "An activation, the NUMBERth."),
    ("return x / 2", "return (x\n            / 2)  # NUMBER"),
]
GOOD = [
    ("SLOPE = 0.1", "SLOPE = 0.1NUMBER"),
    ("self.keep = bottom[0].data > 0", "self.keep = bottom[0].data >= NUMBER * 1e-9"),
    ("self.calls = 0", "self.calls = NUMBER"),
    ("return x / 2", "return (x + NUMBER * 0) / 2"),
    ("through = np.where(self.keep, 1, SLOPE)", "through = np.where(self.keep, 1.0, SLOPE) + NUMBER * 0"),
    ("top[0].reshape(1)", "top[0].reshape(1, 1) if NUMBER % 2 else top[0].reshape(1)"),
]
BAD = [
    ("SLOPE = 0.1", "SLOPE = ("),
    ("SLOPE = 0.1", "SLOPE = NUMBER / 0"),
    ("import caffe", "import caffe, nowhere_NUMBER"),
    ("class Act", "class Akt"),
    ("self.calls = 0", "self.calls = missing_NUMBER"),
    ("top[0].reshape(1)", "top[0].reshape(-NUMBER - 1)"),
    ("return x / 2", "return x /"),
    ("def half", "def third"),
]
RAISING = ("self.calls += 1", "self.calls += 1; raise ValueError('edit NUMBER')")
Edit = tuple[tuple[str, str], float | None]
"""What is replaced by what, and the pause after it; none to wait until it was taken up."""


class Soak:
    """A project that is trained in a thread while it is edited."""

    def __init__(self, folder: Path, module: str) -> None:
        self.paths = {"main": folder / f"{module}.py", "helper": folder / f"{module}_helper.py"}
        self.texts = {"main": LAYERS.replace("M_helper", f"{module}_helper"), "helper": HELPER}
        for name, text in self.texts.items():
            self.paths[name].write_text(text)
        self.solver = Solver.from_text(f"{SOLVER} net_param {{ {NET.replace('MODULE', module)} }}", folder=folder)
        self.losses: list[float] = []
        self.solver.hooks.after_iteration.append(lambda solver: self.losses.append(solver.loss))
        self.raised: list[BaseException] = []
        self.stops = 0

    def save(self, change: tuple[str, str], number: int) -> None:
        """Save the text of the beginning with one change."""
        old, new = change
        name = "main" if old in self.texts["main"] else "helper"
        beside = self.paths[name].with_suffix(".tmp")
        beside.write_text(self.texts[name].replace(old, new.replace("NUMBER", str(number))))
        beside.replace(self.paths[name])

    def mend(self) -> None:
        """Save everything as it was."""
        for name, text in self.texts.items():
            self.paths[name].write_text(text)

    def train(self, edits: Iterable[Edit]) -> None:
        """Train in a thread while edits are saved."""
        over = threading.Event()

        def body() -> None:
            try:
                while not over.is_set():
                    try:
                        self.solver.step(20)
                    except (ValueError, AttributeError):  # what the new code raises: it waits for the mend
                        self.stops += 1
                        time.sleep(0.002)
            except BaseException as error:
                self.raised.append(error)

        thread = threading.Thread(target=body)
        thread.start()
        try:
            for number, (change, pause) in enumerate(edits):
                before, stops = len(live.swaps()), self.stops
                self.save(change, number)
                time.sleep(pause or 0)
                end = time.monotonic() + 3
                while pause is None and time.monotonic() < end and thread.is_alive():
                    time.sleep(0.01)
                    if len(live.swaps()) > before and (change != RAISING or self.stops > stops):
                        break
        finally:
            over.set()
            thread.join(30)


@pytest.fixture
def soak(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Soak]:
    yield Soak(tmp_path, f"s{abs(hash(request.node.nodeid)) % 10**9}")
    for key in [k for k in sys.modules if str(getattr(sys.modules[k], "__file__", "")).startswith(str(tmp_path))]:
        del sys.modules[key]


def edits(kinds: list[list[tuple[str, str]]], seed: int, count: int, each: int = 20) -> Iterator[Edit]:
    """Give edits at random, most of them overwritten at once; one of `each` is waited for, of every kind in turn."""
    chosen = random.Random(seed)
    for number in range(count):
        waits = number % each == each - 1
        kind = kinds[number // each % len(kinds)] if waits else chosen.choice(kinds)
        yield chosen.choice(kind), None if waits else chosen.choice([0, 0, 0.002, 0.01, 0.03])


@pytest.mark.filterwarnings("ignore:overflow encountered")
def test_good_bad_and_meaningless_edits(soak: Soak, watching: list[Swap]) -> None:
    layer: Any = soak.solver.net.layers[2]
    cls, memory = type(layer), soak.solver.net.params["ip1"][0].memory
    soak.train(edits([[*GOOD, *MEANINGLESS], BAD, [RAISING]], 1, 160))
    assert soak.raised == []
    assert soak.solver.iter == len(soak.losses) > 100
    assert soak.stops > 0
    assert np.isfinite(soak.losses).all()
    good = [swap for swap in watching if swap.ok and "changed" in swap.message]
    assert len(good) >= 3
    assert any(not swap.ok for swap in watching)
    soak.mend()
    live.reload()
    wait_for(lambda: live.reload() == [])
    assert soak.solver.net.layers[2] is layer
    assert type(layer) is cls
    assert soak.solver.net.params["ip1"][0].memory is memory
    assert live.versions(cls)[-1].text == soak.texts["main"]
    soak.solver.step(50)
    assert np.mean(soak.losses[-50:]) < np.mean(soak.losses[:20])


def test_with_meaningless_edits_the_losses_are_those_of_an_undisturbed_run(
    soak: Soak, watching: list[Swap], tmp_path: Path
) -> None:
    soak.train(edits([MEANINGLESS], 2, 150, 151))
    assert soak.raised == []
    assert watching == []
    count = soak.solver.iter
    live.stop_watching()
    (tmp_path / "other").mkdir()
    undisturbed = Soak(tmp_path / "other", f"{soak.paths['main'].stem}_undisturbed")
    undisturbed.solver.step(count)
    assert undisturbed.losses == soak.losses
    live.start_watching()
