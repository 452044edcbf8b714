"""SSD's resize_param: sizes, borders, interpolations; and what of its augmentations is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from google.protobuf import text_format
from numpy.typing import NDArray

from caffe_nb.core.layer import Phase
from caffe_nb.data.resample import Interpolation, resample
from caffe_nb.data.resizer import Resizer
from caffe_nb.data.transformer import Transformer
from caffe_nb.errors import CaffeError, NetError
from caffe_nb.proto import caffe_pb2
from tests.data.made import pixels

Array = NDArray[Any]

IMAGE = pixels(0, 6, 9)


def made(text: str, phase: Phase = Phase.TEST) -> Resizer:
    return Resizer(text_format.Parse(text, caffe_pb2.ResizeParameter()), phase)


def transformer(text: str, phase: Phase = Phase.TEST) -> Transformer:
    return Transformer(text_format.Parse(text, caffe_pb2.TransformationParameter()), phase, np.float32, None)


@pytest.mark.parametrize(
    ("mode", "image", "size"),
    [
        ("WARP", (6, 9), (4, 4)),
        ("FIT_SMALL_SIZE", (6, 9), (4, 6)),
        ("FIT_SMALL_SIZE", (9, 6), (6, 4)),
        ("FIT_SMALL_SIZE", (8, 1), (32, 4)),
        ("FIT_LARGE_SIZE_AND_PAD", (6, 9), (4, 4)),
    ],
)
def test_sizes(mode: str, image: tuple[int, int], size: tuple[int, int]) -> None:
    resizer = made(f"resize_mode: {mode} height: 4 width: 4")
    assert resizer.size(*image) == size
    assert resizer(np.zeros((1, *image), np.uint8), None, "it").shape == (1, *size)


def test_the_interpolation_is_linear_unless_the_text_says_otherwise() -> None:
    for text, mode in (("", Interpolation.LINEAR), ("interp_mode: AREA interp_mode: CUBIC", Interpolation.AREA)):
        resized = made(f"height: 3 width: 5 {text}")(IMAGE, None, "it")
        np.testing.assert_array_equal(resized, resample(IMAGE.transpose(1, 2, 0), 3, 5, mode).transpose(2, 0, 1))


def test_training_draws_among_the_interpolations() -> None:
    text = "height: 3 width: 5 interp_mode: LINEAR interp_mode: AREA interp_mode: NEAREST"
    assert not made(text).random
    resizer = made(text, Phase.TRAIN)
    assert resizer.random
    draw = np.random.default_rng(0)
    seen = {resizer(IMAGE, draw, "it").tobytes() for _ in range(40)}
    modes = (Interpolation.LINEAR, Interpolation.AREA, Interpolation.NEAREST)
    wanted = (resample(IMAGE.transpose(1, 2, 0), 3, 5, mode).transpose(2, 0, 1) for mode in modes)
    assert seen == {image.tobytes() for image in wanted}


PADDED = "resize_mode: FIT_LARGE_SIZE_AND_PAD height: 9 width: 9 "


@pytest.mark.parametrize(
    ("text", "above", "below"),
    [
        ("", [0] * 3, [0] * 3),
        ("pad_value: 7", [7] * 3, [7] * 3),
        ("pad_value: 7 pad_value: 8 pad_value: 9", [7, 8, 9], [7, 8, 9]),
        ("pad_mode: REPEAT_NEAREST", IMAGE[:, 0], IMAGE[:, 5]),
        ("pad_mode: MIRRORED", IMAGE[:, 1], IMAGE[:, 4]),
    ],
)
def test_borders(text: str, above: Any, below: Any) -> None:
    image = made(PADDED + text)(IMAGE, None, "it")
    np.testing.assert_array_equal(image[:, 1:7], IMAGE)  # 3 rows of border: 1 above, 2 below
    for row, values in ((0, above), (7, below)):
        np.testing.assert_array_equal(image[:, row], np.broadcast_to(np.asarray(values).reshape(3, -1), (3, 9)))


def test_the_mean_is_for_the_resized_image() -> None:
    resizing = "resize_param { height: 4 width: 6 }"
    run = transformer(f"{resizing} mean_value: 10 scale: 0.5 crop_size: 4")
    assert run.shape(IMAGE.shape, "it") == (3, 4, 4)
    out = np.empty((3, 4, 4), np.float32)
    run(IMAGE, out, None, "it")
    whole = made("height: 4 width: 6")(IMAGE, None, "it")
    np.testing.assert_array_equal(out, (whole[:, :, 1:5] - 10.0) * 0.5)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("height: 4", "needs height and width, .* got 4 and 0"),
        ("height: 99999 width: 99999", "of at most 268435456 pixels together"),
        ("height: 4 width: 4 prob: 0.5", r"prob: 0\.5 } would leave some images as they are"),
    ],
)
def test_settings_that_are_refused(text: str, message: str) -> None:
    with pytest.raises(NetError, match=message):
        made(text)


def test_images_that_are_refused() -> None:
    with pytest.raises(NetError, match="it has values of type float32; resize_param is for images of bytes"):
        made("height: 4 width: 4")(IMAGE.astype(np.float32), None, "it")
    with pytest.raises(CaffeError, match="once for each of the 3 channels of it; it is given 2 times"):
        made(PADDED + "pad_value: 1 pad_value: 2")(IMAGE, None, "it")
    with pytest.raises(CaffeError, match=r"it, \(1, 100000\), becomes \(4000, 400000000\)"):
        made("resize_mode: FIT_SMALL_SIZE height: 4000 width: 4000")(
            np.broadcast_to(np.uint8(0), (1, 1, 100000)), None, "it"
        )


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("distort_param { hue_prob: 0.5 hue_delta: 18 }", "distort_param of SSD's fork is"),
        ("expand_param { prob: 0.5 max_expand_ratio: 4 }", "expand_param of SSD's fork is"),
        ("noise_param { gauss_blur: true } expand_param { max_expand_ratio: 2 }", "noise_param, expand_param of SSD's"),
        ("noise_param { jpeg: 50 }", "noise_param of SSD's fork is"),
        ("noise_param { saltpepper: true }", "noise_param of SSD's fork is"),
    ],
)
def test_augmentations_that_are_not_there_are_refused(text: str, names: str) -> None:
    with pytest.raises(NetError, match=f"{names}.* not supported"):
        transformer(text)


@pytest.mark.parametrize(
    "text",
    [
        "distort_param { hue_prob: 0 hue_delta: 18 }",
        "expand_param { prob: 0 max_expand_ratio: 4 }",
        "noise_param { hist_eq: false }",
        "emit_constraint { emit_type: CENTER }",
    ],
)
def test_augmentations_that_do_nothing_are_passed_over(text: str) -> None:
    out = np.empty(IMAGE.shape, np.float32)
    transformer(text, Phase.TRAIN)(IMAGE, out, None, "it")
    np.testing.assert_array_equal(out, IMAGE)
