"""Gradient checks on a device, and the comparison of what it computes with the CPU."""

import sys

import numpy as np
import pytest

import caffe
from caffe_nb import check_layer, device, rng
from caffe_nb.errors import NetError
from caffe_nb.net import Net

NET = """layer { name: "x" type: "DummyData" top: "x" top: "t" dummy_data_param {
  shape { dim: 4 dim: 6 } shape { dim: 4 dim: 2 } data_filler { type: "gaussian" } data_filler { type: "gaussian" } } }
layer { name: "ip" type: "InnerProduct" bottom: "x" top: "y"
  inner_product_param { num_output: 2 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "EuclideanLoss" bottom: "y" bottom: "t" top: "loss" }
"""


class Square(caffe.Layer):
    """x², on both."""

    there, back = 1, 1

    def reshape(self, bottom, top):
        top[0].reshape(*bottom[0].shape)

    def forward(self, bottom, top):
        top[0].array[...] = bottom[0].const_array ** 2 * self.on_gpu(self.there)

    def backward(self, top, propagate_down, bottom):
        bottom[0].diff_array[...] = top[0].const_diff_array * 2 * bottom[0].const_array * self.on_gpu(self.back)

    def on_gpu(self, factor):
        return 1 if self.xp is np else factor


class OtherThere(Square):
    """Twice as much on the GPU, and there its gradient fits."""

    there, back = 2, 2


class WrongThere(Square):
    """A gradient that is right on the CPU only."""

    back = -1


def test_a_layer_that_computes_the_same_on_both_passes(standin):
    with device.using(None):
        expected = check_layer(Square, [(3, 4)])
    report = check_layer(Square, [(3, 4)], devices="both")
    assert report.ok
    assert report.message == expected.message
    assert "checked on the GPU; its tops and gradients differ from the CPU's by up to 0.0e+00" in report.notes[-1]


def test_what_differs_is_found_though_the_gradient_fits(standin):
    assert check_layer(OtherThere, [(3, 4)], devices="gpu").ok
    report = check_layer(OtherThere, [(3, 4)], devices="both")
    assert [(each.kind, each.where) for each in report.findings] == [
        ("differs-on-gpu", "bottom[0]"),
        ("differs-on-gpu", "top[0]"),
    ]
    assert "12 of 12 values differ" in report.findings[1].message
    assert not report.ok
    assert "FAIL: differs-on-gpu in bottom[0]" in str(report)


def test_the_gradient_is_checked_where_it_is_asked_for(standin):
    assert check_layer(WrongThere, [(3, 4)], devices="cpu").ok
    for where in ("gpu", None):  # in GPU mode it is the default
        assert [each.kind for each in check_layer(WrongThere, [(3, 4)], devices=where).findings] == ["sign"]
    both = check_layer(WrongThere, [(3, 4)], devices="both")
    assert [each.kind for each in both.findings] == ["differs-on-gpu", "sign"]


def test_the_mode_is_as_before(standin):
    check_layer(Square, [(3,)], devices="cpu")
    assert device.current() is standin


def test_a_layer_without_a_gradient_is_compared_forward(standin):
    report = check_layer("Accuracy", [np.eye(4), np.arange(4.0)], devices="both")
    assert "its tops differ from the CPU's by up to 0.0e+00" in report.notes[-1]


def test_layers_of_a_net_are_compared_and_the_net_is_only_read(standin):
    rng.set_random_seed(1)
    net = Net.from_text(NET)
    net.forward()
    net.backward()
    values = {name: (blob.const_data.copy(), blob.const_diff.copy()) for name, blob in net.blobs.items()}
    reports = net.check_gradients(devices="both")
    assert list(reports) == ["ip", "loss"]
    for report in reports.values():
        assert report.ok
        assert any("tops and gradients differ from the CPU's by up to" in note for note in report.notes)
    for name, blob in net.blobs.items():
        np.testing.assert_array_equal(blob.const_data, values[name][0])
        np.testing.assert_array_equal(blob.const_diff, values[name][1])


@pytest.mark.parametrize("devices", ["gpu", "both"])
def test_without_a_gpu_it_says_what_is_missing(devices, monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", None)
    with pytest.raises(device.DeviceError, match=rf"devices='{devices}': computing on a GPU needs CuPy.*devices='cpu'"):
        check_layer(Square, [(3,)], devices=devices)


def test_any_other_word_is_refused():
    with pytest.raises(NetError, match="'cpu', 'gpu' or 'both'"):
        check_layer(Square, [(3,)], devices="cuda")


@pytest.mark.gpu
@pytest.mark.parametrize("layer", ["InnerProduct", Square])
def test_on_a_real_gpu_both_agree(layer, gpu):
    text = 'type: "InnerProduct" inner_product_param { num_output: 3 weight_filler { type: "xavier" } }'
    report = check_layer(text if layer == "InnerProduct" else layer, [(4, 5)], devices="both")
    assert report.ok, str(report)
