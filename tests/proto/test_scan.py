"""Large weights: read straight into memory, checked before anything is."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from caffe_nb.errors import FormatError
from caffe_nb.proto import binary, caffe_pb2, scan
from caffe_nb.proto.packed import varint_bytes
from caffe_nb.proto.stored import StoredLayer, message_layers

FILES = Path(__file__).parents[1] / "golden" / "files"


def values(layers: list[StoredLayer]) -> dict[tuple[str, int], np.ndarray]:
    found = {}
    for layer in layers:
        for index, array in layer.arrays.items():
            found[layer.name, index] = np.full(array.shape, np.nan, np.float32)
            array.data(found[layer.name, index])
    return found


def assert_same_as_protobuf(path: Path) -> None:
    with scan.open_weights(path) as layers:
        expected = message_layers(binary.read_net(path))
        assert [layer.name for layer in layers] == [layer.name for layer in expected]
        mine, theirs = values(layers), values(expected)
    assert list(mine) == list(theirs)
    for key, array in mine.items():
        np.testing.assert_array_equal(array, theirs[key])


@pytest.fixture
def no_protobuf(monkeypatch: pytest.MonkeyPatch) -> None:
    """The arrays do not go through protobuf in this test."""

    def read_net(path: object) -> None:
        raise AssertionError("read by protobuf")

    monkeypatch.setattr(scan.binary, "read_net", read_net)


@pytest.mark.parametrize("name", ["net.caffemodel", "net_v1.caffemodel"])
def test_caffes_weights_are_what_protobuf_reads(name: str) -> None:
    assert_same_as_protobuf(FILES / name)


@pytest.mark.usefixtures("no_protobuf")
@pytest.mark.parametrize("name", ["net.caffemodel", "net_v1.caffemodel"])
def test_caffes_weights_stay_in_the_file(name: str) -> None:
    with scan.open_weights(FILES / name) as layers:
        stored = np.load(FILES / "net.npz", allow_pickle=False)
        for (layer, index), array in values(layers).items():
            np.testing.assert_array_equal(array.ravel(), stored[f"{layer}_{index}"].ravel())


@pytest.mark.usefixtures("no_protobuf")
def test_v0_weights_stay_in_the_file(tmp_path: Path) -> None:
    net = caffe_pb2.NetParameter()
    net.layers.add(bottom=["x"], top=["p"]).layer.MergeFrom(caffe_pb2.V0LayerParameter(name="p", type="padding"))
    conv = net.layers.add(bottom=["p"], top=["c"])
    conv.layer.MergeFrom(caffe_pb2.V0LayerParameter(name="c", type="conv", num_output=1))
    conv.layer.blobs.append(binary.array_to_blob(np.arange(6, dtype=np.float32)))
    binary.write_net(tmp_path / "w", net)
    with scan.open_weights(tmp_path / "w") as layers:
        assert {key: array.tolist() for key, array in values(layers).items()} == {("c", 0): [0, 1, 2, 3, 4, 5]}


@pytest.mark.usefixtures("no_protobuf")
@pytest.mark.parametrize("stored", [np.float32, np.float64])
@pytest.mark.parametrize("wanted", [np.float32, np.float64])
def test_values_and_gradients_are_converted(stored: type, wanted: type, tmp_path: Path) -> None:
    array = np.random.default_rng(0).random((3, 700_000)).astype(stored)
    net = caffe_pb2.NetParameter()
    net.layer.add(name="a").blobs.append(binary.array_to_blob(array, diff=-array))
    binary.write_net(tmp_path / "w", net)
    with scan.open_weights(tmp_path / "w") as (layer,):
        out = np.zeros(array.shape, wanted)
        layer.arrays[0].data(out)
        np.testing.assert_array_equal(out, array.astype(wanted))
        assert layer.arrays[0].diff
        layer.arrays[0].diff(out)
        np.testing.assert_array_equal(out, -array.astype(wanted))


def field(number: int, content: bytes) -> bytes:
    return varint_bytes(number << 3 | 2) + varint_bytes(len(content)) + content


SHAPE = field(7, field(1, varint_bytes(2)))
ODD = {
    "one by one": b"".join(varint_bytes(5 << 3 | 5) + struct.pack("<f", x) for x in (1, 2)) + SHAPE,
    "in two parts": field(5, struct.pack("<f", 1)) + SHAPE + field(5, struct.pack("<f", 2)),
    "unknown fields": field(5, struct.pack("<2f", 1, 2)) + SHAPE + field(77, b"x" * 300) + varint_bytes(88 << 3) + b"1",
}


@pytest.mark.parametrize("blob", ODD.values(), ids=ODD)
def test_what_caffe_never_writes_is_read_as_protobuf_reads_it(blob: bytes, tmp_path: Path) -> None:
    (tmp_path / "w").write_bytes(field(100, field(1, b"a") + field(7, blob)))
    assert_same_as_protobuf(tmp_path / "w")
    with scan.open_weights(tmp_path / "w") as layers:
        assert values(layers)["a", 0].tolist() == [1, 2]


def test_a_cut_file_is_refused_or_cut_between_two_layers(tmp_path: Path) -> None:
    whole = (FILES / "net.caffemodel").read_bytes()
    path = tmp_path / "cut.caffemodel"
    refusals = []
    for size in range(0, len(whole), 17):
        path.write_bytes(whole[:size])
        try:
            assert_same_as_protobuf(path)
        except FormatError as error:
            refusals.append(str(error))
    assert len(refusals) > 100
    assert {words.startswith(f"{path}: expected weights (.caffemodel), but ") for words in refusals} == {True}


def test_a_parameter_without_values_is_refused(tmp_path: Path) -> None:
    (tmp_path / "w").write_bytes(field(100, field(1, b"a") + field(7, SHAPE)))
    with (
        pytest.raises(FormatError, match=r"parameter 0 of layer 'a': .*needs 2 values, but its `data` has 0"),
        scan.open_weights(tmp_path / "w"),
    ):
        pass
