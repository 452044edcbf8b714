"""Real nets, small and slow ones, for the inspector to look into."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from caffe_nb.inspector.session import Session
from caffe_nb.net.net import Net
from caffe_nb.solvers import Solver
from caffe_nb.solvers.alive import on_new

LAYERS = '''
import time
import numpy as np
from caffe_nb.core.layer import Layer


class Half(Layer):
    """Halves its bottom; sleeps, or raises, as it is told."""

    pause = 0.0
    fault = ""

    def setup(self, bottom, top):
        self.blobs.add_blob(2)

    def reshape(self, bottom, top):
        top[0].reshape(*bottom[0].shape)

    def forward(self, bottom, top):
        if self.pause:
            time.sleep(self.pause)
        if self.fault:
            raise ValueError(self.fault)
        top[0].data[...] = bottom[0].data / 2

    def backward(self, top, propagate_down, bottom):
        if propagate_down[0]:
            bottom[0].diff[...] = top[0].diff / 2
'''

NET = """
name: "little"
layer { name: "data" type: "DummyData" top: "data" top: "label" dummy_data_param {
  shape { dim: 4 dim: 3 } shape { dim: 4 dim: 2 } data_filler { type: "gaussian" } data_filler { type: "gaussian" } } }
layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip" inner_product_param {
  num_output: 2 weight_filler { type: "xavier" } } }
layer { name: "relu" type: "ReLU" bottom: "ip" top: "ip" }
layer { name: "half" type: "Python" bottom: "ip" top: "half" python_param { module: "halves" layer: "Half" } }
layer { name: "loss" type: "EuclideanLoss" bottom: "half" bottom: "label" top: "loss" }
layer { name: "quiet" type: "Silence" bottom: "ip" }
"""


@pytest.fixture(autouse=True)
def _no_other_session() -> Iterator[None]:
    """Sessions that other tests have left open hear of no solver that is made here."""
    others = on_new.copy()
    on_new.clear()
    yield
    on_new[:] = others


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the Python layer's module lies."""
    (tmp_path / "halves.py").write_text(LAYERS, encoding="utf-8")
    return tmp_path


@pytest.fixture
def net(folder: Path) -> Net:
    """A trainable net with an in-place layer, a split and a Python layer."""
    return Net.from_text(NET, folder=folder)


@pytest.fixture
def solver(folder: Path) -> Solver:
    """A solver of the same net."""
    text = 'base_lr: 0.01 lr_policy: "fixed" max_iter: 100 net_param { ' + NET + " }"
    return Solver.from_text(text, folder=folder)


@pytest.fixture
def session() -> Iterator[Session]:
    """What serves one kernel."""
    served = Session()
    yield served
    served.close()


@pytest.fixture
def background() -> Iterator[Callable[[Callable[[], object]], threading.Thread]]:
    """Run something in another thread, which is waited for."""
    threads: list[threading.Thread] = []

    def start(target: Callable[[], object]) -> threading.Thread:
        thread = threading.Thread(target=target)
        threads.append(thread)
        thread.start()
        return thread

    yield start
    for thread in threads:
        thread.join(20)
        assert not thread.is_alive()
