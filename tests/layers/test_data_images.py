"""Data, ImageData and WindowData: batches of images, made in the background."""

from __future__ import annotations

import gc
import threading
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from caffe_nb import rng
from caffe_nb.core.blob import Blob
from caffe_nb.core.layer import Layer, Phase
from caffe_nb.core.registry import Context, create
from caffe_nb.errors import CaffeError, FormatError, NetError, ShapeError
from caffe_nb.net.net import Net
from caffe_nb.proto import caffe_pb2
from caffe_nb.proto.text import parse_net
from tests.data.made import datum, encoded, pixels, write_images, write_lmdb

Array = NDArray[Any]

GOLDEN = Path(__file__).parent.parent / "golden" / "files"


def built(
    text: str, folder: Path, phase: Phase = Phase.TRAIN, tops: int = 2, dtype: Any = np.float32
) -> tuple[Layer, list[Blob]]:
    """A layer after its setup, and its tops."""
    param = parse_net(f'layer {{ name: "data" {text} }}').param.layer[0]
    layer = create(param, Context(phase, np.dtype(dtype), folder))
    top = [Blob(dtype=dtype) for _ in range(tops)]
    layer.setup([], top)
    layer.reshape([], top)
    return layer, top


def run(layer: Layer, top: list[Blob]) -> list[Array]:
    layer.reshape([], top)
    layer.forward([], top)
    return [blob.const_data.copy() for blob in top]


def data(text: str = "", **layer: str) -> str:
    transform = layer.get("transform", "")
    return (
        f'type: "Data" transform_param {{ {transform} }}'
        f' data_param {{ source: "db" backend: LMDB batch_size: 4 {text} }}'
    )


