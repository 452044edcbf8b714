"""Winograd's way gives what the definition gives, to float32's accuracy, and leaves to others what it cannot do."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from caffe_nb.ops import convolution, winograd
from caffe_nb.ops.window import Window

Array = NDArray[Any]
# images, maps, groups, pad
SCENES = [
    ((4, 16, 16, 16), 16, 1, (1, 1)),
    ((3, 32, 19, 23), 48, 1, (0, 2)),
    ((2, 64, 25, 22), 32, 2, (1, 0)),
    ((20, 16, 5, 6), 17, 1, (1, 1)),
]


def window(pad: tuple[int, ...]) -> Window:
    return Window((3, 3), (1, 1), pad, (1, 1))


def scene(shape: tuple[int, ...], maps: int, groups: int) -> tuple[Array, Array, Array]:
    rng = np.random.default_rng(0)
    images = rng.standard_normal(shape, np.float32)
    return (
        images,
        rng.standard_normal((maps, shape[1] // groups, 3, 3), np.float32),
        rng.standard_normal(maps, np.float32),
    )


def wide(*arrays: Array) -> list[Array]:
    """In float64, which goes over columns."""
    return [array.astype(np.float64) for array in arrays]


def close(got: Array, wanted: Array) -> None:
    assert np.abs(got - wanted).max() < 3e-5 * np.abs(wanted).max()


@pytest.mark.parametrize(("shape", "maps", "groups", "pad"), SCENES)
@pytest.mark.parametrize("chunk", [1, winograd.CHUNK])
def test_results_and_gradients_are_those_of_the_definition(
    shape: tuple[int, ...], maps: int, groups: int, pad: tuple[int, int], chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(winograd, "CHUNK", chunk)
    monkeypatch.setattr(winograd, "CHUNK_TILES", chunk)
    images, weight, bias = scene(shape, maps, groups)
    how = winograd.plan(shape, maps, window(pad), groups, images.dtype)
    assert how is not None
    got, wanted = np.full(how.results, np.nan, np.float32), np.empty(how.results)
    assert winograd.convolve(how, images, weight, bias, got)
    convolution.convolve(*wide(images, weight, bias), window(pad), groups, wanted)
    close(got, wanted)

    gradient = np.random.default_rng(1).standard_normal(how.results, np.float32)
    d_weight, d_images = np.ones_like(weight), np.full_like(images, np.nan)
    assert winograd.gradients(how, images, gradient, weight, d_weight, d_images)
    w_weight, w_images = np.ones(weight.shape), np.empty(shape)
    convolution.gradients(*wide(images, gradient, weight), window(pad), groups, w_weight, w_images)
    close(d_weight, w_weight)
    close(d_images, w_images)


def test_what_is_not_finite_stays_where_it_is() -> None:
    images, weight, _ = scene((4, 16, 16, 16), 16, 1)
    images[1, 2, 8, 8] = np.inf
    out = np.empty((4, 16, 16, 16), np.float32)
    with np.errstate(invalid="ignore"):
        convolution.convolve(images, weight, None, window((1, 1)), 1, out)
    reached = np.zeros(out.shape, bool)
    reached[1, :, 7:10, 7:10] = True
    np.testing.assert_array_equal(np.isinf(out), reached)


@pytest.mark.parametrize("where", ["images", "gradient", "weight"])
def test_gradients_of_what_is_not_finite_are_those_of_columns(where: str) -> None:
    images, weight, _ = scene((4, 16, 16, 16), 16, 1)
    gradient = np.random.default_rng(1).standard_normal((4, 16, 16, 16), np.float32)
    {"images": images, "gradient": gradient, "weight": weight}[where][1, 2, 1, 1] = np.nan
    d_weight, d_images = np.zeros_like(weight), np.empty_like(images)
    w_weight, w_images = np.zeros_like(weight), np.empty_like(images)
    with np.errstate(invalid="ignore"):
        convolution.gradients(images, gradient, weight, window((1, 1)), 1, d_weight, d_images)
        convolution.add_weight_gradient(images, gradient, window((1, 1)), 1, w_weight)
        convolution.input_gradient(gradient, weight, window((1, 1)), 1, w_images)
    np.testing.assert_array_equal(np.isnan(d_weight), np.isnan(w_weight))
    np.testing.assert_array_equal(np.isnan(d_images), np.isnan(w_images))


@pytest.mark.parametrize(
    ("shape", "maps", "groups", "other", "dtype"),
    [
        ((4, 16, 16, 16), 16, 1, Window((3, 3), (2, 1), (1, 1), (1, 1)), np.float32),
        ((4, 16, 16, 16), 16, 1, Window((3, 3), (1, 1), (1, 1), (1, 2)), np.float32),
        ((4, 16, 16, 16), 16, 1, Window((3, 5), (1, 1), (1, 1), (1, 1)), np.float32),
        ((4, 16, 16, 16), 16, 1, Window((3, 3), (1, 1), (1, 1), (1, 1)), np.float64),
        ((4, 3, 16, 16), 16, 1, Window((3, 3), (1, 1), (1, 1), (1, 1)), np.float32),
        ((4, 32, 16, 16), 32, 4, Window((3, 3), (1, 1), (1, 1), (1, 1)), np.float32),
        ((1, 16, 8, 8), 16, 1, Window((3, 3), (1, 1), (1, 1), (1, 1)), np.float32),
    ],
)
def test_other_convolutions_are_left_to_others(
    shape: tuple[int, ...], maps: int, groups: int, other: Window, dtype: type
) -> None:
    assert winograd.plan(shape, maps, other, groups, np.dtype(dtype)) is None
