"""The cells of a grid over a region: how their edges are rounded."""

from __future__ import annotations

import numpy as np
import pytest

from caffe_nb.ops.regions import scaled_cells, whole_cells


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_coordinates_are_rounded_as_c_rounds_them(dtype: type[np.floating]) -> None:
    below = np.nextafter(dtype(0.5), dtype(0))  # with 0.5 added it would be 1 in floating point
    low = np.array([below, 0.5, 1.5, 2.5, -0.5, -0.49], dtype)
    first, end = whole_cells(low, low, 1, 1, 10)
    assert first.ravel().tolist() == [0, 1, 2, 3, 0, 0]
    assert (end - first).ravel().tolist() == [1, 1, 1, 1, 0, 1]


def test_whole_cells_overlap_where_the_pixels_do_not_divide() -> None:
    first, end = whole_cells(np.array([1.0]), np.array([5.0]), 1, 2, 10)
    assert first.tolist() == [[1, 3]]
    assert end.tolist() == [[4, 6]]


def test_a_region_from_right_to_left_is_one_pixel() -> None:
    first, end = whole_cells(np.array([7.0]), np.array([2.0]), 1, 2, 10)
    assert first.tolist() == [[7, 7]]
    assert end.tolist() == [[8, 8]]


def test_scaled_cells_take_the_last_pixel_whole() -> None:
    first, end = scaled_cells(np.array([2.0]), np.array([5.0]), 0.5, 2, 10)  # from 1 to 3
    assert first.tolist() == [[1, 2]]
    assert end.tolist() == [[2, 3]]


def test_a_scaled_region_is_a_tenth_of_a_pixel_at_least() -> None:
    first, end = scaled_cells(np.array([8.0]), np.array([2.0]), 0.5, 1, 10)
    assert (first.tolist(), end.tolist()) == ([[4]], [[5]])
