"""Weights in and out of a net."""

import tracemalloc
from pathlib import Path

import h5py
import numpy as np
import pytest

from caffe_nb.errors import FormatError, NetError, ShapeError
from caffe_nb.net import Net
from caffe_nb.net.weights import write_binary

TEXT = """layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 } } }
layer { name: "ip" type: "InnerProduct" bottom: "x" top: "y"
  inner_product_param { num_output: 4 weight_filler { type: "xavier" } } }
"""

SHARED = """layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 } } }
layer { name: "a" type: "InnerProduct" bottom: "x" top: "y" param { name: "w" }
  inner_product_param { num_output: 3 bias_term: false weight_filler { type: "xavier" } } }
layer { name: "b" type: "InnerProduct" bottom: "y" top: "z" param { name: "w" } param { name: "v" }
  inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }
"""
GOLDEN = Path(__file__).parents[1] / "golden" / "files"


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


@pytest.mark.parametrize("name", ["net.caffemodel", "net.caffemodel.h5", "net_v1.caffemodel"])
def test_caffes_files_give_caffes_weights(name):
    net = Net(GOLDEN / "net.prototxt", 1)
    net.copy_from(GOLDEN / name)
    stored = np.load(GOLDEN / "net.npz", allow_pickle=False)
    for layer in ("conv", "ip") if "v1" in name else net.params:
        for i, blob in enumerate(net.params[layer]):
            assert np.array_equal(blob.const_data, stored[f"{layer}_{i}"])


@pytest.mark.parametrize("form", ["caffemodel", "caffemodel.h5"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_saved_weights_come_back_whatever_their_format(tmp_path, form, dtype):
    net, other = Net.from_text(SHARED, dtype=dtype), Net.from_text(SHARED)
    net.save(tmp_path / f"w.{form}")
    other.copy_from(tmp_path / f"w.{form}")
    assert all((a.astype(np.float32) == b).all() for a, b in zip(values(net), values(other), strict=True))
    assert other.params["a"][0].shares_data(other.params["b"][0])
    assert [path.name for path in tmp_path.iterdir()] == [f"w.{form}"]


def test_hdf5_has_shared_parameters_once_and_gradients_of_all(tmp_path):
    net = Net.from_text(SHARED)
    net.save_hdf5(tmp_path / "w.h5", write_diff=True)
    with h5py.File(tmp_path / "w.h5") as file:
        assert {part: {layer: list(group) for layer, group in file[part].items()} for part in file} == {
            "data": {"in": [], "a": ["0"], "b": ["1"]},
            "diff": {"in": [], "a": ["0"], "b": ["0", "1"]},
        }
    unshared = Net.from_text(SHARED.replace('param { name: "w" }', ""))
    before = values(unshared)
    with pytest.raises(NetError, match=r"layer 'b' .* the weights have 1 parameter\(s\) for this layer, the net has 2"):
        unshared.load_hdf5(tmp_path / "w.h5")
    assert all((a == b).all() for a, b in zip(before, values(unshared), strict=True))


def test_gradients_are_copied_where_they_were_kept(tmp_path):
    net, other = Net.from_text(TEXT), Net.from_text(TEXT)
    for blob in net.learnable_params:
        blob.diff.fill(3)
    other.copy_from(net.to_proto(write_diff=True))
    assert all((blob.const_diff == 3).all() for blob in other.learnable_params)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_saved_file_is_byte_for_byte_what_protobuf_writes(tmp_path, dtype):
    net = Net.from_text('name: "n" ' + SHARED + 'layer { name: "s" type: "Silence" bottom: "z" }', dtype=dtype)
    net.save(tmp_path / "w.caffemodel")
    assert (tmp_path / "w.caffemodel").read_bytes() == net.to_proto().SerializeToString()
    for blob in net.learnable_params:
        blob.diff.fill(3)
    write_binary("n", net.nodes, tmp_path / "d", True, tmp_path / "d")
    assert (tmp_path / "d").read_bytes() == net.to_proto(write_diff=True).SerializeToString()


@pytest.mark.parametrize("form", ["caffemodel", "caffemodel.h5"])
def test_weights_are_written_and_read_without_a_second_copy(tmp_path, form):
    text = TEXT.replace("dim: 3", "dim: 4000").replace("num_output: 4", "num_output: 2000")
    net = Net.from_text(text)
    tracemalloc.start()
    try:
        net.save(tmp_path / f"w.{form}")
        net.copy_from(tmp_path / f"w.{form}")
        assert tracemalloc.get_traced_memory()[1] < 1_000_000  # the weights are 32 MB
    finally:
        tracemalloc.stop()


def test_a_dataset_that_cannot_be_read_changes_nothing(tmp_path):
    net = Net.from_text(TEXT)
    net.save(tmp_path / "w.h5")
    with h5py.File(tmp_path / "w.h5", "r+") as file:
        del file["data/ip/1"]
        pieces = file.create_dataset("data/ip/1", data=np.arange(4.0), chunks=(2,), compression="gzip")
        place = pieces.id.get_chunk_info(1)
    content = bytearray((tmp_path / "w.h5").read_bytes())
    content[place.byte_offset : place.byte_offset + place.size] = b"x" * place.size
    (tmp_path / "w.h5").write_bytes(content)
    before = values(net)
    with pytest.raises(FormatError, match=r"w\.h5: 'data/ip/1' cannot be read"):
        net.copy_from(tmp_path / "w.h5")
    assert all((a == b).all() for a, b in zip(before, values(net), strict=True))


def given(blobs, text=TEXT):
    return text.replace('"y"\n', f'"y" {blobs}\n', 1)


def test_values_in_the_text_are_the_parameters():
    weights = "blobs { shape { dim: 4 dim: 3 } " + "data: 5 " * 12 + "} "
    net = Net.from_text(given(weights + "blobs { num: 1 channels: 1 height: 1 width: 4 data: [1, 2, 3, 4] }"))
    assert (net.params["ip"][0].const_data == 5).all()
    assert net.params["ip"][1].const_data.tolist() == [1, 2, 3, 4]
    again = Net(net.to_proto())
    assert all((a == b).all() for a, b in zip(values(net), values(again), strict=True))


def test_a_net_with_shared_parameters_comes_back_from_its_message():
    net = Net.from_text(SHARED)
    message = net.to_proto()
    message.layer[2].blobs[0].data[:] = [9] * 9  # of a parameter that is shared the owner's values count
    again = Net(message)
    assert all((a == b).all() for a, b in zip(values(net), values(again), strict=True))
    assert again.params["b"][0].shares_data(again.params["a"][0])


@pytest.mark.parametrize(
    ("blobs", "words"),
    [
        ("blobs { shape { dim: 3 } data: [1, 2, 3] }", "line 2 .*its text has 1 blobs .* 2 parameter"),
        ("blobs { shape { dim: 2 } data: [1, 2] } blobs { data: 0 }", r"line 2 .*parameter 0 has shape \(4, 3\)"),
        ("blobs { shape { dim: 4 dim: 3 } data: [1, 2] } blobs { }", "parameter 0 of layer 'ip'"),
    ],
)
def test_values_in_the_text_that_do_not_fit_are_refused(blobs, words):
    with pytest.raises((NetError, ShapeError, FormatError), match=words):
        Net.from_text(given(blobs))
