"""Views are small whatever the blob's size, and figures are those of the whole blob."""

import math
import time
import tracemalloc

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from caffe_nb.inspector.distribution import distribution
from caffe_nb.inspector.messages import MAX_VIEW_BYTES
from caffe_nb.inspector.sample import default_axes, statistics, view


@pytest.mark.parametrize(
    ("shape", "axes"),
    [
        ((), (-1, -1, -1)),
        ((5,), (-1, -1, 0)),
        ((3, 4), (-1, 0, 1)),
        ((2, 3, 4), (0, 1, 2)),
        ((2, 3, 4, 5), (1, 2, 3)),
        ((7, 1, 4, 5), (0, 2, 3)),
        ((6, 5, 1, 1), (-1, 0, 1)),
        ((2, 3, 4, 5, 6), (2, 3, 4)),
    ],
)
def test_images_are_shown_by_channels_and_one_channel_by_images(shape: tuple[int, ...], axes: tuple[int, ...]) -> None:
    assert default_axes(shape) == axes


@pytest.mark.parametrize(
    "shape", [(), (5,), (3, 4), (2, 3, 4), (3, 2, 4, 5), (7, 1, 4, 5), (6, 5, 1, 1), (3, 2, 2, 4, 5)]
)
def test_a_small_blob_is_shown_as_it_is(shape: tuple[int, ...]) -> None:
    array = np.arange(math.prod(shape), dtype=np.float32).reshape(shape)
    seen = view(array, [1])
    assert not seen.reduced
    at = tuple(slice(None) if axis in seen.axes else seen.index[axis] for axis in range(len(shape)))
    assert seen.values.ndim == 3
    np.testing.assert_array_equal(seen.values.ravel(), array[at].ravel())
    assert seen.index[:1] == ([] if not shape else [0] if 0 in seen.axes else [1])


def test_positions_are_clamped_and_missing_ones_are_zero() -> None:
    array = np.random.rand(3, 2, 2, 4, 5).astype(np.float32)
    np.testing.assert_array_equal(view(array, [9, -4]).values, array[2, 0])
    np.testing.assert_array_equal(view(array, []).values, array[0, 0])
    np.testing.assert_array_equal(view(array, [1, 1, 1, 1, 1, 1, 1]).values, array[1, 1])


