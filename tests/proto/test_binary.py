"""Weights, snapshots and means as Caffe wrote them, and as it reads them."""

from __future__ import annotations

import random
import time
from pathlib import Path

import numpy as np
import pytest

from caffe_nb.errors import FormatError
from caffe_nb.proto import binary, caffe_pb2
from caffe_nb.proto.binary import array_to_blob, blob_to_array
from caffe_nb.proto.files import MissingFileError

GOLDEN = Path(__file__).parents[1] / "golden"
WEIGHTS = GOLDEN / "files" / "net.caffemodel"


def test_caffes_weights_are_read_to_the_last_bit() -> None:
    net = binary.read_net(WEIGHTS)
    stored = np.load(GOLDEN / "files" / "net.npz", allow_pickle=False)
    found = {f"{layer.name}_{i}": blob_to_array(blob) for layer in net.layer for i, blob in enumerate(layer.blobs)}
    assert set(found) == {"conv_0", "conv_1", "bn_0", "bn_1", "bn_2", "scale_0", "scale_1", "ip_0", "ip_1"}
    for name, array in found.items():
        np.testing.assert_array_equal(array, stored[name])


def test_what_is_written_is_byte_for_byte_what_caffe_wrote(tmp_path: Path) -> None:
    path = tmp_path / "again.caffemodel"
    binary.write_net(path, caffe_pb2.NetParameter.FromString(WEIGHTS.read_bytes()))
    assert path.read_bytes() == WEIGHTS.read_bytes()
    assert [entry.name for entry in tmp_path.iterdir()] == ["again.caffemodel"]


@pytest.mark.parametrize("rule", ["sgd_momentum", "adam", "adadelta"])
def test_caffes_snapshots_are_read_and_written(rule: str, tmp_path: Path) -> None:
    source = GOLDEN / "solvers" / f"{rule}_iter_10.solverstate"
    state = binary.read_solver_state(source)
    assert state.iter == 10
    assert state.learned_net.endswith(f"{rule}_iter_10.caffemodel")
    net = binary.read_net(source.with_suffix(".caffemodel"))
    shapes = [blob_to_array(blob).shape for layer in net.layer for blob in layer.blobs]
    history = [blob_to_array(blob).shape for blob in state.history]
    assert history == shapes * (1 if rule == "sgd_momentum" else 2)
    assert binary.encode(state, tmp_path / "s") == source.read_bytes()


def test_a_mean_file_has_four_axes(tmp_path: Path) -> None:
    source = GOLDEN / "files" / "mean.binaryproto"
    blob = binary.read_blob(source)
    mean = blob_to_array(blob)
    assert mean.ndim == 4
    assert mean.shape[0] == 1
    assert np.all((mean >= 0) & (mean <= 255))
    binary.write_blob(tmp_path / "m", blob)
    assert (tmp_path / "m").read_bytes() == source.read_bytes()


def test_v1_weights_are_read_in_todays_form() -> None:
    net = binary.read_net(GOLDEN / "files" / "net_v1.caffemodel")
    stored = np.load(GOLDEN / "files" / "net.npz", allow_pickle=False)
    assert not net.layers
    shapes = {layer.name: [blob_to_array(blob).shape for blob in layer.blobs] for layer in net.layer if layer.blobs}
    assert shapes == {"conv": [(4, 3, 3, 3), (1, 1, 1, 4)], "ip": [(1, 1, 5, 80), (1, 1, 1, 5)]}
    for layer in net.layer:
        for index, blob in enumerate(layer.blobs):
            np.testing.assert_array_equal(blob_to_array(blob).ravel(), stored[f"{layer.name}_{index}"].ravel())


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "it is empty"),
        (b"\x89HDF\r\n\x1a\n....", "it is an HDF5 file"),
        (b"version https://git-lfs.example/spec", "git lfs pull"),
        (b"<!doctype html><html>", "a web page"),
        (b'name: "net" layer { }', "it looks like text"),
        (bytes(range(256)) * 4, "cannot be decoded"),
        (caffe_pb2.NetParameter(name="n").SerializeToString(), "it holds no layer"),
    ],
)
def test_a_file_of_another_kind_is_refused(content: bytes, words: str, tmp_path: Path) -> None:
    path = tmp_path / "x.caffemodel"
    path.write_bytes(content)
    with pytest.raises(FormatError, match=words) as caught:
        binary.read_net(path)
    assert str(caught.value).startswith(f"{path}: expected weights (.caffemodel), but ")


