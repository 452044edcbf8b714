"""Pooling equals its definition, with Caffe's rounding; its gradients are adjoint to it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from caffe_nb import rng
from caffe_nb.errors import ShapeError
from caffe_nb.ops import pooling
from caffe_nb.ops.window import Window
from tests.ops import naive
from tests.ops.drawn import Scene, relaxed, scenes

Array = NDArray[Any]


def window_of(kernel: int, stride: int = 1, pad: int = 0) -> Window:
    return Window((kernel,) * 2, (stride,) * 2, (pad,) * 2, (1, 1))


def maxima(images: Array, window: Window) -> tuple[Array, Array]:
    shape = images.shape[:2] + pooling.pooled_shape(images.shape[2:], window)
    out, mask = np.full(shape, np.nan, images.dtype), np.full(shape, -7, np.int32)
    pooling.max_pool(images, window, out, mask)
    return out, mask


def averages(images: Array, window: Window) -> Array:
    out = np.full(images.shape[:2] + pooling.pooled_shape(images.shape[2:], window), np.nan, images.dtype)
    pooling.average_pool(images, window, out)
    return out


@relaxed
@given(scenes(pooled=True), st.booleans())
def test_the_output_has_the_shape_of_caffes_rule(scene: Scene, ceil: bool) -> None:
    window, spatial = scene.window, scene.images.shape[2:]
    axes = zip(spatial, window.kernel, window.stride, window.pad, strict=True)
    wanted = tuple(naive.pooled_length(*lengths, padded=any(window.pad), ceil=ceil) for lengths in axes)
    if min(wanted) < 1:
        with pytest.raises(ShapeError):
            pooling.pooled_shape(spatial, window, ceil)
    else:
        assert pooling.pooled_shape(spatial, window, ceil) == wanted


@pytest.mark.parametrize(
    ("length", "kernel", "stride", "pad", "up", "down"),
    [
        (7, 3, 2, 0, 3, 3),
        (8, 3, 2, 0, 4, 3),  # the last window reaches over the edge
        (8, 3, 2, 1, 5, 4),
        (4, 2, 2, 1, 3, 3),
        (6, 2, 3, 1, 3, 3),
        (5, 2, 4, 1, 2, 2),  # the last window would start in the trailing pad, and is left out
    ],
)
def test_rounding(length: int, kernel: int, stride: int, pad: int, up: int, down: int) -> None:
    window = window_of(kernel, stride, pad)
    assert pooling.pooled_shape((length, length), window) == (up, up)
    assert pooling.pooled_shape((length, length), window, ceil=False) == (down, down)


def test_a_kernel_that_does_not_fit_is_refused_with_both_extents() -> None:
    with pytest.raises(ShapeError, match=r"kernel \(5, 5\).*image of \(3, 9\).*global_pooling"):
        pooling.pooled_shape((3, 9), window_of(5))


@relaxed
@given(scenes(pooled=True))
def test_maxima_and_their_places_equal_the_definition(scene: Scene) -> None:
    values, places = naive.pool(scene.images, scene.window, scene.output, "MAX")
    out, mask = maxima(scene.images, scene.window)
    np.testing.assert_array_equal(out, values)
    np.testing.assert_array_equal(mask, places)


@relaxed
@given(scenes(pooled=True))
def test_averages_equal_the_definition(scene: Scene) -> None:
    values, _ = naive.pool(scene.images, scene.window, scene.output, "AVE")
    np.testing.assert_allclose(averages(scene.images, scene.window), values, atol=1e-12)


@relaxed
@given(scenes(pooled=True))
def test_the_gradient_of_averages_is_adjoint_to_them(scene: Scene) -> None:
    out = averages(scene.images, scene.window)
    gradient = np.random.default_rng(0).standard_normal(out.shape)
    back = np.full(scene.images.shape, np.nan)
    pooling.average_gradient(gradient, scene.window, back)
    np.testing.assert_allclose((out * gradient).sum(), (scene.images * back).sum(), atol=1e-9)


@relaxed
@given(scenes(pooled=True))
def test_scatter_adds_to_the_places_of_the_mask(scene: Scene) -> None:
    out, mask = maxima(scene.images, scene.window)
    gradient = np.random.default_rng(0).standard_normal(out.shape)
    back = np.full(scene.images.shape, np.nan)
    pooling.scatter(gradient, mask, scene.window, back)
    wanted = np.zeros(scene.images.shape)
    for (n, c, i, j), place in np.ndenumerate(mask):
        if place >= 0:
            wanted[n, c].flat[place] += gradient[n, c, i, j]
    np.testing.assert_allclose(back, wanted, atol=1e-12)


@pytest.mark.parametrize("value", [np.nan, -np.inf])
def test_what_is_not_a_number_is_not_hidden(value: float) -> None:
    images: Array = np.full((1, 1, 2, 4), 1.0)
    images[0, 0, :, 2:] = value if np.isinf(value) else [[5, value], [7, 2]]
    out, mask = maxima(images, window_of(2, 2))
    assert out[0, 0, 0, 0] == 1
    np.testing.assert_equal(out[0, 0, 0, 1], value)
    assert mask[0, 0, 0, 1] == (2 if np.isinf(value) else 3)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_both_types_are_served_from_read_only_arrays(dtype: type) -> None:
    images: Array = np.arange(16, dtype=dtype).reshape(1, 1, 4, 4)
    images.flags.writeable = False
    np.testing.assert_array_equal(maxima(images, window_of(2, 2))[0][0, 0], [[5, 7], [13, 15]])
    np.testing.assert_array_equal(averages(images, window_of(2, 2))[0, 0], [[2.5, 4.5], [10.5, 12.5]])


def test_stochastic_pooling_draws_in_proportion_to_the_values() -> None:
    rng.set_random_seed(5)
    images = np.broadcast_to(np.array([[1.0, 0.0], [3.0, 4.0]]), (2000, 1, 2, 2)).copy()
    out, mask = np.empty((2000, 1, 1, 1)), np.empty((2000, 1, 1, 1), np.int32)
    pooling.stochastic_pool(images, window_of(2, 2), out, mask)
    shares = np.bincount(mask.ravel(), minlength=4) / 2000
    np.testing.assert_allclose(shares, [1 / 8, 0, 3 / 8, 4 / 8], atol=0.04)
    np.testing.assert_array_equal(out.ravel(), images.reshape(2000, 4)[np.arange(2000), mask.ravel()])


def test_the_expectation_of_stochastic_pooling() -> None:
    images = np.array([[[[1.0, 0.0], [3.0, 4.0]]], [[[0.0, 0.0], [0.0, 0.0]]]])
    out = np.full((2, 1, 1, 1), np.nan)
    pooling.expected_pool(images, window_of(2, 2), out)
    np.testing.assert_allclose(out.ravel(), [(1 + 9 + 16) / 8, 0])
