"""Large blobs: all elements at once along a random line, and the search for the one that spoils it."""

from __future__ import annotations

import numpy as np
import pytest

from caffe_nb.check import check_layer
from tests.check import layers as user
from tests.check.test_check_layer import RIGHT


def test_everything_is_checked_along_one_line_by_the_seed():
    first, again, other = (check_layer(user.Linear, [(30, 10)], seed=seed) for seed in (0, 0, 1))
    assert [(row.line, row.checked, row.worst) for row in first.rows] == [
        (True, 300, ()),
        (True, 30, ()),
        (True, 3, ()),
    ]
    assert not np.isfinite(first.rows[0].numeric_array).any()
    (slopes,) = {(row.analytic, row.numeric) for row in first.rows}
    assert slopes[0] == pytest.approx(slopes[1])
    assert slopes[0] == again.rows[0].analytic != other.rows[0].analytic
    full = check_layer(user.Linear, [(30, 10)], full=True).rows
    assert not any(row.line for row in full)
    assert all(np.isfinite(row.numeric_array).all() for row in full)


def test_the_text_says_what_was_compared():
    text = " ".join(str(check_layer(user.Linear, [(4, 5)])).split())
    assert "PASS: all 3 gradients are right, relative error" in text
    assert "along a random line" in text
    assert (
        "all of these at once, by the slope along a random line through the values; one by one with full=True" in text
    )
    assert "all elements at once, by the slope" in str(check_layer(user.Square, [(4, 5)]))
    assert "line" not in str(check_layer(user.Square, [(4, 5)], full=True))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("case", RIGHT)
def test_a_right_layer_takes_at_most_12_forwards_and_4_backwards(case, seed):
    layer, bottoms = RIGHT[case]
    report = check_layer(layer, bottoms, seed=seed)
    assert report.ok
    assert 0 < report.forwards <= 12
    assert 0 < report.backwards <= 4


@pytest.mark.parametrize("seed", range(5))
def test_a_users_large_blob_at_kinks_is_checked_beside_them(seed):
    values = np.maximum(np.random.default_rng(seed).standard_normal((60, 70)), 0)
    report = check_layer(user.Relu, [values], seed=seed)
    assert report.ok
    assert "compared beside these values" in str(report)
    assert report.forwards <= 12
    assert report.backwards <= 4


@pytest.mark.parametrize("bottoms", [1, 2, 7, 30])
def test_many_bottoms_cost_no_more(bottoms):
    report = check_layer("Concat", [(2, 3)] * bottoms)
    assert report.ok
    assert len(report.rows) == bottoms
    assert report.forwards <= 12
    assert report.backwards <= 4


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("shape", [(3, 4), (30, 30), (200, 50)])
@pytest.mark.parametrize("place", ["an element", "a row"])
def test_a_fault_in_a_single_place_spoils_the_line(place, shape, seed):
    class Wrong(user.Linear):
        def backward(self, top, propagate_down, bottom):
            super().backward(top, propagate_down, bottom)
            diff = bottom[0].diff
            diff[(1, 2) if place == "an element" else 1] *= 1.05

    report = check_layer(Wrong, [shape], seed=seed)
    assert [row.ok for row in report.rows] == [False, True, True]
    assert report.rows[0].worst[0] == 1


@pytest.mark.parametrize("seed", range(10))
def test_a_blob_with_small_gradients_is_not_drowned_by_others(seed):
    class Weak(user.Layer):
        factor = 2e-5

        def reshape(self, bottom, top):
            top[0].reshape(*bottom[0].shape)

        def forward(self, bottom, top):
            top[0].data[...] = 1e3 * bottom[0].data ** 2 + 1e-5 * bottom[1].data ** 2

        def backward(self, top, propagate_down, bottom):
            bottom[0].diff[...] = 2e3 * bottom[0].data * top[0].diff
            bottom[1].diff[...] = self.factor * bottom[1].data * top[0].diff

    wrong = type("Wrong", (Weak,), {"factor": -2e-5})
    assert check_layer(Weak, [(6, 5), (6, 5)], seed=seed).ok
    assert [row.ok for row in check_layer(wrong, [(6, 5), (6, 5)], seed=seed).rows] == [True, False]


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
