"""A blob in a notebook's output: pictures of data and diff with the exact figures of the whole blob."""

import io
import re
from base64 import b64decode

import numpy as np
import pytest
from PIL import Image

from caffe_nb.core.blob import Blob
from caffe_nb.inspector.palette import LIGHT, category_colours


def pictures(html: str) -> list[Image.Image]:
    """Return the pictures in a blob's HTML."""
    found = re.findall(r"src='data:image/png;base64,([^']*)'", html)
    return [Image.open(io.BytesIO(b64decode(data))).convert("RGBA") for data in found]


def colour(image: Image.Image, row: int, col: int, side: int) -> tuple[int, ...]:
    """Return the colour of an element, in a picture of elements of so many pixels."""
    found = image.getpixel((col * side + side // 2, row * side + side // 2))
    assert isinstance(found, tuple)
    return found[:3]


def test_a_blob_shows_shape_type_and_the_figures_of_data_and_diff() -> None:
    blob = Blob(2, 2)
    blob.data = [[0, 1], [2, 5]]
    blob.diff = -3
    versions = blob.version, blob.diff_version
    html = blob._repr_html_()
    assert "2 x 2 float32, 4 elements" in html
    for text in ("data", "diff", "5", "-3", "25.0%", "100.0%"):
        assert f">{text}<" in html
    assert (blob.version, blob.diff_version) == versions


def test_data_and_diff_are_pictures_and_a_diff_of_zeros_is_none() -> None:
    blob = Blob(4, 6)
    blob.data = 1
    assert len(pictures(blob._repr_html_())) == 1
    blob.diff[0, 0] = 1
    data, diff = pictures(blob._repr_html_())
    assert data.size == diff.size == (6 * 24, 4 * 24)


def test_zero_is_near_white_positive_red_negative_blue_and_what_is_no_number_stands_out() -> None:
    blob = Blob(2, 3)
    blob.data = [[0, 0.5, -0.5], [np.nan, np.inf, -np.inf]]
    (image,) = pictures(blob._repr_html_())
    zero, red, blue, nan, plus, minus = (colour(image, row, col, 24) for row in (0, 1) for col in (0, 1, 2))
    assert min(zero) > 240
    assert red[0] > red[2]
    assert blue[2] > blue[0]
    assert len({zero, red, blue, nan, plus, minus}) == 6


def test_colours_are_the_panels_and_mark_what_is_beyond_the_scale() -> None:
    blob = Blob(1, 400)
    blob.data = 0.5
    blob.data[0, :3] = 0, 1000, -1000
    html = blob._repr_html_()
    assert "marked beyond" in html
    (image,) = pictures(html)
    side = image.width // 400
    assert [colour(image, 0, at, side) for at in (0, 1, 2)] == [LIGHT.positive[0], LIGHT.above, LIGHT.below]
    blob.data = np.linspace(-1, 1, 400)
    (image,) = pictures(blob._repr_html_())
    assert colour(image, 0, 399, side) == LIGHT.positive[-1]
    assert colour(image, 0, 0, side) == LIGHT.negative[-1]
    blob.data[0, :3] = np.nan, np.inf, -np.inf
    (image,) = pictures(blob._repr_html_())
    strange = [LIGHT.nan, LIGHT.positive_infinity, LIGHT.negative_infinity]
    assert [colour(image, 0, at, side) for at in (0, 1, 2)] == strange


def test_whole_numbers_are_categories_in_the_panels_colours_with_a_legend() -> None:
    blob = Blob(1, 5)
    blob.data = [0, 1, 7, 8, 27]
    html = blob._repr_html_()
    (image,) = pictures(html)
    side = image.width // 5
    shown = [colour(image, 0, at, side) for at in range(5)]
    expected = category_colours([0, 1, 7, 8, 27], LIGHT)
    assert shown == list(expected.values())
    assert len(set(shown)) == 5
    for value, shade in expected.items():
        assert f"<span style='color:rgb{shade}'>&#9632;</span>&nbsp;{value}" in html
    assert "full colour" not in html


def test_labels_that_are_too_many_for_a_picture_are_picked_not_averaged() -> None:
    blob = Blob(1000, 1000)
    blob.data = np.random.default_rng(0).integers(0, 2, (1000, 1000))
    (image,) = pictures(blob._repr_html_())
    found = {each for _, each in image.convert("RGB").getcolors() or []}
    assert found == set(category_colours([0, 1], LIGHT).values())


def test_one_large_value_does_not_hide_the_others() -> None:
    blob = Blob(100, 100)
    blob.data = np.random.default_rng(0).standard_normal((100, 100))
    blob.data[0, 0] = 1e6
    text = re.search(r"full colour at ±([0-9.e+]+)", blob._repr_html_())
    assert text is not None
    assert float(text[1]) < 1e5


@pytest.mark.parametrize(
    "shape",
    [(), (1,), (100_000,), (3, 1000, 1000), (512, 3, 3), (64, 3, 11, 11), (16, 128, 7, 7), (2,) * 10, (1, 1_000_000)],
    ids=str,
)
def test_whatever_its_shape_a_blob_takes_little_room(shape: tuple[int, ...]) -> None:
    blob = Blob(*shape)
    blob.data = np.random.default_rng(0).standard_normal(shape)
    blob.diff = blob.const_data
    html = blob._repr_html_()
    assert len(html) < 200_000
    for image in pictures(html):
        assert max(image.size) <= 4096
        assert min(image.size) >= 1


def test_a_scalar_and_an_empty_blob_have_a_table_too() -> None:
    assert "scalar" in Blob()._repr_html_()
    empty = Blob(0, 4)._repr_html_()
    assert "0 x 4" in empty
    assert pictures(empty) == []


def test_figures_are_of_the_finite_values() -> None:
    blob = Blob(4)
    blob.data = [1, 3, np.nan, np.inf]
    cells = re.findall(r"<td[^>]*>([^<]*)</td>", blob._repr_html_())[-16:]
    assert cells[:8] == ["1", "3", "2", "1", "0.0%", "0.0%", "1", "1"]
    blob.data = np.nan
    assert ">-<" in blob._repr_html_()
