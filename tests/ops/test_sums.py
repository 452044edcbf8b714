"""A weighted sum is the sum of its terms times their weights."""

from __future__ import annotations

import numpy as np
import pytest

from caffe_nb.ops import sums


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("weight", [1.0, -0.5])
def test_terms_are_added_with_their_weights(count: int, weight: float) -> None:
    terms = list(np.random.default_rng(0).standard_normal((count, 5, 6)))
    out = np.full((5, 6), np.nan)
    sums.weighted_sum(terms, [weight] * count, out)
    np.testing.assert_allclose(out, weight * np.sum(terms, axis=0), rtol=1e-14)


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("weight", [1.0, -0.5])
@pytest.mark.parametrize("slope", [0.0, 0.1])
def test_a_sum_may_be_rectified(count: int, weight: float, slope: float) -> None:
    terms = list(np.random.default_rng(0).standard_normal((count, 50, 60)))
    out = np.full((50, 60), np.nan)
    sums.weighted_sum(terms, [weight] * count, out, slope)
    total = weight * np.sum(terms, axis=0)
    np.testing.assert_allclose(out, np.where(total > 0, total, slope * total), rtol=1e-13)


@pytest.mark.parametrize("count", [0, 1, 2])
def test_the_gradient_of_a_rectified_sum_goes_to_each_term(count: int) -> None:
    y, dy = np.random.default_rng(0).standard_normal((2, 50, 60))
    wanted, out = np.where(y > 0, dy, 0.1 * dy), [np.full(y.shape, np.nan) for _ in range(count)]
    sums.rectified_sum_gradient(y, dy, 0.1, out)
    for each in (dy, *out):
        np.testing.assert_array_equal(each, wanted)


def test_the_first_term_may_be_written_over() -> None:
    a, b = np.arange(4.0), np.ones(4)
    sums.weighted_sum([a, b], [2.0, 1.0], a)
    assert a.tolist() == [1, 3, 5, 7]