def test_states_and_means_of_another_kind_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="expected a solver's state"):
        binary.read_solver_state(WEIGHTS)
    with pytest.raises(FormatError, match=r"expected an array \(\.binaryproto\)"):
        binary.read_blob(WEIGHTS)
    with pytest.raises(MissingFileError, match=r"Did you mean 'net\.caffemodel'"):
        binary.read_net(WEIGHTS.with_name("nets.caffemodel"))
    with pytest.raises(MissingFileError, match=r"folder .* does not exist"):
        binary.write_net(tmp_path / "no" / "x.caffemodel", caffe_pb2.NetParameter())


def test_a_truncated_file_never_comes_back_as_other_numbers(tmp_path: Path) -> None:
    whole = WEIGHTS.read_bytes()
    net = binary.read_net(WEIGHTS)
    path = tmp_path / "cut.caffemodel"
    for size in range(0, len(whole), 37):
        path.write_bytes(whole[:size])
        try:
            part = binary.read_net(path)
        except FormatError:
            continue
        # Cut between two layers, a file is whole in itself: what is there is right.
        assert list(part.layer) == list(net.layer)[: len(part.layer)]


def test_noise_in_a_file_never_raises_anything_else(tmp_path: Path) -> None:
    whole = WEIGHTS.read_bytes()
    draw = random.Random(0)
    path = tmp_path / "noisy.caffemodel"
    refused = 0
    for _ in range(300):
        noisy = bytearray(whole)
        for _ in range(draw.randrange(1, 8)):
            noisy[draw.randrange(len(noisy))] = draw.randrange(256)
        path.write_bytes(noisy)
        try:
            net = binary.read_net(path)
            for layer in net.layer:
                assert isinstance(layer.name, str)
                for blob in layer.blobs:
                    blob_to_array(blob)
        except FormatError:
            refused += 1
    assert refused > 50


def test_an_interrupted_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "x.caffemodel"
    path.write_bytes(b"old")
    incomplete = caffe_pb2.NetParameter()
    incomplete.layer.add().clip_param.min = 0
    with pytest.raises(FormatError, match=r"cannot be written: .*max"):
        binary.write_net(path, incomplete)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_an_array_keeps_its_shape_and_type() -> None:
    values = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    blob = array_to_blob(values, diff=-values)
    assert list(blob.shape.dim) == [2, 3, 4]
    np.testing.assert_array_equal(blob_to_array(blob), values)
    np.testing.assert_array_equal(blob_to_array(blob, diff=True), -values)
    assert blob_to_array(blob).dtype == np.float32
    double = array_to_blob(values.astype(np.float64) + 1e-9)
    assert not double.data
    assert blob_to_array(double).dtype == np.float64
    assert blob_to_array(double).flat[1] == 1 + 1e-9
    assert blob_to_array(array_to_blob(values.T)).tolist() == values.T.tolist()
    assert blob_to_array(array_to_blob(7)).shape == ()


def test_an_array_of_its_own_is_returned() -> None:
    blob = array_to_blob(np.zeros(3, np.float32))
    blob_to_array(blob)[:] = 1
    assert list(blob.data) == [0, 0, 0]


def test_older_messages_have_four_extents() -> None:
    blob = caffe_pb2.BlobProto(num=1, channels=2, height=1, width=3, data=range(6))
    np.testing.assert_array_equal(blob_to_array(blob), np.arange(6, dtype=np.float32).reshape(1, 2, 1, 3))


def test_a_gradient_that_is_not_there_is_zero() -> None:
    assert blob_to_array(array_to_blob(np.ones((2, 2))), diff=True).tolist() == [[0, 0], [0, 0]]


@pytest.mark.parametrize("shape", [[2, 2], [-2, -2], [-1], [2**62, 4], [10**6] * 10])
@pytest.mark.parametrize("diff", [False, True])
def test_no_memory_is_taken_for_values_that_are_not_there(shape: list[int], diff: bool) -> None:
    with pytest.raises(FormatError, match=r"needs -?\d+ values, but its `data` has 0"):
        blob_to_array(caffe_pb2.BlobProto(shape=caffe_pb2.BlobShape(dim=shape)), diff=diff)


def test_values_that_do_not_fit_the_shape_are_refused() -> None:
    blob = caffe_pb2.BlobProto(shape=caffe_pb2.BlobShape(dim=[2, 2]), data=[1, 2, 3])
    with pytest.raises(FormatError, match=r"shape \(2, 2\) needs 4 values, but its `data` has 3"):
        blob_to_array(blob)
    with pytest.raises(FormatError, match=r"diff has shape \(2,\), but the data has \(3,\)"):
        array_to_blob([1, 2, 3], diff=[1, 2])


def test_ten_million_values_take_no_python_object_each() -> None:
    values = np.random.default_rng(0).random(10_000_000, dtype=np.float32)
    start = time.process_time()
    blob = array_to_blob(values)
    again = blob_to_array(blob)
    # Element by element it is over two seconds.
    assert time.process_time() - start < 1.5
    np.testing.assert_array_equal(again, values)
