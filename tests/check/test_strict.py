"""The contract in every pass: `caffe_nb.strict`."""

from __future__ import annotations

import numpy as np
import pytest

import caffe_nb
from caffe_nb.check import ContractError
from caffe_nb.layers.registered import register_layer, unregister_layer
from caffe_nb.net import Net
from tests.check.layers import Square

NET = """
layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 3 dim: 2 } } }
layer { name: "in2" type: "Input" top: "z" input_param { shape { dim: 3 dim: 2 } } }
layer { name: "one" type: "InnerProduct" bottom: "x" top: "y" inner_product_param { num_output: 2
  weight_filler { type: "constant" value: 1 } } }
layer { name: "mine" type: "Watched" bottom: "y" bottom: "z" top: "t" loss_weight: 1 }
"""


class Right(Square):
    pass


class ChangesBottom(Square):
    def forward(self, bottom, top):
        super().forward(bottom, top)
        bottom[0].data[...] = 0


class LeavesTop(Square):
    def forward(self, bottom, top):
        top[0].data[1:] = bottom[0].data[1:] ** 2


class ChangesTopDiff(Square):
    def backward(self, top, propagate_down, bottom):
        top[0].diff[...] *= 2 * bottom[0].data
        bottom[0].diff[...] = top[0].diff


class WritesUnasked(Square):
    def backward(self, top, propagate_down, bottom):
        super().backward(top, propagate_down, bottom)
        bottom[1].diff[...] = 5


@pytest.fixture(autouse=True)
def off():
    yield
    caffe_nb.strict(False)
    unregister_layer("Watched")


def run(cls, made_first=False):
    register_layer("Watched", cls)
    if not made_first:
        caffe_nb.strict(True)
    net = Net.from_text(NET)
    caffe_nb.strict(True)
    net.forward(x=np.arange(6).reshape(3, 2) + 1)
    net.backward()
    return net


@pytest.mark.parametrize("made_first", [False, True])
def test_a_right_layer_runs_as_ever(made_first):
    net = run(Right, made_first)
    np.testing.assert_array_equal(net.blobs["t"].data, net.blobs["y"].data ** 2)
    assert caffe_nb.strict() is True
    caffe_nb.strict(False)
    assert not any([net.hooks.before_forward, net.hooks.after_forward, net.hooks.before_backward])


@pytest.mark.parametrize(
    ("cls", "words"),
    [
        (ChangesBottom, r"layer 'mine' \(Watched\), line 6 of <string>: forward changed bottom\[0\] \('y'\)"),
        (LeavesTop, r"forward left 2 of 6 elements of top\[0\] \('t'\) unwritten"),
        (ChangesTopDiff, r"backward changed the diff of top\[0\]"),
        (WritesUnasked, r"backward wrote the diff of bottom\[1\] although propagate_down\[1\] is false"),
    ],
)
@pytest.mark.parametrize("made_first", [False, True])
def test_a_layer_that_breaks_the_contract_stops_the_pass(cls, words, made_first):
    with pytest.raises(ContractError, match=words):
        run(cls, made_first)


def test_without_it_nothing_is_watched():
    register_layer("Watched", ChangesBottom)
    net = Net.from_text(NET)
    net.forward()
    assert not net.hooks.before_forward
