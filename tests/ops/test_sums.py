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


def test_the_first_term_may_be_written_over() -> None:
    a, b = np.arange(4.0), np.ones(4)
    sums.weighted_sum([a, b], [2.0, 1.0], a)
    assert a.tolist() == [1, 3, 5, 7]
