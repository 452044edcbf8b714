"""What Deconvolution, Im2col, Crop and SPP refuse, and the sizes that they follow."""

from __future__ import annotations

import numpy as np
import pytest

from caffe_nb.errors import CaffeError, ShapeError
from tests.layers.test_vision_settings import X, built

SMALL = (2, 1, 3, 4)


@pytest.mark.parametrize(
    ("text", "shape", "message"),
    [
        ("kernel_size: 3", X, "num_output and group must be at least 1"),
        ("num_output: 4", X, "kernel_size must be given once"),
        ("num_output: 4 kernel_size: 2 group: 2", X, r"group \(2\) must divide both the channels \(3\)"),
        ("num_output: 4 kernel_size: 2 pad: 4", X, r"nothing is left of the output.*\(6, 5\).*gives \(-1, -2\)"),
        ("num_output: 4 kernel_size: 2 axis: 4", X, "axis 4 does not exist"),
        ("num_output: 1 kernel_size: 6000 pad: 3000", (1, 1, 60, 60), "129,600,000,000 values for one image, over"),
    ],
)
def test_deconvolutions_that_are_refused(text: str, shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(CaffeError, match=message):
        built(f'type: "Deconvolution" convolution_param {{ {text} }}', [shape])


def test_a_convolution_whose_columns_cannot_be_counted_is_refused() -> None:
    text = 'type: "Convolution" convolution_param { num_output: 1 kernel_size: 2000 pad: 1000 }'
    with pytest.raises(ShapeError, match="needs 16,016,004,000,000 values for one image"):
        built(text, [(1, 1, 2000, 2000)])


def test_a_deconvolution_takes_images_of_another_size() -> None:
    layer, bottom, top = built('type: "Deconvolution" convolution_param { num_output: 4 kernel_size: 3 }', [X])
    bottom[0].reshape(1, 3, 9, 10)
    layer.reshape(bottom, top)
    assert top[0].shape == (1, 4, 11, 12)
    bottom[0].reshape(1, 4, 9, 10)
    with pytest.raises(ShapeError, match="with 3 channels on axis 1"):
        layer.reshape(bottom, top)


def test_a_bilinear_deconvolution_interpolates() -> None:
    text = """type: "Deconvolution" convolution_param { num_output: 1 kernel_size: 4 stride: 2 pad: 1 bias_term: false
              weight_filler { type: "bilinear" } }"""
    layer, bottom, top = built(text, [(1, 1, 1, 6)])
    bottom[0].reshape(1, 1, 6, 6)
    bottom[0].data = np.arange(6)
    layer.reshape(bottom, top)
    layer.forward(bottom, top)
    np.testing.assert_allclose(top[0].const_data[0, 0, 5, 2:10], np.arange(0.75, 4.5, 0.5), rtol=1e-6)


@pytest.mark.parametrize(
    ("text", "shape", "message"),
    [
        ("", X, "kernel_size must be given once.*it is given not at all"),
        ("kernel_size: 9", X, r"kernel \(9, 9\).*does not fit"),
        ("kernel_size: 1", (2, 3), "at least one spatial axis after axis 1"),
        ("kernel_size: 2 stride: 0", X, "stride must be at least 1"),
    ],
)
def test_columns_that_are_refused(text: str, shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(CaffeError, match=message):
        built(f'type: "Im2col" convolution_param {{ {text} }}', [shape])


def test_columns_keep_their_number_of_axes() -> None:
    layer, bottom, top = built('type: "Im2col" convolution_param { kernel_size: 2 }', [X])
    bottom[0].reshape(2, 3, 9)
    with pytest.raises(ShapeError, match=r"for 4 axes, got a bottom of shape \(2, 3, 9\)"):
        layer.reshape(bottom, top)


@pytest.mark.parametrize(
    ("text", "reference", "message"),
    [
        ("offset: 4", SMALL, r"edge of axis 2: offset 4 and length 3 .* end at 7, but bottom\[0\] .* ends at 6"),
        ("axis: 1 offset: 1", (2, 3, 3, 3), "edge of axis 1: offset 1 and length 3"),
        ("offset: 1 offset: 1 offset: 1", SMALL, "there are 3 offsets for the 2 axes that are cut"),
        ("axis: 4", SMALL, "axis 4 does not exist"),
        ("", (2, 3), r"reference must have the axes of bottom\[0\], \(2, 3, 6, 5\), got one of shape \(2, 3\)"),
    ],
)
def test_crops_that_are_refused(text: str, reference: tuple[int, ...], message: str) -> None:
    with pytest.raises(CaffeError, match=message):
        built(f'type: "Crop" crop_param {{ {text} }}', [X, reference], tops=1)


@pytest.mark.parametrize(
    ("text", "shape", "message"),
    [
        ("", X, "pyramid_height, the number of levels, must be at least 1"),
        (
            "pyramid_height: 4",
            X,
            r"pyramid_height 4 is too high for an image of \(6, 5\): level 2, with 4 windows .* use at most 2",
        ),
        (
            "pyramid_height: 4000000000",
            (1, 1, 8, 8),
            "level 4, with 16 windows along an axis, has some that see only padding; use at most 4",
        ),
        ("pyramid_height: 2 pool: STOCHASTIC", X, "STOCHASTIC pooling does not take a pad"),
        ("pyramid_height: 2", (2, 3, 6), r"4 axes, \(N, C, H, W\), with at least one pixel, got shape \(2, 3, 6\)"),
        ("pyramid_height: 2", (2, 3, 0, 6), r"at least one pixel, got shape \(2, 3, 0, 6\)"),
    ],
)
def test_pyramids_that_are_refused(text: str, shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(CaffeError, match=message):
        built(f'type: "SPP" spp_param {{ {text} }}', [shape])


@pytest.mark.parametrize("size", [(4, 4), (6, 7), (13, 6), (9, 16), (31, 10)])
def test_a_pyramid_gives_as_many_values_for_images_of_any_size(size: tuple[int, int]) -> None:
    layer, bottom, top = built('type: "SPP" spp_param { pyramid_height: 3 }', [(2, 3, 8, 8)])
    bottom[0].reshape(1, 3, *size)
    bottom[0].data = np.random.default_rng(0).standard_normal(bottom[0].shape)
    layer.reshape(bottom, top)
    layer.forward(bottom, top)
    assert top[0].shape == (1, 63)
    np.testing.assert_array_equal(top[0].const_data[0, :3], bottom[0].const_data[0].max(axis=(1, 2)))


def test_a_pyramid_finds_its_gradient_after_a_reshape_that_changes_nothing() -> None:
    layer, bottom, top = built('type: "SPP" spp_param { pyramid_height: 2 }', [X])
    bottom[0].data = np.random.default_rng(0).standard_normal(X)
    layer.forward(bottom, top)
    layer.reshape(bottom, top)
    top[0].diff = 1
    layer.backward(top, [True], bottom)
    assert bottom[0].const_diff.sum() == pytest.approx(top[0].count)
