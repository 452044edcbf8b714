"""convert-imageset and compute-image-mean: from image files to what a Data layer gives."""

from __future__ import annotations

import io
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from caffe_nb import rng
from caffe_nb.cli.main import main
from caffe_nb.data.cursor import Records
from caffe_nb.data.datum import parse_datum
from caffe_nb.data.images import decode, resize
from caffe_nb.net import Net
from caffe_nb.proto import caffe_pb2
from caffe_nb.proto.binary import blob_to_array, read_blob
from tests.data.made import Array, datum, encoded, pixels, write_images, write_lmdb


@pytest.fixture
def images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Array]:
    """Five images in `images/`, listed in `list.txt` with the labels 0, 10, 20 ...; the working directory."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "images").mkdir()
    made = write_images(tmp_path / "images", 5)
    (tmp_path / "list.txt").write_text("".join(f"{index}.png {10 * index}\n" for index in range(5)))
    return made


def convert(*options: str, database: str = "db") -> int:
    return main(["convert-imageset", *options, "images/", "list.txt", database])


def datums(database: str = "db", backend: str = "LMDB") -> list[caffe_pb2.Datum]:
    return [parse_datum(value, where) for where, value in Records(database, backend, None).once()]


def keys(database: str = "db") -> list[str]:
    return [where.split("'")[1] for where, _ in Records(database, "LMDB", None).once()]


def read_by_a_data_layer(batch: int, transform: str = "", backend: str = "LMDB") -> tuple[Array, Array]:
    net = Net.from_text(
        f'layer {{ name: "d" type: "Data" top: "data" top: "label" transform_param {{ {transform} }}'
        f' data_param {{ source: "db" backend: {backend} batch_size: {batch} }} }}'
    )
    net.forward()
    return net.blobs["data"].data.copy(), net.blobs["label"].data.copy()


def test_the_command_as_a_process(images: list[Array]) -> None:
    command = [sys.executable, "-m", "caffe_nb.cli", "convert_imageset", "images/", "list.txt", "db"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    data, labels = read_by_a_data_layer(5)
    assert np.array_equal(data, np.stack(images))
    assert labels.tolist() == [0, 10, 20, 30, 40]
    assert keys() == [f"{index:08d}_{index}.png" for index in range(5)]
    assert "] A total of 5 images.\n" in done.stderr
    assert done.stderr.endswith("] Processed 5 files.\n")
    assert done.stdout == ""


def test_leveldb(images: list[Array]) -> None:
    pytest.importorskip("plyvel", reason="it has no wheels for this Python")
    assert convert("-backend", "leveldb") == 0
    data, _ = read_by_a_data_layer(5, backend="LEVELDB")
    assert np.array_equal(data, np.stack(images))


def test_resized_and_grey(images: list[Array]) -> None:
    assert convert("--gray", "--resize_height=4", "-resize_width", "5") == 0
    files = [Path("images", f"{index}.png").read_bytes() for index in range(5)]
    expected = [resize(decode(file, False, "it"), 4, 5)[:, :, 0] for file in files]
    assert np.array_equal(read_by_a_data_layer(5)[0][:, 0], np.stack(expected))


def test_encoded_keeps_the_files_as_they_are(images: list[Array]) -> None:
    assert convert("-encoded") == 0
    found = datums()
    assert [one.data for one in found] == [Path("images", f"{index}.png").read_bytes() for index in range(5)]
    assert all(one.encoded for one in found)
    assert np.array_equal(read_by_a_data_layer(5)[0], np.stack(images))


def test_encode_type_makes_new_files(images: list[Array]) -> None:
    assert convert("-encode_type", "jpg") == 0
    opened = [Image.open(io.BytesIO(one.data)) for one in datums()]
    assert {image.format for image in opened} == {"JPEG"}
    assert convert("-encode_type", "png", "-gray", "-resize_height=3", "-resize_width=4", database="grey") == 0
    again = Image.open(io.BytesIO(datums("grey")[0].data))
    assert (again.mode, again.size, again.format) == ("L", (4, 3), "PNG")


def test_shuffled_the_keys_count_in_the_new_order(images: list[Array]) -> None:
    rng.set_random_seed(3)
    assert convert("-shuffle") == 0
    labels = [one.label for one in datums()]
    assert sorted(labels) == [0, 10, 20, 30, 40] != labels
    assert keys() == [f"{index:08d}_{label // 10}.png" for index, label in enumerate(labels)]
    assert all(np.array_equal(np.frombuffer(one.data, np.uint8), images[one.label // 10].ravel()) for one in datums())


def test_images_that_cannot_be_read_are_left_out(images: list[Array], capfd: pytest.CaptureFixture[str]) -> None:
    Path("images/1.png").write_bytes(b"no image")
    Path("images/3.png").unlink()
    assert convert() == 0
    assert [one.label for one in datums()] == [0, 20, 40]
    assert keys()[1] == "00000002_2.png"
    log = capfd.readouterr().err
    assert "Could not open or find file images/1.png" in log.replace("\\", "/")
    assert "'images/1.png', line 2 of 'list.txt', cannot be read as an image" in log.replace("\\", "/")
    assert "2 of 5 images could not be read and were left out." in log


def refused(capfd: pytest.CaptureFixture[str], status: int, expected: int = 1) -> str:
    assert status == expected
    assert not Path("db").exists()
    assert not list(Path().glob(".*"))
    return capfd.readouterr().err.splitlines()[-1]


def test_no_database_where_no_image_can_be_read(images: list[Array], capfd: pytest.CaptureFixture[str]) -> None:
    Path("list.txt").write_text("a.png 1\nb.png 2\n")
    assert refused(capfd, convert()) == (
        "caffe convert-imageset: none of the 2 images could be read; no database was written"
    )


def test_a_folder_without_its_slash_is_said(images: list[Array], capfd: pytest.CaptureFixture[str]) -> None:
    Path("pictures").mkdir()
    Path("pictures/x.png").touch()
    Path("list.txt").write_text("x.png 1\n")
    assert refused(capfd, main(["convert-imageset", "pictures", "list.txt", "db"])).endswith(
        "The names stand right behind 'pictures': end it with a slash"
    )


def test_check_size(images: list[Array], capfd: pytest.CaptureFixture[str]) -> None:
    Path("images/2.png").write_bytes(encoded(pixels(2, 7, 8)))
    message = refused(capfd, convert("-check_size"))
    assert "line 3 of 'list.txt'" in message
    assert "has (rows, columns, channels) (7, 8, 3) and the first image (6, 8, 3)" in message
    assert convert("-check_size", "-resize_height=2", "-resize_width=2") == 0


@pytest.mark.parametrize(
    ("options", "status", "words"),
    [
        (["-resize_width=3"], 2, "give both -resize_height and -resize_width"),
        (["-encode_type=gifff"], 2, "'gifff' is no kind of image file"),
        (["-backend=rocksdb"], 1, "unknown database backend 'rocksdb': lmdb or leveldb"),
        (["-shufle"], 2, "unknown argument '--shufle'. Did you mean '--shuffle'?"),
    ],
)
def test_options_that_make_no_sense(
    images: list[Array], capfd: pytest.CaptureFixture[str], options: list[str], status: int, words: str
) -> None:
    assert words in refused(capfd, convert(*options), status)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("1.png one", "line 6 of 'list.txt': expected the name of an image and its label"),
        ("1.png 3000000000", "line 6 of 'list.txt': the label 3000000000 does not fit into 32 bits"),
    ],
)
def test_lists_that_are_none(images: list[Array], capfd: pytest.CaptureFixture[str], line: str, words: str) -> None:
    with Path("list.txt").open("a") as file:
        file.write(line)
    assert words in refused(capfd, convert()).replace(str(Path.cwd()) + "/", "")


def test_a_database_that_exists_is_kept(images: list[Array], capfd: pytest.CaptureFixture[str]) -> None:
    assert convert() == 0
    assert convert("-gray") == 1
    assert "'db' exists already" in capfd.readouterr().err
    assert datums()[0].channels == 3


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no SIGINT to another process")
def test_ctrl_c_leaves_nothing_behind(images: list[Array]) -> None:
    Path("list.txt").write_text("0.png 1\n" * 400_000)
    before = set(Path().iterdir())
    command = [sys.executable, "-m", "caffe_nb.cli", "convert-imageset", "images/", "list.txt", "db"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 60
        while not list(Path().glob(".db.*.part")) and time.monotonic() < deadline:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        _, log = process.communicate(timeout=60)
    assert process.returncode == 130, log
    assert log.endswith("caffe convert-imageset: interrupted\n")
    assert set(Path().iterdir()) == before


def test_the_mean_is_that_of_the_pixels(images: list[Array], capfd: pytest.CaptureFixture[str]) -> None:
    convert()
    assert main(["compute_image_mean", "db", "-backend", "lmdb", "mean.binaryproto"]) == 0
    blob = read_blob("mean.binaryproto")
    assert (blob.num, blob.channels, blob.height, blob.width, blob.HasField("shape")) == (1, 3, 6, 8, False)
    expected = np.stack(images).sum(0).astype(np.float32) / np.float32(5)
    assert np.array_equal(blob_to_array(blob)[0], expected)
    log = capfd.readouterr().err
    assert "] Number of channels: 3\n" in log
    for channel in range(3):
        assert f"] mean_value channel [{channel}]: {expected[channel].mean(dtype=float):g}\n" in log
    data, _ = read_by_a_data_layer(5, 'mean_file: "mean.binaryproto"')
    np.testing.assert_allclose(data.sum(0), 0, atol=1e-3)


def test_the_mean_of_encoded_images_and_of_floats(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    made = [pixels(index) for index in range(2)]
    file = caffe_pb2.Datum(data=encoded(made[0]), encoded=True)
    write_lmdb(tmp_path / "db", [file, datum(made[1].astype(np.float32))])
    assert main(["compute-image-mean", "db", "mean.binaryproto"]) == 0
    expected = (made[0].astype(np.float32) + made[1]) / np.float32(2)
    assert np.array_equal(blob_to_array(read_blob("mean.binaryproto"))[0], expected)


@pytest.mark.parametrize(
    ("made", "words"),
    [
        ([], "has no records"),
        ([datum(pixels(0)), datum(pixels(1, 7))], "has channels, height and width (3, 7, 8), and the first record"),
        ([b"\xff\xff noise"], "record '00000000'"),
    ],
    ids=["empty", "of two sizes", "no datum"],
)
def test_no_mean(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    made: list[caffe_pb2.Datum | bytes],
    words: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    write_lmdb(tmp_path / "db", made)
    assert main(["compute-image-mean", "db", "mean.binaryproto"]) == 1
    assert words in capfd.readouterr().err
    assert not Path("mean.binaryproto").exists()
