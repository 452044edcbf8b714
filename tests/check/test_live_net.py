"""check_node and check_net: layers of a live net, on its own values, without a trace."""

from __future__ import annotations

import copy
import sys
import threading
import time
import types

import numpy as np
import pytest

from caffe_nb import check
from caffe_nb.check import check_net, check_node
from caffe_nb.errors import NetError
from caffe_nb.net.net import Net
from tests.check import layers as user

TEXT = """
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 3 dim: 1 dim: 6 dim: 6 } } }
layer { name: "target" type: "Input" top: "target" input_param { shape { dim: 3 dim: 4 } } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
  convolution_param { num_output: 2 kernel_size: 3 weight_filler { type: "xavier" } } }
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
layer { name: "pool" type: "Pooling" bottom: "conv" top: "pool" pooling_param { kernel_size: 2 stride: 2 } }
layer { name: "drop" type: "Dropout" bottom: "pool" top: "pool" }
layer { name: "ip" type: "InnerProduct" bottom: "pool" top: "ip"
  param { lr_mult: 1 } param { lr_mult: 0 } inner_product_param { num_output: 4 weight_filler { type: "xavier" } } }
layer { name: "mine" type: "Python" bottom: "ip" top: "mine" python_param { module: "live_layers" layer: "Middle" } }
layer { name: "loss" type: "Python" bottom: "mine" bottom: "target" top: "loss" loss_weight: 1
  python_param { module: "live_layers" layer: "EuclideanLoss" } }
layer { name: "dist" type: "EuclideanLoss" bottom: "mine" bottom: "target" top: "dist" loss_weight: 0.5 }
"""


@pytest.fixture
def module(monkeypatch):
    made = types.ModuleType("live_layers")
    made.Middle, made.EuclideanLoss = user.Square, user.EuclideanLoss
    monkeypatch.setitem(sys.modules, "live_layers", made)
    return made


def build():
    net = Net.from_text(TEXT)
    random = np.random.default_rng(0)
    net.blobs["data"].data = random.standard_normal((3, 1, 6, 6))
    net.blobs["target"].data = random.standard_normal((3, 4))
    net.forward()
    net.backward()
    return net


def photograph(net):
    """Return all that a check must leave alone: bytes, shapes, versions, identity, attributes."""
    blobs = [*net.blobs.values(), *(blob for layer in net.layers for blob in layer.blobs)]
    values = [
        (id(blob), blob.shape, blob.version, blob.diff_version, blob.const_data.tobytes(), blob.const_diff.tobytes())
        for blob in blobs
    ]
    attributes = []
    for layer in net.layers:
        if layer.type == "Python":
            mine = {name: value for name, value in vars(layer).items() if name not in {"blobs", "layer_param"}}
            attributes.append({name: (id(value), repr(value)) for name, value in mine.items()})
    return values, attributes, repr(np.random.get_state()), net.running, net.awaiting_backward, net.revision


def test_every_layer_with_a_gradient_is_checked_and_is_right(module):
    reports = check_net(build())
    assert list(reports) == ["conv", "relu", "pool", "drop", "ip", "mine", "loss", "dist"]
    for name, report in reports.items():
        assert report.ok, f"{name}\n{report}"
        assert any(not row.skipped for row in report.rows), name
    assert "layer 'ip' (InnerProduct), line 9 of" in reports["ip"].title


def test_what_the_net_needs_no_gradient_for_is_skipped(module):
    net = build()
    assert check_node(net, "conv").rows[0].skipped == "the net needs no gradient here"
    assert [row.skipped for row in check_node(net, "ip").rows] == ["", "", "lr_mult is 0"]
    assert check_node(net, "loss").rows[1].skipped
    assert check_node(net, "loss", propagate_down=[True, True]).rows[1].checked == 12


def test_rows_carry_the_blobs_names(module):
    assert check_node(build(), "loss", propagate_down=[True, True]).rows[1].name == "target"


def test_a_wrong_layer_of_the_net_fails(module):
    module.Middle = user.WrongFactor
    reports = check_net(build())
    assert [name for name, report in reports.items() if not report.ok] == ["mine"]


