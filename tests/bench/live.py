"""How long an edit takes to reach a net, and what a refresh and being watched cost."""

from __future__ import annotations

import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from caffe_nb import live, zoo
from caffe_nb.net import Net, stale
from caffe_nb.proto.text import to_text


def text_of(name: str) -> str:
    """Return the prototxt of a net of the zoo."""
    return to_text(zoo.NETS[name]())


LAYER = """
import numpy as np
import caffe

class Scaled(caffe.Layer):
    def reshape(self, bottom, top):
        top[0].reshape(*bottom[0].shape)

    def forward(self, bottom, top):
        top[0].data[...] = 1.0 * bottom[0].data

    def backward(self, top, propagate_down, bottom):
        bottom[0].diff[...] = top[0].diff
"""
PYTHON = """
layer { name: "scaled" type: "Python" bottom: "BOTTOM" top: "scaled" python_param { module: "bench_layer"
  layer: "Scaled" } }
"""


def main() -> None:
    """Print all of it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        net = _resnet(folder)
        edit_to_data(net, folder)
        refresh(net)
        watched(folder)


def _resnet(folder: Path) -> Net:
    (folder / "bench_layer.py").write_text(LAYER)
    text = text_of("resnet50") + PYTHON.replace("BOTTOM", _last_blob("resnet50"))
    net = Net.from_text(text, phase=1, folder=folder)
    net.blobs["data"].data[...] = np.random.default_rng(0).normal(size=net.blobs["data"].shape)
    net.forward()
    return net


def _last_blob(name: str) -> str:
    net = Net.from_text(text_of(name), phase=1)
    return next(node.bottom_labels[0] for node in reversed(net.nodes) if len(node.bottoms) == 2)


def edit_to_data(net: Net, folder: Path, times: int = 21) -> None:
    """From the save of the last layer's file to its new top's data, with autorun."""
    came = threading.Event()
    live.autorun(True)
    live.start_watching()
    listener: Callable[[live.Swap], object] = lambda swap: came.set() if "top 'scaled'" in swap.message else None  # noqa: E731
    live.on_swap.append(listener)
    time.sleep(0.5)
    own, taken = [], []
    for number in range(times):
        came.clear()
        began = time.perf_counter()
        (folder / "bench_layer.py").write_text(LAYER.replace("1.0 *", f"{number + 2}.0 +"))
        if not came.wait(20):
            raise RuntimeError("the edit did not arrive")
        taken.append(1e3 * (time.perf_counter() - began))
        began = time.perf_counter()
        net.forward(start="scaled")
        own.append(1e3 * (time.perf_counter() - began))
        time.sleep(0.05)
    live.on_swap.remove(listener)
    live.stop_watching()
    live.autorun(False)
    print(
        f"ResNet-50, last Python layer saved → its new top: median {statistics.median(taken):.1f} ms,"
        f" worst {max(taken):.1f} ms (the layer itself {statistics.median(own):.2f} ms; {times} saves)"
    )


def refresh(net: Net, times: int = 15) -> None:
    """A refresh after layer k changed, over the sum of the times of the layers that depend on it."""
    for share in (0.1, 0.5, 0.9, 1.0):
        index = min(int(share * len(net.nodes)), len(net.nodes) - 1)
        chosen = stale.plan(net.nodes, [index])
        sums, took = [], []
        for _ in range(times):
            spent = _layer_times(net)
            sums.append(sum(spent[i] for i in chosen))
            net.nodes[index].changed = True
            began = time.perf_counter()
            net.refresh()
            took.append(time.perf_counter() - began)
        print(
            f"refresh after layer {index} of {len(net.nodes)}: {1e3 * statistics.median(took):.2f} ms,"
            f" {statistics.median(took) / statistics.median(sums):.3f} times the {len(chosen)} layers' own"
        )


def _layer_times(net: Net) -> list[float]:
    """Return the seconds of each layer in a whole forward."""
    spent = [0.0] * len(net.nodes)
    began = [0.0]

    def before(_index: int) -> None:
        began[0] = time.perf_counter()

    def after(index: int) -> None:
        spent[index] = time.perf_counter() - began[0]

    net.before_forward(before)
    net.after_forward(after)
    net.forward_pass()
    net.hooks.before_forward.remove(before)
    net.hooks.after_forward.remove(after)
    return spent


def watched(folder: Path, times: int = 60) -> None:
    """Forward and backward of a net with a Python layer, watched over unwatched, in turns."""
    text = text_of("lenet") + PYTHON.replace("BOTTOM", _last_blob("lenet"))
    net = Net.from_text(text, folder=folder)
    net.forward_backward()
    spent: dict[bool, list[float]] = {True: [], False: []}
    for turn in range(8):
        on = bool(turn % 2)
        (live.start_watching if on else live.stop_watching)()
        time.sleep(0.1)
        for _ in range(times):
            began = time.perf_counter()
            net.forward_backward()
            spent[on].append(time.perf_counter() - began)
    live.stop_watching()
    ratio = statistics.median(spent[True]) / statistics.median(spent[False])
    print(
        f"LeNet and a Python layer, watched over unwatched: {ratio:.3f}"
        f" ({1e3 * statistics.median(spent[False]):.2f} ms unwatched)"
    )
