"""Input, DummyData, MemoryData and HDF5Data: where a net's data comes from."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
from google.protobuf import text_format

import caffe_nb.layers  # noqa: F401  (makes the types known)
from caffe_nb import rng
from caffe_nb.core.blob import Blob
from caffe_nb.core.layer import Layer
from caffe_nb.core.registry import Context, create
from caffe_nb.errors import NetError, ShapeError
from caffe_nb.layers.data.memory_data import MemoryData
from caffe_nb.proto import caffe_pb2


def built(type_name: str, text: str, tops: int = 1, folder: Path | None = None) -> tuple[Layer, list[Blob]]:
    """A layer after its setup, and its tops."""
    param = text_format.Parse(f'name: "data" type: "{type_name}" {text}', caffe_pb2.LayerParameter())
    layer, top = create(param, Context(folder=folder)), [Blob() for _ in range(tops)]
    layer.setup([], top)
    layer.reshape([], top)
    return layer, top


def run(layer: Layer, top: list[Blob]) -> None:
    layer.reshape([], top)
    layer.forward([], top)


# Input


def test_an_input_takes_one_shape_for_all_tops_or_one_for_each() -> None:
    _, top = built("Input", "input_param { shape { dim: 2 dim: 3 } }", tops=2)
    assert [blob.shape for blob in top] == [(2, 3), (2, 3)]
    _, top = built("Input", "input_param { shape { dim: 2 dim: 3 } shape { } shape { dim: 4 } }", tops=3)
    assert [blob.shape for blob in top] == [(2, 3), (), (4,)]


def test_an_input_leaves_data_and_shape_to_the_caller() -> None:
    layer, top = built("Input", "input_param { shape { dim: 2 dim: 3 } }")
    top[0].reshape(4, 3)
    top[0].data = 5
    run(layer, top)
    assert top[0].shape == (4, 3)
    assert (top[0].const_data == 5).all()


def test_an_input_without_a_shape_waits_for_the_caller() -> None:
    layer, top = built("Input", "")
    top[0].reshape(7)
    run(layer, top)
    assert top[0].shape == (7,)


def test_an_input_with_a_wrong_number_of_shapes_is_refused() -> None:
    text = "input_param { shape { dim: 2 } shape { dim: 3 } }"
    with pytest.raises(NetError, match="shape must be given once, or once for each of the 3 tops; it is given 2 times"):
        built("Input", text, tops=3)


# DummyData


def test_dummy_data_is_zero_without_a_filler() -> None:
    layer, top = built("DummyData", "dummy_data_param { shape { dim: 2 dim: 3 } }", tops=2)
    run(layer, top)
    assert [blob.shape for blob in top] == [(2, 3), (2, 3)]
    assert not top[0].const_data.any()


def test_dummy_data_takes_the_four_old_extents() -> None:
    text = "dummy_data_param { num: 5 num: 6 channels: 2 height: 3 width: 4 }"
    assert [blob.shape for blob in built("DummyData", text, tops=2)[1]] == [(5, 2, 3, 4), (6, 2, 3, 4)]


def test_constant_dummy_data_is_filled_once_and_other_data_at_every_forward() -> None:
    rng.set_random_seed(1)
    text = """dummy_data_param { shape { dim: 3 } shape { dim: 4 dim: 5 }
              data_filler { value: 2.5 } data_filler { type: "gaussian" } }"""
    layer, (constant, random) = built("DummyData", text, tops=2)
    assert (constant.const_data == 2.5).all(), "filled before the first forward"
    run(layer, [constant, random])
    first = random.const_data.copy()
    constant.data[1] = 9
    run(layer, [constant, random])
    assert constant.const_data.tolist() == [2.5, 9, 2.5], "the caller's from setup on"
    assert (random.const_data != first).all()


def test_one_filler_serves_all_tops() -> None:
    text = 'dummy_data_param { shape { dim: 8 } data_filler { type: "uniform" min: 1 max: 2 } }'
    layer, top = built("DummyData", text, tops=3)
    run(layer, top)
    assert all((blob.const_data >= 1).all() for blob in top)
    assert (top[0].const_data != top[1].const_data).any()


@pytest.mark.parametrize(
    ("text", "tops", "message"),
    [
        ("", 1, "give the shape of the data"),
        ("shape { dim: 2 } num: 3", 1, "either shape or num, channels, height and width"),
        ("shape { dim: 2 } shape { dim: 2 }", 3, "shape must be given once, or once for each of the 3 tops"),
        ("num: 2 channels: 3 height: 4", 1, "width must be given once.*it is given not at all"),
        ("shape { dim: 2 } data_filler { } data_filler { }", 3, "data_filler must be given once.*given 2 times"),
        ('shape { dim: 2 } data_filler { type: "gauss" }', 1, "unknown filler type 'gauss'"),
    ],
)
def test_dummy_data_that_is_refused(text: str, tops: int, message: str) -> None:
    with pytest.raises(NetError, match=message):
        built("DummyData", f"dummy_data_param {{ {text} }}", tops)


# MemoryData

MEMORY = "memory_data_param { batch_size: 2 channels: 1 height: 2 width: 3 }"


def memory() -> tuple[MemoryData, list[Blob]]:
    layer, top = built("MemoryData", MEMORY, tops=2)
    assert isinstance(layer, MemoryData)
    return layer, top


def test_memory_data_hands_out_batches_and_starts_over() -> None:
    layer, top = memory()
    assert [blob.shape for blob in top] == [(2, 1, 2, 3), (2,)]
    data = np.arange(36, dtype=np.float32).reshape(6, 1, 2, 3)
    layer.reset(data, np.arange(6))
    for batch in (0, 1, 2, 0):
        run(layer, top)
        np.testing.assert_array_equal(top[0].const_data, data[2 * batch : 2 * batch + 2])
        assert top[1].const_data.tolist() == [2 * batch, 2 * batch + 1]


def test_a_reset_starts_with_the_first_batch_of_the_new_arrays() -> None:
    layer, top = memory()
    layer.reset(np.zeros((4, 1, 2, 3)), np.zeros((4, 1, 1, 1)))
    run(layer, top)
    layer.reset(np.ones((4, 1, 2, 3)), [5, 6, 7, 8])
    run(layer, top)
    assert (top[0].const_data == 1).all()
    assert top[1].const_data.tolist() == [5, 6]


def test_arrays_of_the_nets_type_are_not_copied_and_never_written() -> None:
    layer, top = memory()
    data = np.zeros((2, 1, 2, 3), np.float32)
    layer.reset(data, np.zeros(2))
    data[...] = 4
    run(layer, top)
    assert (top[0].const_data == 4).all()
    top[0].data = 9
    assert (data == 4).all()


def test_memory_data_without_arrays_says_what_to_call() -> None:
    layer, top = memory()
    with pytest.raises(NetError, match=r"call net\.set_input_arrays\(data, labels\)"):
        run(layer, top)


@pytest.mark.parametrize(
    ("data", "labels", "message"),
    [
        ((2, 2, 3), (2,), r"shape \(N, 1, 2, 3\), got \(2, 2, 3\)"),
        ((2, 1, 3, 2), (2,), r"shape \(N, 1, 2, 3\), got \(2, 1, 3, 2\)"),
        ((3, 1, 2, 3), (3,), "multiple of the batch size 2, got 3"),
        ((0, 1, 2, 3), (0,), "multiple of the batch size 2, got 0"),
        ((2, 1, 2, 3), (4,), r"labels must have the shape \(2,\), one for each row, got \(4,\)"),
        ((2, 1, 2, 3), (2, 2), r"got \(2, 2\)"),
    ],
)
def test_arrays_that_do_not_fit(data: tuple[int, ...], labels: tuple[int, ...], message: str) -> None:
    layer, top = memory()
    layer.reset(np.ones((2, 1, 2, 3)), np.ones(2))
    with pytest.raises(ShapeError, match=message):
        layer.reset(np.zeros(data), np.zeros(labels))
    run(layer, top)
    assert (top[0].const_data == 1).all(), "the arrays before are still in place"


def test_memory_data_settings_that_are_refused() -> None:
    with pytest.raises(NetError, match="must all be given and at least 1, got 2, 1, 2 and 0"):
        built("MemoryData", "memory_data_param { batch_size: 2 channels: 1 height: 2 }", tops=2)
    with pytest.raises(NetError, match="either mean_file or mean_value"):
        built("MemoryData", f"{MEMORY} transform_param {{ mean_file: 'm' mean_value: 1 }}", tops=2)


def test_arrays_are_taken_as_they_are_and_images_and_datums_are_transformed(caplog: pytest.LogCaptureFixture) -> None:
    layer, top = built("MemoryData", f"{MEMORY} transform_param {{ scale: 0.5 mean_value: 2 }}", tops=2)
    assert isinstance(layer, MemoryData)
    data = np.arange(12, dtype=np.uint8).reshape(2, 1, 2, 3)
    layer.reset(data, [5, 6])
    assert "MemoryData takes arrays as they are" in caplog.text
    run(layer, top)
    np.testing.assert_array_equal(top[0].const_data, data)
    datums = [
        caffe_pb2.Datum(channels=1, height=2, width=3, data=image.tobytes(), label=label)
        for image, label in zip(data, (7, 8), strict=True)
    ]
    layer.add_datums(datums)
    run(layer, top)
    np.testing.assert_array_equal(top[0].const_data, (data - 2.0) * 0.5)
    assert top[1].const_data.tolist() == [7, 8]
    layer.add_images([image.transpose(1, 2, 0) for image in data[::-1]], [1, 2])
    run(layer, top)
    np.testing.assert_array_equal(top[0].const_data, (data[::-1] - 2.0) * 0.5)
    assert top[1].const_data.tolist() == [1, 2]
    with pytest.raises(ShapeError, match=r"image 0 becomes \(1, 2, 2\), but the top takes \(1, 2, 3\)"):
        layer.add_images([np.zeros((2, 2, 1), np.uint8)] * 2, [1, 2])


# HDF5Data


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["data"] = np.arange(20.0).reshape(5, 2, 2)
        file["label"] = np.arange(5)
    (tmp_path / "list.txt").write_text("a.h5\n")
    return tmp_path


def test_hdf5_data_gives_each_top_the_dataset_of_its_name(folder: Path) -> None:
    text = 'top: "label" top: "data" hdf5_data_param { source: "list.txt" batch_size: 3 }'
    layer, top = built("HDF5Data", text, tops=2, folder=folder)
    assert [blob.shape for blob in top] == [(3,), (3, 2, 2)]
    run(layer, top)
    run(layer, top)
    assert top[0].const_data.tolist() == [3, 4, 0]
    np.testing.assert_array_equal(top[1].const_data[:, 0, 0], [12, 16, 0])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('source: "list.txt"', "batch_size must be at least 1, got 0"),
        ('source: "none.txt" batch_size: 2', "the source list 'none.txt' was not found; looked in"),
        ('source: "list.txt" batch_size: 2 } transform_param { scale: 2', "leave out transform_param"),
    ],
)
def test_hdf5_data_that_is_refused(folder: Path, text: str, message: str) -> None:
    with pytest.raises(NetError, match=message):
        built("HDF5Data", f'top: "data" hdf5_data_param {{ {text} }}', folder=folder)