def images(text: str = "", transform: str = "") -> str:
    return f'type: "ImageData" transform_param {{ {transform} }} image_data_param {{ source: "list.txt" {text} }}'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A database and a list of ten images."""
    write_lmdb(tmp_path / "db", [datum(pixels(index), index) for index in range(10)])
    write_images(tmp_path, 10)
    (tmp_path / "list.txt").write_text("".join(f"{index}.png {index}\n" for index in range(10)))
    return tmp_path


# as Caffe


@pytest.mark.parametrize("name", ["plain", "scale", "crop", "mean_value", "mean_file", "all", "one_mean"])
def test_batches_from_a_database_are_caffes(name: str) -> None:
    net = Net(GOLDEN / f"data_{name}.prototxt", Phase.TEST)
    with np.load(GOLDEN / "data.npz") as wanted:
        for batch in range(3):
            net.forward()
            np.testing.assert_allclose(net.blobs["data"].const_data, wanted[f"{name}_data_{batch}"], rtol=1e-5)
            np.testing.assert_array_equal(net.blobs["label"].const_data, wanted[f"{name}_label_{batch}"])


# order and random numbers


def test_records_come_in_order_and_start_over(folder: Path) -> None:
    layer, top = built(data(), folder)
    assert [run(layer, top)[1].tolist() for _ in range(4)] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 0, 1], [2, 3, 4, 5]]


def test_arrays_that_somebody_holds_see_the_next_batch(folder: Path) -> None:
    layer, top = built(data(), folder)
    held = top[1].const_data
    run(layer, top)
    run(layer, top)
    assert held.tolist() == [4, 5, 6, 7]


RANDOM = [
    data("prefetch: 4", transform="crop_size: 4 mirror: true"),
    data("prefetch: 4 rand_skip: 7"),
    data("prefetch: 4 shuffle: true rand_skip: 7"),
    images("batch_size: 3 shuffle: true") + " data_param { prefetch: 4 }",
    images("batch_size: 3 rand_skip: 7", "mirror: true") + " data_param { prefetch: 4 }",
]


@pytest.mark.parametrize("text", RANDOM, ids=["crop", "skip", "shuffle and skip", "shuffle", "skip and mirror"])
def test_batches_depend_on_the_seed_and_on_nothing_else(folder: Path, text: str) -> None:
    def batches(seed: int, prefetch: int) -> list[list[Array]]:
        rng.set_random_seed(seed)
        layer, top = built(text.replace("prefetch: 4", f"prefetch: {prefetch}"), folder)
        rng.generator().random()
        return [run(layer, top) for _ in range(8)]

    def same(one: list[list[Array]], other: list[list[Array]]) -> bool:
        return all((a == b).all() for x, y in zip(one, other, strict=True) for a, b in zip(x, y, strict=True))

    first = batches(1, 4)
    assert same(first, batches(1, 1))
    assert not all(same(first, batches(seed, 4)) for seed in (2, 3, 4))


@pytest.mark.parametrize("text", [data(), images(), data(transform="crop_size: 4")], ids=["Data", "ImageData", "crop"])
def test_a_layer_that_draws_nothing_leaves_the_generator_alone(folder: Path, text: str) -> None:
    before = rng.get_state()
    layer, top = built(text, folder, Phase.TEST)
    run(layer, top)
    assert rng.get_state() == before


@pytest.mark.parametrize("text", [data("rand_skip: 4"), images("batch_size: 4 rand_skip: 4")])
def test_rand_skip_starts_after_fewer_than_so_many(folder: Path, text: str) -> None:
    rng.set_random_seed(0)
    starts = []
    for _ in range(40):
        layer, top = built(text, folder)
        starts.append(run(layer, top)[1][0])
    assert set(starts) == {0, 1, 2, 3}


def test_shuffled_records_all_come_once_a_round(folder: Path) -> None:
    layer, top = built(
        data("shuffle: true", transform="mirror: true").replace("batch_size: 4", "batch_size: 5"), folder
    )
    rounds = [np.concatenate([run(layer, top)[1] for _ in range(2)]) for _ in range(3)]
    assert all(sorted(labels) == list(range(10)) for labels in rounds)
    assert len({tuple(labels) for labels in rounds}) == 3


def test_records_are_resized_before_they_are_cropped(folder: Path) -> None:
    resizing = "resize_param { height: 12 width: 9 interp_mode: NEAREST }"
    cropped, top = built(data(transform=f"{resizing} crop_size: 9"), folder)
    assert top[0].shape == (4, 3, 9, 9)
    whole, plain = built(data(transform=resizing), folder)
    assert plain[0].shape == (4, 3, 12, 9)
    for out, image in zip(run(cropped, top)[0], run(whole, plain)[0], strict=True):
        assert any(np.array_equal(out, image[:, y : y + 9]) for y in range(4))


def test_shuffled_images_all_come_once_a_round(folder: Path) -> None:
    layer, top = built(images("batch_size: 5 shuffle: true"), folder)
    rounds = [np.concatenate([run(layer, top)[1] for _ in range(2)]) for _ in range(3)]
    assert all(sorted(labels) == list(range(10)) for labels in rounds)
    assert len({tuple(labels) for labels in rounds}) == 3


# images


def test_a_double_net_gets_doubles(folder: Path) -> None:
    layer, top = built(data(transform="scale: 0.1"), folder, dtype=np.float64)
    batch = run(layer, top)[0]
    assert batch.dtype == np.float64
    np.testing.assert_allclose(batch[0], pixels(0) * float(np.float32(0.1)), rtol=1e-12)


def test_encoded_and_raw_and_float_datums_give_the_same(tmp_path: Path) -> None:
    raw = datum(pixels(0), 1)
    png = caffe_pb2.Datum(data=encoded(pixels(0)), encoded=True, label=1)
    write_lmdb(tmp_path / "db", [raw, png, datum(pixels(0).astype(np.float32), 1), raw])
    layer, top = built(data(), tmp_path)
    batch, labels = run(layer, top)
    assert (batch == pixels(0)).all()
    assert (labels == 1).all()


@pytest.mark.parametrize(
    ("force", "channels"), [("force_gray: true", 1), ("force_color: true", 3)], ids=["grey", "color"]
)
def test_encoded_datums_of_a_forced_number_of_channels(tmp_path: Path, force: str, channels: int) -> None:
    grey = caffe_pb2.Datum(data=encoded(pixels(0, channels=1)), encoded=True)
    color = caffe_pb2.Datum(data=encoded(pixels(1)), encoded=True)
    write_lmdb(tmp_path / "db", [color, grey] * 2)
    _, top = built(data(transform=force), tmp_path)
    assert top[0].shape == (4, channels, 6, 8)
    layer, top = built(data("force_encoded_color: true"), tmp_path)
    assert run(layer, top)[0].shape == (4, 3, 6, 8)


def test_batches_take_the_shape_of_their_first_image(tmp_path: Path) -> None:
    write_lmdb(tmp_path / "db", [datum(pixels(i, height)) for i, height in enumerate([6] * 4 + [9] * 4)])
    layer, top = built(data(), tmp_path)
    assert [run(layer, top)[0].shape[2] for _ in range(3)] == [6, 9, 6]


def test_images_are_resized(folder: Path) -> None:
    layer, top = built(images("new_height: 12 new_width: 4 is_color: false"), folder)
    assert run(layer, top)[0].shape == (1, 1, 12, 4)


def test_windows_come_with_their_classes(folder: Path) -> None:
    (folder / "windows.txt").write_text("# 0\n0.png\n3\n6\n8\n2\n7 1 1 0 5 4\n0 0 0 0 4 4\n")
    text = 'window_data_param { source: "windows.txt" batch_size: 4 fg_fraction: 0.25 }'
    layer, top = built(f'type: "WindowData" transform_param {{ crop_size: 5 }} {text}', folder)
    batch, labels = run(layer, top)
    assert labels.tolist() == [0, 0, 0, 7]
    np.testing.assert_array_equal(batch[3], pixels(0)[:, :5, 1:6])


# names


def test_files_are_found_beside_the_prototxt(folder: Path, tmp_path_factory: Any, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    tops = 'top: "data" top: "label"'
    (folder / "net.prototxt").write_text(f'layer {{ name: "d" {tops} {images("batch_size: 2")} }}')
    net = Net(folder / "net.prototxt", Phase.TEST)
    monkeypatch.chdir(folder.parent)
    net.forward()
    assert net.blobs["label"].const_data.tolist() == [0, 1]


# what goes wrong


def test_an_error_arrives_in_its_forward_with_the_layer_and_the_net_goes_on(folder: Path) -> None:
    whole = datum(pixels(0))
    write_lmdb(folder / "bad", [whole, whole, b"\xff" * 9, whole, whole])
    text = 'type: "Data" data_param { source: "bad" backend: LMDB batch_size: 1 }'
    net = Net.from_text(f'layer {{ name: "d" top: "data" top: "label" {text} }}', folder=folder)
    net.forward()
    net.forward()
    with pytest.raises(FormatError, match=r"^layer 'd' \(Data\).*record '00000002' of '.*bad' is no Datum"):
        net.forward()
    net.forward()


def test_an_image_that_is_broken_or_gone_or_of_another_size(folder: Path) -> None:
    (folder / "1.png").write_bytes(encoded(pixels(1))[:70])
    (folder / "2.png").unlink()
    (folder / "4.png").write_bytes(encoded(pixels(1, 7, 7)))
    layer, top = built(images(), folder)
    assert run(layer, top)[1].tolist() == [0]
    with pytest.raises(FormatError, match=r"'1\.png', line 2 of '.*list\.txt', cannot be read as an image"):
        run(layer, top)
    with pytest.raises(NetError, match=r"line 3 of '.*list\.txt', '2\.png' was not found"):
        run(layer, top)
    assert run(layer, top)[1].tolist() == [3]
    layer, top = built(images("batch_size: 2 rand_skip: 1"), folder)
    (folder / "list.txt").write_text("0.png 1\n4.png 2\n")
    layer, top = built(images("batch_size: 2"), folder)
    with pytest.raises(ShapeError, match=r"line 2 of .*becomes \(3, 7, 7\), but the first image of its batch"):
        run(layer, top)


WINDOWS = 'type: "WindowData" transform_param {{ {} }} window_data_param {{ source: "list.txt" {} }}'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (data().replace("batch_size: 4", ""), "batch_size must be at least 1, got 0"),
        (data().replace("LMDB", "LEVELDB"), "it is an LMDB: set backend: LMDB"),
        (data().replace('"db"', '"none"'), "the database 'none' was not found"),
        (data(transform="crop_size: 7"), r"record '00000000' of '.*db' has 6 rows and 8 columns"),
        (images("batch_size: 0"), "batch_size must be at least 1"),
        (data().replace('source: "db"', ""), "give the folder of the database"),
        (data("prefetch: 1000000000"), "at most 1000 batches, got 1000000000"),
        (images("new_height: 2000000000 new_width: 2000000000"), "at most 268435456 pixels"),
        (images().replace("list", "l" * 5000), "was not found"),
        (images("new_height: 5"), "both new_height and new_width, or neither; got 5 and 0"),
        (images().replace("list", "none"), r"the list of images 'none\.txt' was not found"),
        (images(transform='mean_file: "none"'), "the mean file 'none' was not found"),
        (WINDOWS.format("", "batch_size: 2"), "give the size of the warped windows"),
        (WINDOWS.format("crop_size: 5", ""), "batch_size must be at least 1"),
        (WINDOWS.format("crop_size: 6", "batch_size: 1 context_pad: 3"), "less than half of crop_size 6, got 3"),
        (WINDOWS.format("crop_size: 6", "batch_size: 1 fg_fraction: 1.5"), "between 0 and 1, got 1.5"),
        (WINDOWS.format("crop_size: 6", 'batch_size: 1 crop_mode: "sqare"'), "got 'sqare'.*Did you mean 'square'"),
        (WINDOWS.format("crop_size: 6", "batch_size: 1"), "line 1 of .*expected '#' and the number of an image"),
    ],
)
def test_settings_that_are_refused(folder: Path, text: str, message: str) -> None:
    with pytest.raises(CaffeError, match=message):
        built(text, folder)


def test_a_rand_skip_beyond_the_list(folder: Path) -> None:
    rng.set_random_seed(0)
    with pytest.raises(NetError, match="rand_skip 1000000 may skip all of the 10 images"):
        built(images("rand_skip: 1000000"), folder)


def test_thread_and_database_go_with_the_net(folder: Path) -> None:
    text = f'layer {{ name: "d" top: "data" top: "label" {data()} }}'
    net = Net.from_text(text, folder=folder)
    net.forward()
    threads = [thread for thread in threading.enumerate() if thread.name.startswith("caffe-prefetch")]
    gone = weakref.ref(net)
    del net
    gc.collect()
    assert gone() is None
    for thread in threads:
        thread.join(10)
    assert not any(thread.is_alive() for thread in threads)
    write_lmdb(folder / "db", [datum(pixels(99), 99)])
    layer, top = built(data(), folder)
    assert run(layer, top)[1][0] == 99
