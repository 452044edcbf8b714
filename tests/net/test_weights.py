"""Weights in and out of a net."""

import numpy as np
import pytest

from caffe_nb.errors import FormatError, NetError, ShapeError
from caffe_nb.net import Net

TEXT = """layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 } } }
layer { name: "ip" type: "InnerProduct" bottom: "x" top: "y"
  inner_product_param { num_output: 4 weight_filler { type: "xavier" } } }
"""


def values(net):
    return [blob.const_data.copy() for blob in net.learnable_params]


def test_saved_and_copied_weights_are_bit_identical(tmp_path):
    net, other = Net.from_text(TEXT), Net.from_text(TEXT)
    net.save(tmp_path / "w.caffemodel")
    other.copy_from(tmp_path / "w.caffemodel")
    assert all((a == b).all() for a, b in zip(values(net), values(other), strict=True))


def test_layers_that_only_one_side_has_are_left_alone(tmp_path):
    net = Net.from_text(TEXT)
    net.save(tmp_path / "w.caffemodel")
    other = Net.from_text(TEXT.replace('"ip"', '"renamed"'))
    before = values(other)
    other.copy_from(tmp_path / "w.caffemodel")
    assert all((a == b).all() for a, b in zip(before, values(other), strict=True))


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        (
            ("num_output: 4", "num_output: 5"),
            ShapeError,
            r"parameter 0 has shape \(5, 3\), the weights have \(4, 3\); rename",
        ),
        (
            ("num_output: 4", "num_output: 4 bias_term: false"),
            NetError,
            r"2 parameter\(s\) for this layer, the net has 1",
        ),
    ],
)
def test_other_shapes_are_refused_and_nothing_is_written(tmp_path, change, error, words):
    net = Net.from_text(TEXT)
    net.save(tmp_path / "w.caffemodel")
    other = Net.from_text(TEXT.replace(*change))
    before = values(other)
    with pytest.raises(error, match=words):
        other.copy_from(tmp_path / "w.caffemodel")
    assert all((a == b).all() for a, b in zip(before, values(other), strict=True))


@pytest.mark.parametrize("damage", [lambda b: b[: len(b) // 2], lambda b: b"noise" * 50, lambda b: b""])
def test_a_damaged_file_is_refused_and_nothing_is_written(tmp_path, damage):
    net = Net.from_text(TEXT)
    path = tmp_path / "w.caffemodel"
    net.save(path)
    path.write_bytes(damage(path.read_bytes()))
    before = values(net)
    with pytest.raises(FormatError, match=r"w\.caffemodel"):
        net.copy_from(path)
    assert all((a == b).all() for a, b in zip(before, values(net), strict=True))


def test_share_with_uses_the_same_memory():
    net, other = Net.from_text(TEXT), Net.from_text(TEXT)
    other.share_with(net)
    net.params["ip"][0].data[...] = 7
    assert (other.params["ip"][0].const_data == 7).all()
    with pytest.raises(ShapeError, match="cannot share parameters"):
        Net.from_text(TEXT.replace("num_output: 4", "num_output: 5")).share_with(net)


def test_legacy_four_axis_weights_fit(tmp_path):
    net = Net.from_text(TEXT)
    param = net.to_proto()
    for blob, legacy in zip(param.layer[1].blobs, [(1, 1, 4, 3), (1, 1, 1, 4)], strict=True):
        blob.ClearField("shape")
        blob.num, blob.channels, blob.height, blob.width = legacy
    other = Net.from_text(TEXT)
    other.copy_from(param)
    assert all(np.array_equal(a, b) for a, b in zip(values(net), values(other), strict=True))
