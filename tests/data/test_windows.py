"""Windows are read, drawn, widened, warped and padded as R-CNN's data layer does it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from google.protobuf import text_format
from numpy.typing import NDArray

from caffe_nb.core.layer import Phase
from caffe_nb.data.batches import Batch
from caffe_nb.data.image_list import ImageFiles
from caffe_nb.data.images import resize
from caffe_nb.data.transformer import Transformer
from caffe_nb.data.window_batches import WindowBatches, WindowSettings
from caffe_nb.data.window_list import WindowList
from caffe_nb.errors import CaffeError, FormatError, NetError, ShapeError
from caffe_nb.proto import caffe_pb2
from caffe_nb.proto.binary import array_to_blob, write_blob
from tests.data.made import encoded, pixels, write_images

Array = NDArray[Any]

HEAD = "# 0\n0.png\n3\n20\n30\n"


def read(folder: Path, text: str, fg: float = 0.5, bg: float = 0.5) -> WindowList:
    (folder / "windows.txt").write_text(text)
    return WindowList("windows.txt", folder, fg, bg)


def batches(
    folder: Path, text: str, transform: str = "crop_size: 6", seed: int = 0, cache: bool = False, **settings: Any
) -> WindowBatches:
    param = text_format.Parse(transform, caffe_pb2.TransformationParameter())
    transformer = Transformer(param, Phase.TRAIN, np.float32, folder)
    chosen = WindowSettings(
        **({"batch_size": 1, "fg_fraction": 1.0, "context_pad": 0, "square": False} | settings), cache_images=cache
    )
    draw = np.random.default_rng(seed)
    return WindowBatches(read(folder, text), ImageFiles("", folder), transformer, chosen, draw)


def one(folder: Path, corners: str, transform: str = "crop_size: 6", **settings: Any) -> Array:
    """The only window of an image of 20 rows and 30 columns, without its batch axis."""
    data: Array = batches(folder, f"{HEAD}1\n1 1.0 {corners}\n", transform, **settings)().data[0]
    return data


@pytest.fixture
def image(tmp_path: Path) -> Array:
    """The image 0.png of the folder: (3, 20, 30)."""
    return write_images(tmp_path, 1, 20, 30)[0]


def warped(part: Array, height: int, width: int) -> Array:
    return resize(np.ascontiguousarray(part.transpose(1, 2, 0)), height, width).transpose(2, 0, 1)


# the file


def test_overlaps_divide_foreground_from_background(tmp_path: Path) -> None:
    text = f"{HEAD}4\n5 0.7 0 1 2 3\n5 0.5 4 5 6 7\n5 0.4 1 1 2 2\n0 0.1 8 8 9 9\n# 1\nb.png\n3 9 9\n1\n2 1 0 0 8 8\n"
    windows = read(tmp_path, text, fg=0.5, bg=0.3)
    assert windows.names == ["0.png", "b.png"]
    assert windows.lines == [2, 12]
    assert windows.foreground.label.tolist() == [5, 5, 2]
    assert windows.foreground.image.tolist() == [0, 0, 1]
    assert windows.foreground.corners.tolist() == [[0, 1, 2, 3], [4, 5, 6, 7], [0, 0, 8, 8]]
    assert windows.background.label.tolist() == [0]
    assert windows.background.corners.tolist() == [[8, 8, 9, 9]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty; it needs images and their windows"),
        ("0.png\n", "line 1 of .*: expected '#' and the number of an image; got '0.png'"),
        ("# 0\n", "expected the name of an image, but the file ends; it is truncated"),
        ("# 0\n0.png\n3\n20\n", "the number of windows, but the file ends"),
        ("# 0\n0.png\n3\n20\nx\n", "line 5 of .*: expected whole numbers.*got 'x'"),
        (f"{HEAD}1{30 * '0'}\n", "line 6 of .*: expected channels, height, width and the number of windows"),
        ("# 0\n0.png\n1\n20\n30\n0\n", "line 2 of .*: expected an image of 3 channels"),
        (f"{HEAD}2\n1 1 0 0 1 1\n", "expected 2 windows, but the file ends after 1"),
        (f"{HEAD}999999999\n1 1 0 0 1 1\n", "expected 999999999 windows, but the file ends after 1"),
        (f"{HEAD}2\n1 1 0 0 1 1\n1 1 0 0 1\n", "line 8 of .*: expected a window: class, overlap, left"),
        (f"{HEAD}2\n1 1 0 0 1 1\n1 1 0 0 1 nan\n", "line 8 of .*: expected a window"),
        (f"{HEAD}1\n1 1 0 0 1 1e30\n", "line 7 of .*: expected a window"),
        (f"{HEAD}1\n0 0.9 0 0 1 1\n", "line 7 of .*: expected a class of at least 1"),
    ],
)
def test_window_files_that_are_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(CaffeError, match=message):
        read(tmp_path, text)


# drawing


def test_a_batch_is_background_first_then_its_fraction_of_foreground(tmp_path: Path, image: Array) -> None:
    text = f"{HEAD}4\n3 1 0 0 5 5\n4 0.8 1 1 9 9\n0 0 5 5 20 15\n0 0.2 2 2 8 8\n"
    make = batches(tmp_path, text, batch_size=10, fg_fraction=0.36)
    labels = np.array([make().labels for _ in range(30)])
    assert (labels[:, :7] == 0).all()
    assert set(labels[:, 7:].ravel()) == {3, 4}


def test_batches_depend_on_the_seed_alone(tmp_path: Path, image: Array) -> None:
    text = f"{HEAD}3\n3 1 0 0 5 5\n4 0.8 1 1 9 9\n0 0 5 5 20 15\n"

    def drawn(seed: int, cache: bool = False) -> list[Batch]:
        make = batches(tmp_path, text, "crop_size: 6 mirror: true", seed, cache, batch_size=5, fg_fraction=0.6)
        return [make() for _ in range(3)]

    first, again, other = drawn(1), drawn(1, cache=True), drawn(2)
    assert all((a.data == b.data).all() and (a.labels == b.labels).all() for a, b in zip(first, again, strict=True))
    assert any((a.data != b.data).any() for a, b in zip(first, other, strict=True))


def test_cached_images_are_read_once(tmp_path: Path, image: Array) -> None:
    make = batches(tmp_path, f"{HEAD}1\n1 1 0 0 5 5\n", cache=True)
    (tmp_path / "0.png").unlink()
    np.testing.assert_array_equal(make().data[0], image[:, :6, :6])


# cutting


def test_a_window_is_warped_to_the_crop(tmp_path: Path, image: Array) -> None:
    np.testing.assert_array_equal(one(tmp_path, "3 4 14 12"), warped(image[:, 4:13, 3:15], 6, 6))


def test_mean_and_scale(tmp_path: Path, image: Array) -> None:
    part = warped(image[:, 4:13, 3:15], 6, 6)
    out = one(tmp_path, "3 4 14 12", "crop_size: 6 scale: 0.5 mean_value: 1 mean_value: 2 mean_value: 3")
    np.testing.assert_array_equal(out, (part - np.array([1.0, 2, 3])[:, None, None]) * 0.5)
    mean = np.random.default_rng(0).uniform(0, 255, (1, 3, 9, 9)).astype(np.float32)
    write_blob(tmp_path / "mean", array_to_blob(mean))
    out = one(tmp_path, "3 4 14 12", 'crop_size: 6 mean_file: "mean"')
    np.testing.assert_array_equal(out, part - mean[0, :, 1:7, 1:7])


def test_context_is_cut_around_the_window(tmp_path: Path, image: Array) -> None:
    # 6 wide, warped to 12 with 3 of context: twice as wide, 3 more on each side
    out = one(tmp_path, "10 8 15 13", "crop_size: 12", context_pad=3)
    # centre 13, 11 and half 6: from 7 to 19, from 5 to 17
    np.testing.assert_array_equal(out, warped(image[:, 5:18, 7:20], 12, 12))


def test_context_beyond_the_image_stays_zero(tmp_path: Path) -> None:
    (tmp_path / "0.png").write_bytes(encoded(np.full((3, 20, 30), 200, np.uint8)))
    out = one(tmp_path, "0 0 9 9", "crop_size: 20 mean_value: 50", context_pad=5)
    # centre 5, half 10: from -5 to 15, 21 pixels of which 5 lie outside, and 5 * 20 / 21 rounds to 5
    assert (out[:, :5] == 0).all()
    assert (out[:, :, :5] == 0).all()
    assert (out[:, 5:, 5:] == 150).all()


def test_mirroring_mirrors_the_padding_too(tmp_path: Path) -> None:
    (tmp_path / "0.png").write_bytes(encoded(np.full((3, 20, 30), 200, np.uint8)))
    text, seen = f"{HEAD}1\n1 1 0 5 9 14\n", set()
    for seed in range(20):
        out = batches(tmp_path, text, "crop_size: 20 mirror: true", seed, context_pad=5)().data[0, 0]
        left, right = bool((out[:, :5] == 0).all()), bool((out[:, -5:] == 0).all())
        assert left != right
        assert (out != 0).sum() == 19 * 15, "the last row lies below the image"
        seen.add(left)
    assert seen == {False, True}


def test_a_square_is_as_wide_as_the_longer_side(tmp_path: Path, image: Array) -> None:
    # 4 wide and 8 high around 12, 10: half 4, from 8 to 16 and from 6 to 14
    out = one(tmp_path, "10 6 13 13", "crop_size: 9", square=True)
    np.testing.assert_array_equal(out, image[:, 6:15, 8:17])


def test_mirrored_windows(tmp_path: Path, image: Array) -> None:
    outs = [
        batches(tmp_path, f"{HEAD}1\n1 1 3 4 14 12\n", "crop_size: 6 mirror: true", seed)().data[0]
        for seed in range(20)
    ]
    plain = warped(image[:, 4:13, 3:15], 6, 6)
    kinds = {"plain" if (out == plain).all() else "mirrored" for out in outs}
    assert kinds == {"plain", "mirrored"}
    assert all((out == plain).all() or (out == plain[:, :, ::-1]).all() for out in outs)


@pytest.mark.parametrize("corners", ["0 0 30 5", "-1 0 5 5", "9 9 3 12", "0 0 5 20"])
def test_windows_outside_of_the_image(tmp_path: Path, image: Array, corners: str) -> None:
    with pytest.raises(
        FormatError, match=r"line 2 of .*: the window \[.*does not lie within the image, which has 30 c"
    ):
        one(tmp_path, corners)


@pytest.mark.parametrize("corners", ["100 100 110 110", "9 9 3 12"])
def test_windows_with_context_that_miss_the_image(tmp_path: Path, image: Array, corners: str) -> None:
    with pytest.raises(FormatError, match="does not lie within the image"):
        one(tmp_path, corners, "crop_size: 12", context_pad=3)


def test_what_cannot_be_drawn_or_does_not_fit(tmp_path: Path, image: Array) -> None:
    foreground = f"{HEAD}1\n1 1 0 0 5 5\n"
    with pytest.raises(NetError, match=r"no background windows \(overlap lower than bg_threshold\).*takes 2"):
        batches(tmp_path, foreground, batch_size=3, fg_fraction=0.5)
    with pytest.raises(NetError, match=r"no foreground windows \(overlap of at least fg_threshold\)"):
        batches(tmp_path, f"{HEAD}1\n0 0 0 0 5 5\n", batch_size=3, fg_fraction=0.5)
    with pytest.raises(ShapeError, match="mean_value once, or once for each of the 3 channels; got 2"):
        batches(tmp_path, foreground, "crop_size: 6 mean_value: 1 mean_value: 2")
    write_blob(tmp_path / "mean", array_to_blob(np.zeros((1, 3, 5, 5))))
    with pytest.raises(ShapeError, match="at least 6 rows and columns"):
        batches(tmp_path, foreground, 'crop_size: 6 mean_file: "mean"')
    (tmp_path / "0.png").unlink()
    with pytest.raises(NetError, match=r"the image of line 2 of '.*', '0\.png' was not found"):
        one(tmp_path, "0 0 5 5")
    (tmp_path / "0.png").write_bytes(encoded(pixels(0, 20, 30))[:200])
    with pytest.raises(FormatError, match=r"the image of line 2 of .* cannot be read as an image"):
        one(tmp_path, "0 0 5 5")
