"""How many windows fit, and what each tap sees."""

from __future__ import annotations

import pytest
from hypothesis import given

from caffe_nb.errors import ShapeError
from caffe_nb.ops.window import Window
from tests.ops import naive
from tests.ops.drawn import Scene, relaxed, scenes


@relaxed
@given(scenes())
def test_the_output_has_the_shape_of_caffes_rule(scene: Scene) -> None:
    spatial = scene.images.shape[2:]
    assert scene.window.output_shape(spatial) == naive.output_shape(spatial, scene.window)


@relaxed
@given(scenes())
def test_every_tap_sees_exactly_the_pixels_that_lie_in_the_image(scene: Scene) -> None:
    spatial, window = scene.images.shape[2:], scene.window
    seen = {
        (tap, axis, w, x)
        for tap, windows, pixels in window.positions(spatial, scene.output)
        for axis, (ws, xs) in enumerate(zip(windows, pixels, strict=True))
        for w, x in zip(range(scene.output[axis])[ws], range(spatial[axis])[xs], strict=True)
    }
    wanted = {
        (tap, axis, w, w * window.stride[axis] - window.pad[axis] + tap[axis] * window.dilation[axis])
        for tap, _, _ in window.positions(spatial, scene.output)
        for axis in range(len(spatial))
        for w in range(scene.output[axis])
    }
    assert seen == {(tap, axis, w, x) for tap, axis, w, x in wanted if 0 <= x < spatial[axis]}


def test_a_kernel_that_does_not_fit_is_refused_with_both_extents() -> None:
    window = Window((7, 7), (1, 1), (1, 1), (1, 1))
    with pytest.raises(ShapeError, match=r"kernel \(7, 7\).*pad \(1, 1\).*image of \(3, 9\)"):
        window.output_shape((3, 9))


def test_a_kernel_too_large_by_less_than_a_stride_leaves_one_window() -> None:
    assert Window((3,), (2,), (0,), (1,)).output_shape((2,)) == (1,)
