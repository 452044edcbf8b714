"""Convolution of a whole batch in one product equals its definition, as that of an image at a time does."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caffe_nb.ops import convolution, merged
from caffe_nb.ops.parallel import set_threads, threads
from caffe_nb.ops.window import Window
from tests.ops import naive
from tests.ops.drawn import Scene, relaxed, scenes


@relaxed
@given(scenes(), st.booleans())
def test_it_equals_the_definition(scene: Scene, biased: bool) -> None:
    random = np.random.default_rng(1)
    weight = random.standard_normal((3, scene.images.shape[1], *scene.window.kernel))
    bias = random.standard_normal(3) if biased else None
    wanted = naive.convolve(scene.images, weight, bias, scene.window, 1)
    out = np.full_like(wanted, np.nan)
    merged.convolve(scene.images, weight, bias, scene.window, out)
    np.testing.assert_allclose(out, wanted, rtol=1e-9, atol=1e-9)


@relaxed
@given(scenes())
def test_the_gradients_are_those_of_an_image_at_a_time(scene: Scene) -> None:
    random = np.random.default_rng(2)
    weight = random.standard_normal((3, scene.images.shape[1], *scene.window.kernel))
    shape = naive.convolve(scene.images, weight, None, scene.window, 1).shape
    gradient = random.standard_normal(shape)
    by_weight, by_image = np.ones_like(weight), np.full_like(scene.images, np.nan)
    merged.gradients(scene.images, gradient, weight, scene.window, by_weight, by_image)
    wanted_weight, wanted_image = np.ones_like(weight), np.empty_like(scene.images)
    convolution.add_weight_gradient(scene.images, gradient, scene.window, 1, wanted_weight)
    convolution.input_gradient(gradient, weight, scene.window, 1, wanted_image)
    np.testing.assert_allclose(by_weight, wanted_weight, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(by_image, wanted_image, rtol=1e-9, atol=1e-9)


def test_a_batch_of_small_images_goes_this_way_and_threads_change_nothing_but_rounding() -> None:
    random = np.random.default_rng(3)
    images, weight = random.standard_normal((4, 256, 7, 7)), random.standard_normal((256, 256, 3, 3))
    window = Window((3, 3), (1, 1), (1, 1), (1, 1))
    assert merged.pays(images, weight, window, 1)
    out, alone = np.empty((4, 256, 7, 7)), np.empty((1, 256, 7, 7))
    convolution.convolve(images, weight, None, window, 1, out)
    convolution.convolve(images[2:3], weight, None, window, 1, alone)
    np.testing.assert_allclose(out[2:3], alone, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("channels", "maps"), [(0, 3), (3, 0)])
@pytest.mark.parametrize("count", [1, 4])
def test_images_without_channels_or_maps_are_convolved_like_others(channels: int, maps: int, count: int) -> None:
    images, weight = np.ones((count, channels, 7, 7)), np.ones((maps, channels, 3, 3))
    out = np.full((count, maps, 5, 5), np.nan)
    before = threads()
    set_threads(8)  # so that even four are few
    try:
        convolution.convolve(images, weight, np.ones(maps), Window((3, 3), (1, 1), (0, 0), (1, 1)), 1, out)
    finally:
        set_threads(before)
    assert (out == 1).all()
