"""Convolution equals its definition, and its gradients are adjoint to it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from caffe_nb.ops import convolution
from caffe_nb.ops.window import Window
from tests.ops import naive
from tests.ops.drawn import Scene, relaxed, scenes

Array = NDArray[Any]


def convolved(images: Array, weight: Array, bias: Array | None, window: Window, groups: int) -> Array:
    out = np.full((images.shape[0], weight.shape[0], *window.output_shape(images.shape[2:])), np.nan, images.dtype)
    convolution.convolve(images, weight, bias, window, groups, out)
    return out


def kernels(scene: Scene, groups: int, seed: int = 1) -> tuple[Array, Array]:
    """Two maps a group, for images whose channels were repeated for each group."""
    shape = (2 * groups, scene.images.shape[1], *scene.window.kernel)
    rng = np.random.default_rng(seed)
    return rng.standard_normal(shape), rng.standard_normal(2 * groups)


@relaxed
@given(scenes(), st.integers(1, 3), st.booleans())
def test_it_equals_the_definition(scene: Scene, groups: int, biased: bool) -> None:
    images = np.concatenate([scene.images + g for g in range(groups)], axis=1)
    weight, bias = kernels(scene, groups)
    wanted = naive.convolve(images, weight, bias if biased else None, scene.window, groups)
    got = convolved(images, weight, bias if biased else None, scene.window, groups)
    np.testing.assert_allclose(got, wanted, rtol=1e-9, atol=1e-9)


@relaxed
@given(scenes(), st.integers(1, 3))
def test_the_gradients_are_adjoint_to_it(scene: Scene, groups: int) -> None:
    images = np.concatenate([scene.images + g for g in range(groups)], axis=1)
    weight, _ = kernels(scene, groups)
    result = convolved(images, weight, None, scene.window, groups)
    gradient = np.random.default_rng(2).standard_normal(result.shape)
    by_image = np.full(images.shape, np.nan)
    convolution.input_gradient(gradient, weight, scene.window, groups, by_image)
    by_weight = np.zeros(weight.shape)
    convolution.add_weight_gradient(images, gradient, scene.window, groups, by_weight)
    total = (result * gradient).sum()
    np.testing.assert_allclose((images * by_image).sum(), total, rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose((weight * by_weight).sum(), total, rtol=1e-8, atol=1e-8)


def test_the_weight_gradient_is_added() -> None:
    window = Window((2, 2), (1, 1), (0, 0), (1, 1))
    images, gradient = np.ones((1, 1, 3, 3)), np.ones((1, 1, 2, 2))
    out = np.full((1, 1, 2, 2), 100.0)
    convolution.add_weight_gradient(images, gradient, window, 1, out)
    np.testing.assert_array_equal(out, np.full((1, 1, 2, 2), 104.0))


@pytest.mark.parametrize("kernel", [(1, 1), (3, 2)])
def test_a_batch_in_pieces_gives_the_same(kernel: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    window = Window(kernel, (1, 1), (0, 0), (1, 1))
    rng = np.random.default_rng(3)
    images, weight, bias = rng.standard_normal((5, 2, 6, 7)), rng.standard_normal((4, 1, *kernel)), np.ones(4)

    def run() -> list[Array]:
        result = convolved(images, weight, bias, window, 2)
        by_weight, by_image = np.zeros(weight.shape), np.empty(images.shape)
        convolution.add_weight_gradient(images, result, window, 2, by_weight)
        convolution.input_gradient(result, weight, window, 2, by_image)
        return [result, by_weight, by_image]

    whole = run()
    one_image = 2 * np.prod(kernel) * np.prod(window.output_shape((6, 7))) * images.itemsize
    for budget in (1, 2 * one_image):
        monkeypatch.setattr(convolution, "PIECE_BYTES", int(budget))
        for pieces, once in zip(run(), whole, strict=True):
            np.testing.assert_allclose(pieces, once, rtol=1e-12, atol=1e-12)


def test_without_spatial_axes_it_is_a_matrix_product() -> None:
    window = Window((), (), (), ())
    rng = np.random.default_rng(4)
    images, weight = rng.standard_normal((3, 5)), rng.standard_normal((2, 5))
    np.testing.assert_allclose(convolved(images, weight, None, window, 1), images @ weight.T)
