"""Image files are decoded and resized to what OpenCV gives (figures made with it: tests/golden/files/opencv.npz)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from caffe_nb.data.images import decode, resize
from caffe_nb.errors import FormatError
from tests.data.made import encoded, pixels

Array = NDArray[Any]

with np.load(Path(__file__).parent.parent / "golden" / "files" / "opencv.npz") as stored:
    OPENCV: dict[str, Array] = {name: stored[name] for name in stored.files}

FILES = ["jpeg", "grey_jpeg", "png", "grey_png", "transparent_png", "palette_png", "two_png", "bmp", "turned_jpeg"]
WAYS = [("color", True), ("grey", False), ("kept", None)]


@pytest.mark.parametrize(("way", "color"), WAYS, ids=[way for way, _ in WAYS])
@pytest.mark.parametrize("name", FILES)
def test_a_file_becomes_what_opencv_makes_of_it(name: str, way: str, color: bool | None) -> None:
    wanted = OPENCV[f"{name}_{way}"]
    image = decode(OPENCV[name].tobytes(), color, "it")
    assert image.shape == wanted.shape
    assert image.dtype == np.uint8
    off = np.abs(image.astype(int) - wanted)
    exact = name.endswith("png") and way != "grey"
    assert off.max() <= (0 if exact else 2), "libraries differ in how they round weighted colours"
    assert off.mean() < 0.5


def test_sixteen_bits_become_eight_where_channels_are_asked_for() -> None:
    content = OPENCV["deep_png"].tobytes()
    for way, color in WAYS[:2]:
        np.testing.assert_array_equal(decode(content, color, "it"), OPENCV[f"deep_png_{way}"])
    with pytest.raises(FormatError, match="the image cannot be read as an image: its values have more than 8 bits"):
        decode(content, None, "the image")


@pytest.mark.parametrize("name", [name for name in OPENCV if name.startswith("resized")])
def test_resizing_gives_opencvs_values(name: str) -> None:
    height, width = map(int, name.removeprefix("resized_").split("x"))
    np.testing.assert_array_equal(resize(OPENCV["image"], height, width), OPENCV[name])
    one = resize(OPENCV["image"][:, :, :1], height, width)
    np.testing.assert_array_equal(one, OPENCV[name][:, :, :1])


def test_halving_takes_means() -> None:
    np.testing.assert_array_equal(resize(OPENCV["image"][:22, :30], 11, 15), OPENCV["halved_11x15"])


PNG = encoded(pixels(1, 40, 40))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "line 3 of 'x' is empty"),
        (b"not an image", "line 3 of 'x' cannot be read as an image: it is no JPEG, PNG or other image file"),
        (PNG[: len(PNG) // 2], "line 3 of 'x' cannot be read as an image: .*[Tt]runcated"),
        (PNG[:60] + bytes(40) + PNG[100:], "line 3 of 'x' cannot be read as an image: "),
        (encoded(pixels(1, 40, 40), "JPEG")[:400], "line 3 of 'x' cannot be read as an image: .*[Tt]runcated"),
    ],
    ids=["empty", "text", "cut png", "damaged png", "cut jpeg"],
)
def test_broken_files(content: bytes, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        decode(content, True, "line 3 of 'x'")
