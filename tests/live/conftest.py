"""A net of an InnerProduct and the user's loss, and the files that the loss comes from."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from caffe_nb import live
from caffe_nb.live import Swap
from caffe_nb.net import Net

NET = """
layer { name: "data" type: "DummyData" top: "data" top: "label"
  dummy_data_param { shape { dim: 4 dim: 3 } shape { dim: 4 dim: 2 }
    data_filler { type: "constant" value: 1 } data_filler { type: "constant" value: 0.5 } } }
layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip"
  inner_product_param { num_output: 2 weight_filler { type: "constant" value: 0.25 } } }
layer { name: "loss" type: "Python" bottom: "ip" bottom: "label" top: "loss" loss_weight: 1
  python_param { module: "MODULE" layer: "LAYER" } }
"""

LOSS = '''"""A user's loss."""
import numpy as np
import caffe

SCALE = 1.0
SIZES = [3, 5]


def half(x):
    return SCALE * x / 2


class Base(caffe.Layer):
    def normalizer(self, blob):
        return blob.num


class Loss(Base):
    """The loss."""

    def setup(self, bottom, top):
        self.setups = getattr(self, "setups", 0) + 1
        self.calls = 0
        self.sizes = list(SIZES)
        self.weight = self.blobs.add_blob(2)
        self.weight.data[...] = 7

    def reshape(self, bottom, top):
        self.diff = np.zeros(bottom[0].data.shape)
        top[0].reshape(1)

    def forward(self, bottom, top):
        self.calls += 1
        self.diff[...] = bottom[0].data - bottom[1].data
        top[0].data[...] = half(np.sum(self.diff ** 2)) / self.normalizer(bottom[0])

    def backward(self, top, propagate_down, bottom):
        bottom[0].diff[...] = self.diff / bottom[0].num
'''


class Project:
    """A folder with a user's module and nets that run it."""

    def __init__(self, folder: Path, module: str, text: str = LOSS) -> None:
        self.folder = folder
        self.module = module
        self.path = folder / f"{module}.py"
        self.text = text
        folder.mkdir(exist_ok=True)
        self.path.write_text(text)

    def net(self, layer: str = "Loss", text: str = NET, **kwargs: object) -> Net:
        """A net with that layer class for its loss."""
        text = text.replace("MODULE", self.module).replace("LAYER", layer)
        return Net.from_text(text, folder=self.folder, **kwargs)  # type: ignore[arg-type]

    def edit(self, *replacements: tuple[str, str]) -> None:
        """Save the module with something replaced."""
        text = self.text
        for old, new in replacements:
            assert old in text, old
            text = text.replace(old, new)
        self.save(text)

    def save(self, text: str, path: Path | None = None) -> None:
        """Save a file the way that editors do: written beside and renamed."""
        path = path or self.path
        beside = path.with_name(path.name + ".tmp")
        beside.write_text(text)
        beside.replace(path)
        if path == self.path:
            self.text = text

    def take(self) -> list[Swap]:
        """Take up what was saved."""
        return live.reload()


def wait_for(condition: Callable[[], object], seconds: float = 20) -> None:
    """Wait until something holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.005)


def loss_of(net: Net) -> float:
    """The loss of a forward pass."""
    return float(net.forward()["loss"].item())


@pytest.fixture
def project(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Project]:
    """A project with a module name of the test's own."""
    name = f"live_{abs(hash(request.node.nodeid)) % 10**8}_layers"
    before = set(sys.modules)
    yield Project(tmp_path / "project", name)
    for key in set(sys.modules) - before:
        if str(getattr(sys.modules[key], "__file__", "")).startswith(str(tmp_path)):
            del sys.modules[key]


@pytest.fixture
def watching() -> Iterator[list[Swap]]:
    """The watcher runs; gives the list of swaps that it makes from now on."""
    seen: list[Swap] = []
    live.on_swap.append(seen.append)
    live.start_watching()
    yield seen
    live.stop_watching()
    live.on_swap.remove(seen.append)
