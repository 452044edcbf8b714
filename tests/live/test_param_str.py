"""Another param_str for a live layer: taken up as an edit of setup is, or refused with everything as it was."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from caffe_nb import live
from caffe_nb.core.layer import Layer
from caffe_nb.errors import NetError
from caffe_nb.net import Net
from caffe_nb.solvers import Solver

NET = """
layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 4 dim: 3 } } }
layer { name: "t" type: "DummyData" top: "t" dummy_data_param { shape { dim: 4 dim: 3 } } }
layer { name: "mine" type: "Python" bottom: "x" top: "y"
  python_param { module: "param_str_layers" layer: "Times" param_str: "2" } }
layer { name: "loss" type: "EuclideanLoss" bottom: "y" bottom: "t" top: "loss" }
"""


class Times(Layer):
    """Times a number and a parameter."""

    def setup(self, bottom: Any, top: Any) -> None:
        self.number = float(self.param_str)
        self.blobs.add_blob(1)
        self.blobs[0].data[...] = 1

    def reshape(self, bottom: Any, top: Any) -> None:
        top[0].reshape(*bottom[0].shape)

    def forward(self, bottom: Any, top: Any) -> None:
        top[0].data[...] = bottom[0].data * self.number * self.blobs[0].data

    def backward(self, top: Any, propagate_down: Any, bottom: Any) -> None:
        self.blobs[0].diff[...] += (top[0].diff * bottom[0].data).sum() * self.number


@pytest.fixture
def net(monkeypatch: pytest.MonkeyPatch) -> Iterator[Net]:
    import sys
    import types

    module = types.ModuleType("param_str_layers")
    module.Times = Times  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "param_str_layers", module)
    net = Net.from_text(NET)
    net.blobs["x"].data[...] = 1
    return net


def test_setup_runs_again_and_parameters_keep_their_values(net: Net) -> None:
    net.params["mine"][0].data[...] = 5
    net.forward()
    said = live.set_param_str(net, "mine", "3")
    assert said == "mine: param_str changed; setup rerun; 1 blob kept"
    assert net.stale == ["mine", "loss"]
    net.refresh()
    assert (net.blobs["y"].const_data == 15).all()
    assert live.set_param_str(net, "mine", "3") == "mine: param_str is that already"


def test_what_raises_is_refused_and_everything_is_as_it_was(net: Net) -> None:
    net.params["mine"][0].data[...] = 5
    net.forward()
    layer = net.layers[2]
    attributes = dict(vars(layer))
    with pytest.raises(ValueError, match="could not convert") as raised:
        live.set_param_str(net, "mine", "a lot")
    assert "the old one stays: '2'" in raised.value.__notes__[-1]
    assert vars(layer) == attributes
    assert layer.param_str == "2"
    net.forward()
    assert (net.blobs["y"].const_data == 10).all()


def test_a_running_solver_takes_it_up_between_iterations(net: Net) -> None:
    solver = Solver.from_text("base_lr: 0 lr_policy: 'fixed' max_iter: 1000000", net=net)
    thread = threading.Thread(target=solver.step, args=(1000000,))
    thread.start()
    try:
        assert "param_str changed" in live.set_param_str(net, "mine", "7")
    finally:
        solver.stop()
        thread.join()
    solver.step(1)
    np.testing.assert_array_equal(net.blobs["y"].const_data, np.full((4, 3), 7, np.float32))


def test_only_python_layers_have_one(net: Net) -> None:
    with pytest.raises(NetError, match="no Python layer"):
        live.set_param_str(net, "loss", "1")
    with pytest.raises(NetError, match="no layer 'nothing'"):
        live.set_param_str(net, "nothing", "1")
