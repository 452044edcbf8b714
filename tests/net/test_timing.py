"""How long layers take: every layer has its figures, and training does not notice that somebody took them."""

import time

import numpy as np
import pytest

import caffe
from caffe_nb import rng
from caffe_nb.errors import NetError
from caffe_nb.net import Net
from caffe_nb.solvers import Solver

NET = """name: "timed"
layer { name: "x" type: "DummyData" top: "x" top: "t" dummy_data_param {
  shape { dim: 8 dim: 3 } shape { dim: 8 dim: 2 } data_filler { type: "gaussian" } data_filler { type: "constant" } } }
layer { name: "norm" type: "BatchNorm" bottom: "x" top: "n" }
layer { name: "ip" type: "InnerProduct" bottom: "n" top: "y"
  inner_product_param { num_output: 2 weight_filler { type: "xavier" } } }
layer { name: "drop" type: "Dropout" bottom: "y" top: "d" }
layer { name: "slow <b>" type: "Python" bottom: "d" top: "s" python_param { module: "__main__" layer: "Slow" } }
layer { name: "loss" type: "EuclideanLoss" bottom: "s" bottom: "t" top: "loss" }
"""


class Slow(caffe.Layer):
    """Takes 5 ms forward and 2 ms backward."""

    def reshape(self, bottom, top):
        top[0].reshape(*bottom[0].shape)

    def forward(self, bottom, top):
        time.sleep(0.005)
        top[0].data[...] = bottom[0].data

    def backward(self, top, propagate_down, bottom):
        time.sleep(0.002)
        bottom[0].diff[...] = top[0].diff


@pytest.fixture
def net(monkeypatch):
    monkeypatch.setattr("__main__.Slow", Slow, raising=False)
    return Net.from_text(NET)


def test_every_layer_has_its_seconds_in_every_iteration(net):
    times = net.time(3)
    slow = times.layers.index("slow <b>")
    assert times.types[slow] == "Slow"
    assert times.forward.shape == times.backward.shape == (3, len(net.nodes))
    assert times.forward[:, slow].min() >= 0.005
    assert times.backward[:, slow].min() >= 0.002
    assert (times.forward.sum(axis=1) <= times.forward_passes).all()
    assert (times.backward.sum(axis=1) <= times.backward_passes).all()
    assert not times.backward[:, times.layers.index("x")].any()


def test_backward_is_for_nets_in_training(net):
    assert not net.time(1, backward=False).backward_passes.any()
    test = Net.from_text(NET, phase=caffe.TEST)
    assert not test.time(1).backward_passes.any()
    assert test.time(1, backward=True).backward_passes.all()


def test_training_goes_on_as_if_nobody_had_taken_the_time(net):
    def train(between):
        rng.set_random_seed(7)
        solver = Solver.from_text('base_lr: 0.1 momentum: 0.9 lr_policy: "fixed" max_iter: 9', net=Net.from_text(NET))
        solver.step(2)
        between(solver.net)
        solver.step(2)
        return [blob.data.copy() for node in solver.net.nodes for blob in node.layer.blobs]

    for timed, plain in zip(train(lambda net: net.time(2)), train(lambda net: None), strict=True):
        np.testing.assert_array_equal(timed, plain)


def test_a_layer_that_raises_leaves_no_listener_and_the_parameters_as_they_were(net):
    before = [blob.data.copy() for node in net.nodes for blob in node.layer.blobs]
    net.layer_dict["slow <b>"].forward = None
    with pytest.raises(TypeError):
        net.time(2)
    assert not any(vars(net.hooks).values())
    for blob, values in zip((b for node in net.nodes for b in node.layer.blobs), before, strict=True):
        np.testing.assert_array_equal(blob.const_data, values)


@pytest.mark.parametrize("count", [0, -3])
def test_a_number_of_iterations_begins_at_1(net, count):
    with pytest.raises(NetError, match=f"cannot time {count} iterations"):
        net.time(count)


def test_it_prints_as_a_table_in_the_order_of_the_layers(net):
    times = net.time(2)
    text = repr(times)
    assert text.startswith("timed: forward ")
    assert max(map(len, text.splitlines())) <= 100
    places = [text.index(name) for name in ("norm", "ip", "drop", "slow <b>", "loss")]
    assert places == sorted(places)
    slow = next(line for line in text.splitlines() if line.startswith("slow"))
    assert slow.endswith("█" * 20)  # the slowest has the longest bar
    html = times._repr_html_()
    assert "slow &lt;b&gt;" in html
    assert "slow <b>" not in html


def test_a_large_net_prints_its_slowest_layers():
    layers = "".join(f'layer {{ name: "r{i}" type: "ReLU" bottom: "x" top: "y{i}" }}' for i in range(200))
    net = Net.from_text(f'layer {{ name: "x" type: "Input" top: "x" input_param {{ shape {{ dim: 2 }} }} }} {layers}')
    lines = repr(net.time(1)).splitlines()
    assert len(lines) < 70
    assert lines[-1].endswith("faster layers")