@pytest.mark.parametrize("middle", [user.Square, user.Dropout, user.Stateful, user.SlightlyWrong])
def test_the_net_is_untouched_bit_by_bit(module, middle):
    module.Middle = middle
    net = build()
    before = photograph(net)
    check_net(net)
    assert photograph(net) == before


def test_training_goes_on_as_if_no_check_had_been(module):
    module.Middle = user.Dropout
    losses = []
    for checked in (False, True):
        np.random.seed(1)
        net = build_seeded()
        if checked:
            check_net(net)
        losses.append([float(net.forward()["loss"].ravel()[0]) for _ in range(3)])
    assert losses[0] == losses[1]


def build_seeded():
    from caffe_nb import rng

    rng.set_random_seed(7)
    return build()


@pytest.mark.parametrize("kind", [KeyboardInterrupt, RuntimeError])
def test_an_exception_restores_everything_and_arrives_as_itself(module, kind):
    module.Middle = type("Middle", (user.Interrupted,), {"kind": kind})
    net = build()
    net.layers[[node.name for node in net.nodes].index("mine")].runs = 7
    before = photograph(net)
    with pytest.raises(kind, match="stop"):
        check_node(net, "mine")
    assert photograph(net) == before
    assert net.lock.acquire(blocking=False)
    net.lock.release()


def test_attributes_that_hold_blobs_or_their_views_follow_the_copy(module):
    class Holder(user.Linear):
        def setup(self, bottom, top):
            super().setup(bottom, top)
            self.weight, self.bias = self.blobs
            self.weight.data[...] = np.arange(self.weight.count).reshape(self.weight.shape) / 10
            self.weights = self.blobs[0].data
            self.activation = self.activate

        def activate(self, x):
            return x @ self.weights.T + self.bias.data

        def forward(self, bottom, top):
            top[0].data[...] = self.activation(bottom[0].data)

    module.Middle = Holder
    text = TEXT.replace("input_param { shape { dim: 3 dim: 4 } }", "input_param { shape { dim: 3 dim: 3 } }")
    net = Net.from_text(text)
    net.blobs["data"].data = np.random.default_rng(0).standard_normal((3, 1, 6, 6))
    net.forward()
    report = check_node(net, "mine")
    assert report.ok, str(report)
    assert [row.checked for row in report.rows] == [12, 12, 3]


def test_what_cannot_be_copied_is_shared_and_said(module):
    module.Middle = user.Stateful
    report = check_node(build(), "mine")
    assert report.ok, str(report)
    assert "attribute 'lock' cannot be copied" in str(report)


def test_an_in_place_layer_is_checked_in_place(module):
    class Doubler(user.Layer):
        def forward(self, bottom, top):
            bottom[0].data[...] *= 2

        def backward(self, top, propagate_down, bottom):
            bottom[0].diff[...] *= 2

    module.Middle = Doubler
    text = TEXT.replace('bottom: "ip" top: "mine"', 'bottom: "ip" top: "ip"').replace('"mine" bottom', '"ip" bottom')
    net = Net.from_text(text)
    net.blobs["data"].data = np.random.default_rng(0).standard_normal((3, 1, 6, 6))
    net.forward()
    assert check_node(net, "mine").ok
    Doubler.backward = lambda self, top, propagate_down, bottom: None
    assert not check_node(net, "mine").ok


def test_a_top_that_nothing_brings_a_gradient_to_does_not_count(module):
    class WithMeasure(user.Square):
        def reshape(self, bottom, top):
            super().reshape(bottom, top)
            top[1].reshape()

        def forward(self, bottom, top):
            super().forward(bottom, top)
            top[1].data[...] = (bottom[0].data ** 3).sum()

    module.Middle = WithMeasure
    net = Net.from_text(TEXT.replace('top: "mine"', 'top: "mine" top: "measure"', 1))
    net.blobs["data"].data = np.random.default_rng(0).standard_normal((3, 1, 6, 6))
    net.forward()
    assert check_node(net, "mine").ok
    used = TEXT.replace('top: "mine"', 'top: "mine" top: "measure" loss_weight: 0 loss_weight: 1', 1)
    net = Net.from_text(used)
    net.blobs["data"].data = np.random.default_rng(0).standard_normal((3, 1, 6, 6))
    net.forward()
    assert not check_node(net, "mine").ok


