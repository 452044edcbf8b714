"""What the loop over layers costs: a chain of Python layers in a net, beside a bare loop over the same methods."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

import caffe_nb
from caffe_nb.net import Net

CHAIN = 200
NUMBERS = 10


class Add(caffe_nb.Layer):
    """A layer that does next to nothing."""

    def reshape(self, bottom: Any, top: Any) -> None:
        """Shape the top."""
        top[0].reshape(*bottom[0].shape)

    def forward(self, bottom: Any, top: Any) -> None:
        """Write the top."""
        top[0].data[...] = 2 * bottom[0].data

    def backward(self, top: Any, propagate_down: Any, bottom: Any) -> None:
        """Write the bottom's diff."""
        bottom[0].diff[...] = 2 * top[0].diff


class Bare:
    """What the layer's methods see of a blob, as plain attributes."""

    def __init__(self) -> None:
        self.data = np.zeros(NUMBERS, np.float32)
        self.diff = np.zeros(NUMBERS, np.float32)
        self.shape = self.data.shape

    def reshape(self, *_shape: int) -> None:
        """Stay as it is."""


def main(rounds: int = 500) -> None:
    """Print the least of both, run in turn: what else the machine does only adds to it."""
    module = ModuleType("bench_dispatch")
    module.Add = Add  # type: ignore[attr-defined]
    sys.modules[module.__name__] = module
    net = Net.from_text(_text())
    blobs = [Bare() for _ in range(CHAIN + 1)]
    calls = [(Add(), [blobs[i]], [blobs[i + 1]]) for i in range(CHAIN)]

    def bare_forward() -> None:
        for layer, bottom, top in calls:
            layer.reshape(bottom, top)
            layer.forward(bottom, top)

    def bare_backward() -> None:
        for layer, bottom, top in reversed(calls):
            layer.backward(top, [True], bottom)

    for name, ours, bare in (
        ("forward", net.forward_pass, bare_forward),
        ("backward", net.backward_pass, bare_backward),
    ):
        spent: dict[Callable[[], object], list[float]] = {ours: [], bare: []}
        for _ in range(rounds):
            for run in (ours, bare):
                began = time.perf_counter()
                run()
                spent[run].append((time.perf_counter() - began) / CHAIN * 1e6)
        took, least = (min(spent[run]) for run in (ours, bare))
        print(
            f"{name} of {CHAIN} Python layers on {NUMBERS} numbers: {took:.2f} µs a layer,"
            f" a bare loop {least:.2f}, ratio {took / least:.2f}"
        )


def _text() -> str:
    lines = [
        "force_backward: true",
        f'layer {{ name: "data" type: "Input" top: "b0" input_param {{ shape {{ dim: {NUMBERS} }} }} }}',
    ]
    lines += [
        f'layer {{ name: "l{i}" type: "Python" bottom: "b{i}" top: "b{i + 1}"'
        f' python_param {{ module: "bench_dispatch" layer: "Add" }} }}'
        for i in range(CHAIN)
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
