"""What the rows of the layers that move and select do not show: how they work within a net."""

from __future__ import annotations

import numpy as np

from caffe_nb.net import Net

FILTER = """
force_backward: true
layer { name: "data" type: "Input" top: "x" top: "s" input_param { shape { dim: 4 dim: 3 } shape { dim: 4 } } }
layer { name: "filter" type: "Filter" bottom: "x" bottom: "s" top: "y" }
layer { name: "sum" type: "Reduction" bottom: "y" top: "sum" loss_weight: 1 }
"""

PARAMETER = """
layer { name: "a" type: "Parameter" top: "a" param { name: "p" } parameter_param { shape { dim: 2 dim: 3 } } }
layer { name: "b" type: "Parameter" top: "b" param { name: "p" } parameter_param { shape { dim: 2 dim: 3 } } }
layer { name: "square" type: "Reduction" bottom: "a" top: "square" reduction_param { operation: SUMSQ } loss_weight: 1 }
"""


def test_a_filter_has_room_for_all_items_until_values_say_which() -> None:
    net = Net.from_text(FILTER)
    assert net.blobs["y"].shape == (4, 3)
    net.blobs["x"].data = np.arange(12).reshape(4, 3)
    net.blobs["s"].data = [0, 1, 0, 2]
    net.forward()
    assert net.blobs["y"].const_data.tolist() == [[3, 4, 5], [9, 10, 11]]
    net.backward()
    assert net.blobs["x"].const_diff.tolist() == [[0] * 3, [1] * 3, [0] * 3, [1] * 3]


def test_a_filter_that_lets_nothing_through_and_then_everything() -> None:
    net = Net.from_text(FILTER)
    net.blobs["x"].data = 1
    assert net.forward()["sum"] == 0
    net.backward()
    assert (net.blobs["x"].const_diff == 0).all()
    net.blobs["s"].data = 1
    assert net.forward()["sum"] == 12


def test_a_parameter_gets_the_gradient_that_its_reader_writes() -> None:
    net = Net.from_text(PARAMETER)
    net.params["a"][0].data = [[1, 2, 3], [4, 5, 6]]
    assert net.forward()["square"] == 91
    net.clear_param_diffs()
    net.backward()
    assert net.params["a"][0].const_diff.tolist() == [[2, 4, 6], [8, 10, 12]]


def test_parameters_of_one_name_are_one() -> None:
    net = Net.from_text(PARAMETER)
    net.params["a"][0].data = 7
    net.forward()
    assert (net.blobs["b"].const_data == 7).all()
    assert len(net.learnable_params) == 1


def test_reshape_and_flatten_in_a_row_write_one_memory() -> None:
    net = Net.from_text("""
        force_backward: true
        layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 dim: 4 } } }
        layer { name: "r" type: "Reshape" bottom: "x" top: "r" reshape_param { shape { dim: 0 dim: 2 dim: -1 } } }
        layer { name: "f" type: "Flatten" bottom: "r" top: "f" }
        layer { name: "sum" type: "Reduction" bottom: "f" top: "sum" loss_weight: 1 }
    """)
    net.blobs["x"].data = 2
    assert net.forward()["sum"] == 48
    assert net.blobs["f"].shares_data(net.blobs["x"])
    net.blobs["x"].reshape(5, 3, 4)
    net.blobs["x"].data = 1
    assert net.forward()["sum"] == 60
    net.backward()
    assert (net.blobs["x"].const_diff == 1).all()