def test_listeners_hear_of_every_check(module, monkeypatch):
    heard = []
    monkeypatch.setattr(check, "listeners", check.listeners)
    check.listeners.append(lambda net, index, report: heard.append((net.id, index, report.ok)))
    try:
        net = build()
        check_node(net, "ip")
    finally:
        check.listeners.pop()
    assert heard == [(net.id, [node.name for node in net.nodes].index("ip"), True)]


def test_the_check_waits_for_a_pass_in_progress(module):
    net = build()
    started, done = threading.Event(), threading.Event()

    def run():
        started.set()
        check_node(net, "ip")
        done.set()

    thread = threading.Thread(target=run)
    with net.lock:
        thread.start()
        started.wait(5)
        assert not done.wait(0.2)
    thread.join(30)
    assert done.is_set()


def test_progress_of_a_whole_net_ends_at_its_total(module):
    seen = []
    check_net(build(), ["ip", "mine"], progress=lambda done, total: seen.append((done, total)))
    assert seen == sorted(seen)
    assert seen[-1] == (2000, 2000)


def test_built_in_layers_are_checked_on_a_few_items_of_a_large_batch(module):
    net = Net.from_text(TEXT.replace("dim: 3 dim: 1", "dim: 30 dim: 1").replace("dim: 3 dim: 4", "dim: 30 dim: 4"))
    net.blobs["data"].data = np.random.default_rng(0).standard_normal((30, 1, 6, 6))
    net.forward()
    reports = check_net(net, max_elements=20)
    assert all(report.ok for report in reports.values())
    assert {name: report.rows[0].shape[0] for name, report in reports.items()} == {
        **dict.fromkeys(["conv", "relu", "pool", "drop", "ip", "dist"], 4),
        **dict.fromkeys(["mine", "loss"], 30),  # a user's layer may count on the batch it was set up for
    }
    assert "first 4 of the 30 items" in str(reports["conv"])


def test_a_slow_layer_is_sampled_to_fit_the_time(module):
    class Slow(user.Square):
        def forward(self, bottom, top):
            time.sleep(0.02)
            super().forward(bottom, top)

    module.Middle = Slow
    net = Net.from_text(TEXT.replace("dim: 3 dim: 1", "dim: 50 dim: 1").replace("dim: 3 dim: 4", "dim: 50 dim: 4"))
    start = time.perf_counter()
    report = check_node(net, "mine", seconds=0.5)
    assert time.perf_counter() - start < 5
    assert report.ok
    assert report.rows[0].line


def test_unknown_layers_have_near_misses(module):
    net = build()
    with pytest.raises(NetError, match=r"no layer 'pol'\. Did you mean 'pool'"):
        check_node(net, "pol")
    with pytest.raises(NetError, match="there is no layer 99"):
        check_node(net, 99)


def test_copies_are_of_the_values_only(module):
    net = build()
    before = copy.deepcopy(net.blobs["ip"].const_data)
    check_node(net, "ip")
    assert np.array_equal(net.blobs["ip"].const_data, before)


def test_a_net_that_has_learned_all_there_is_gives_no_false_alarm():
    net = Net.from_text(
        """layer { name: "in" type: "Input" top: "x" top: "label"
          input_param { shape { dim: 6 dim: 4 } shape { dim: 6 } } }
        layer { name: "ip" type: "InnerProduct" bottom: "x" top: "ip" inner_product_param { num_output: 4 } }
        layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }"""
    )
    labels = np.arange(6) % 4
    net.blobs["label"].data = labels
    net.blobs["ip"].data = 48 * np.eye(4)[labels] + np.random.default_rng(0).standard_normal((6, 4))
    net.forward(start="loss")
    net.backward()
    report = check_node(net, "loss")
    assert 0 < np.abs(report.rows[0].analytic_array).max() < 1e-15
    assert report.ok, report
