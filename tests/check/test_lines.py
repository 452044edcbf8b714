"""Large blobs: all elements at once along a random line, and the search for the one that spoils it."""

from __future__ import annotations

import numpy as np
import pytest

from caffe_nb.check import check_layer
from tests.check import layers as user


def test_a_large_blob_is_checked_along_a_line_by_the_seed():
    first, again, other = (check_layer(user.Square, [(30, 10)], max_elements=50, seed=seed) for seed in (0, 0, 1))
    (row,) = first.rows
    assert row.line
    assert (row.checked, row.worst) == (300, ())
    assert not np.isfinite(row.numeric_array).any()
    assert row.analytic == pytest.approx(row.numeric)
    assert row.analytic == again.rows[0].analytic != other.rows[0].analytic
    assert "along a line" in str(first)
    assert first.forwards <= 16
    assert first.backwards <= 6
    full = check_layer(user.Square, [(30, 10)], max_elements=50, full=True).rows[0]
    assert not full.line
    assert np.isfinite(full.numeric_array).all()


@pytest.mark.parametrize("bottom", [np.zeros((30, 10)), np.maximum(np.random.default_rng(0).normal(size=(30, 10)), 0)])
@pytest.mark.parametrize("seed", range(10))
def test_a_large_blob_full_of_kinks_is_right_beside_them(bottom, seed):
    text = "name: 'relu' type: 'ReLU' bottom: 'x' top: 'y'"
    report = check_layer(text, [bottom], max_elements=50, seed=seed)
    assert report.ok
    assert report.rows[0].line
    assert "compared beside these values" in str(report)
    assert report.forwards <= 12
    assert report.backwards <= 4


@pytest.mark.parametrize("seed", range(10))
def test_a_mistake_among_kinks_is_found(seed):
    class TwiceFromHere(user.Relu):
        def backward(self, top, propagate_down, bottom):
            super().backward(top, propagate_down, bottom)
            bottom[0].diff[7] *= 2

    bottom = np.maximum(np.random.default_rng(seed).normal(size=(30, 10)), 0)
    assert not check_layer(TwiceFromHere, [bottom], max_elements=50, seed=seed).ok


@pytest.mark.parametrize("seed", range(5))
def test_one_wrong_element_of_many_is_found(seed):
    report = check_layer(user.WrongAtOneElement, [(80, 90)], max_elements=20, seed=seed)
    assert not report.ok
    assert report.rows[0].worst == (1, 2)
    assert report.rows[0].checked < 40
    assert "where a random line was off" in str(report)


@pytest.mark.parametrize("seed", range(5))
def test_kinks_of_large_blobs_are_no_mistakes(seed):
    values = np.random.default_rng(seed).standard_normal((60, 70))
    values[:5] = 0
    assert check_layer(user.Relu, [values], max_elements=20, seed=seed).ok
    assert check_layer("ReLU", [values], max_elements=20, seed=seed).ok