@pytest.mark.parametrize(
    "shape", [(1000, 1000), (100_000,), (10, 50_000), (50_000, 10), (2, 512, 56, 56), (1, 4096, 7, 7), (1, 3, 600, 600)]
)
def test_a_large_blob_is_reduced_by_the_means_of_blocks(shape: tuple[int, ...]) -> None:
    array = np.random.rand(*shape).astype(np.float32)
    seen = view(array)
    assert seen.reduced
    assert seen.values.nbytes <= MAX_VIEW_BYTES
    assert seen.values.nbytes >= MAX_VIEW_BYTES // 40
    shown = array[tuple(slice(None) if axis in seen.axes else 0 for axis in range(array.ndim))]
    shown = shown.reshape((1,) * (3 - shown.ndim) + shown.shape)
    rows, cols = (-(-whole // part) for whole, part in zip(shown.shape[1:], seen.values.shape[1:], strict=True))
    np.testing.assert_allclose(seen.values[0, 0, 0], shown[0, :rows, :cols].mean(), rtol=1e-5)
    last_row, last_col = ((n - 1) // block * block for n, block in zip(shown.shape[1:], (rows, cols), strict=True))
    tile = len(seen.values) - 1
    np.testing.assert_allclose(seen.values[tile, -1, -1], shown[tile, last_row:, last_col:].mean(), rtol=1e-5)


def test_what_is_not_finite_stays_visible_in_a_reduced_view() -> None:
    array = np.ones((1000, 1000), np.float32)
    array[0, 0], array[500, 500], array[-1, -1] = np.nan, np.inf, -np.inf
    values = view(array).values
    assert np.isnan(values[0, 0, 0])
    assert np.isposinf(values).sum() == 1
    assert values[0, -1, -1] == -np.inf


def test_finite_values_beyond_float32_stay_finite() -> None:
    assert np.isfinite(view(np.array([1e300, -1e300])).values).all()


@pytest.mark.parametrize("shape", [(0,), (0, 3), (2, 0, 4, 4), (3, 2, 0, 5), (0, 3, 4, 4), (2, 2, 0, 2, 2, 2)])
def test_an_empty_blob_has_an_empty_view_and_no_figures(shape: tuple[int, ...]) -> None:
    array = np.zeros(shape, np.float32)
    assert view(array).values.size == 0
    figures = statistics(array)
    assert (figures.count, figures.min, figures.max, figures.mean, figures.std) == (0, 0, 0, 0, 0)


@given(arrays.arrays(np.float32, st.integers(0, 200), elements=st.floats(width=32)), st.integers(1, 1000))
@settings(max_examples=150, deadline=None)
def test_figures_are_exact_for_any_values(values: np.ndarray, repeats: int) -> None:
    array = np.tile(values, repeats)
    figures = statistics(array)
    finite = array[np.isfinite(array)].astype(np.float64)
    assert figures.count == array.size
    assert figures.zeros == (array == 0).sum()
    assert figures.negatives == (array < 0).sum()
    assert figures.nans == np.isnan(array).sum()
    assert figures.positive_infinities == (array == np.inf).sum()
    assert figures.negative_infinities == (array == -np.inf).sum()
    if finite.size:
        assert (figures.min, figures.max) == (finite.min(), finite.max())
        size = np.abs(finite).max()
        assert figures.mean == pytest.approx(finite.mean(), rel=1e-9, abs=size * 1e-9)
        assert figures.std == pytest.approx(finite.std(), rel=1e-6, abs=size * 1e-7)


def test_figures_of_float64_near_the_end_of_its_range_are_numbers() -> None:
    figures = statistics(np.array([1.7e308, -1.7e308, 1.7e308]))
    assert all(math.isfinite(value) for value in (figures.mean, figures.std, figures.min, figures.max))


@pytest.mark.parametrize("rank", range(11))
def test_any_rank_can_be_looked_into_along_any_axes(rank: int) -> None:
    rng = np.random.default_rng(rank)
    array = rng.random([int(n) for n in rng.integers(1, 4, rank)], dtype=np.float32)
    at = [int(rng.integers(0, n)) for n in array.shape]
    for _ in range(20):
        axes = [int(axis) for axis in rng.permutation(rank)[:3]] + [-1] * (3 - min(rank, 3))
        axes = [axis if rng.random() < 0.8 else -1 for axis in axes]
        seen = view(array, at, axes=axes)
        assert seen.axes == axes
        assert seen.values.shape == tuple(1 if axis < 0 else array.shape[axis] for axis in axes)
        for tile, row, col in np.ndindex(seen.values.shape):
            place = list(at)
            for axis, position in zip(axes, (tile, row, col), strict=True):
                if axis >= 0:
                    place[axis] = position
            assert seen.values[tile, row, col] == array[tuple(place)]


@pytest.mark.parametrize("axes", [[0], [0, 1, 1], [0, 1, 4], [-2, 0, 1], [0, 1, 2, 3], [10**30, 0, 1]])
def test_axes_that_the_blob_does_not_have_are_left_for_the_usual_ones(axes: list[int]) -> None:
    assert view(np.zeros((2, 3, 4, 5)), axes=axes).axes == [1, 2, 3]


numbers = st.lists(st.integers(-5, 12) | st.integers(), max_size=11)


@given(st.lists(st.integers(0, 5), max_size=10), numbers, numbers, st.booleans(), st.booleans())
@settings(max_examples=300, deadline=None)
def test_no_request_for_a_view_fails_or_brings_more_than_it_may(
    shape: list[int], index: list[int], axes: list[int], picture: bool, picked: bool
) -> None:
    array = np.zeros(shape, np.float32)
    seen = view(array, index, axes=axes, picture=picture, picked=picked, max_bytes=256)
    assert seen.values.nbytes <= 256
    assert (seen.values.size == 0) == (array.size == 0)
    assert len(seen.index) == len(shape)
    assert all(0 <= at < max(n, 1) for at, n in zip(seen.index, shape, strict=True))


@pytest.mark.parametrize("channels", [1, 3])
def test_images_come_with_their_channels_together(channels: int) -> None:
    array = np.random.rand(4, channels, 6, 5).astype(np.float32)
    seen = view(array, picture=True)
    assert (seen.axes, seen.channels, seen.reduced) == ([0, 2, 3], channels, False)
    np.testing.assert_array_equal(seen.values.reshape(array.shape), array)
    one = view(array, [2], axes=[-1, 2, 3], picture=True)
    np.testing.assert_array_equal(one.values, array[2])


def test_images_that_would_get_too_small_beside_each_other_are_shown_one_at_a_time() -> None:
    array = np.random.rand(64, 3, 200, 200).astype(np.float32)
    seen = view(array, [5], picture=True)
    assert (seen.axes, seen.index[0], seen.block) == ([-1, 2, 3], 5, (2, 2))
    assert seen.values.nbytes <= MAX_VIEW_BYTES
    np.testing.assert_allclose(seen.values[1, 0, 0], array[5, 1, :2, :2].mean(), rtol=1e-5)
    side_by_side = view(array, axes=[0, 2, 3], picture=True)
    assert side_by_side.axes == [0, 2, 3]
    assert side_by_side.values.nbytes <= MAX_VIEW_BYTES


@pytest.mark.parametrize("shape", [(), (3,), (2, 2, 4, 4), (2, 3, 1, 1), (3, 4, 4)])
def test_other_shapes_are_no_pictures(shape: tuple[int, ...]) -> None:
    assert view(np.zeros(shape), picture=True).channels == 0


def test_never_more_tiles_than_a_screen_has_room_for() -> None:
    seen = view(np.zeros((50_000, 1, 2), np.float32))
    assert seen.values.shape == (1024, 1, 2)
    assert seen.reduced


@pytest.mark.parametrize(
    ("values", "categories"),
    [
        ([0, 1, 1, 0], [0, 1]),
        ([7, -3, 7, 255], [-3, 7, 255]),
        (list(range(20)), list(range(20))),
        (list(range(21)), []),
        ([0, 0, 0], []),
        ([0, 1, 0.5], []),
        ([0, 1, np.nan], []),
        ([0, 1e30], []),
        ([], []),
    ],
)
def test_a_blob_of_few_whole_numbers_has_categories(values: list[float], categories: list[int]) -> None:
    assert statistics(np.array(values, np.float32)).categories == categories
    assert statistics(np.tile(np.array(values, np.float32), 30_000)).categories == categories


def test_a_reduced_view_of_labels_shows_labels() -> None:
    labels = np.random.default_rng(0).integers(0, 9, (1000, 1000)).astype(np.float32)
    seen = view(labels, picked=True)
    assert seen.reduced
    np.testing.assert_array_equal(seen.values[0], labels[:: seen.block[0], :: seen.block[1]])


def test_figures_and_views_of_strided_arrays_are_those_of_their_copies() -> None:
    array = np.random.default_rng(0).standard_normal((300, 40, 50)).astype(np.float32).transpose(2, 0, 1)[::-1, ::2]
    figures, expected = (msgspec.structs.asdict(statistics(each)) for each in (array, array.copy()))
    assert figures.pop("categories") == expected.pop("categories") == []
    assert figures == pytest.approx(expected, rel=1e-12)
    np.testing.assert_array_equal(view(array).values, view(array.copy()).values)


def test_no_view_and_no_figure_copies_a_large_blob() -> None:
    array = np.zeros((4000, 5000), np.float32)
    array[::7] = 1.5
    tracemalloc.start()
    try:
        for axes in ([-1, 0, 1], [-1, 1, 0], [1, -1, 0], [-1, -1, 0]):
            view(array, axes=axes)
        distribution(array.T, statistics(array.T))
        assert tracemalloc.get_traced_memory()[1] < array.nbytes / 8
    finally:
        tracemalloc.stop()


def test_a_blob_of_100_megabytes_is_not_gone_through_in_python() -> None:
    array = np.random.default_rng(0).standard_normal((16, 64, 160, 160), dtype=np.float32)
    assert array.nbytes > 100e6
    start = time.process_time()
    statistics(array)
    view(array, [3])
    assert time.process_time() - start < 5  # a fifth of a second; with a few steps of Python for each, over ten
