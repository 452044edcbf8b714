"""im2col lays out what the kernel sees; col2im is its adjoint."""

from __future__ import annotations

import numpy as np
from hypothesis import given

from caffe_nb.ops.im2col import col2im, columns_shape, im2col
from caffe_nb.ops.window import Window
from tests.ops.drawn import Scene, relaxed, scenes


def test_the_taps_of_a_small_image() -> None:
    image = np.arange(9.0).reshape(1, 1, 3, 3)
    columns = im2col(image, Window((2, 2), (1, 1), (0, 0), (1, 1)))
    assert columns.shape == (1, 2, 2, 1, 2, 2)
    np.testing.assert_array_equal(columns[0, 0, 0, 0], [[0, 1], [3, 4]])
    np.testing.assert_array_equal(columns[0, 1, 1, 0], [[4, 5], [7, 8]])


@relaxed
@given(scenes())
def test_columns_are_the_padded_image_at_each_tap(scene: Scene) -> None:
    images, window = scene.images, scene.window
    reach = [
        d * (k - 1) + s * o
        for k, s, o, d in zip(window.kernel, window.stride, scene.output, window.dilation, strict=True)
    ]
    padded = np.pad(images, [(0, 0), (0, 0), *((p, p + r) for p, r in zip(window.pad, reach, strict=True))])
    columns = im2col(images, window)
    assert columns.shape == columns_shape(images.shape, window)
    for tap in np.ndindex(window.kernel):
        starts = [t * d for t, d in zip(tap, window.dilation, strict=True)]
        cut = tuple(slice(a, a + s * o, s) for a, s, o in zip(starts, window.stride, scene.output, strict=True))
        np.testing.assert_array_equal(
            columns[(slice(None), *tap)], padded[(slice(None), slice(None), *cut)].swapaxes(0, 1)
        )


@relaxed
@given(scenes())
def test_col2im_is_the_adjoint_of_im2col(scene: Scene) -> None:
    images, window = scene.images, scene.window
    columns = im2col(images, window)
    other = np.random.default_rng(0).standard_normal(columns.shape)
    back = col2im(other, window, images.shape[2:])
    assert back.shape == images.shape
    np.testing.assert_allclose((columns * other).sum(), (images * back).sum(), rtol=1e-9, atol=1e-9)


@relaxed
@given(scenes())
def test_both_write_where_they_are_told_whatever_was_there(scene: Scene) -> None:
    images, window = scene.images, scene.window
    dirty = np.full(columns_shape(images.shape, window), np.nan)
    columns = im2col(images, window, dirty)
    assert columns is dirty
    np.testing.assert_array_equal(columns, im2col(images, window))
    out = np.full(images.shape, np.nan)
    assert col2im(columns, window, images.shape[2:], out) is out
    np.testing.assert_array_equal(out, col2im(columns, window, images.shape[2:]))


def test_the_type_is_kept() -> None:
    window = Window((3, 3), (1, 1), (1, 1), (1, 1))
    columns = im2col(np.ones((1, 2, 4, 4), np.float32), window)
    assert columns.dtype == np.float32
    assert col2im(columns, window, (4, 4)).dtype == np.float32
