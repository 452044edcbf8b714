"""Which bottom of a maximum gets the gradient where values tie, as in Caffe."""

from __future__ import annotations

import numpy as np

from tests.layers.bench import Bench
from tests.layers.case import Case, given


def winners(*bottoms: list[float]) -> list[list[bool]]:
    rows = tuple(given([values]) for values in bottoms)
    bench = Bench(Case("Eltwise", "ties", "eltwise_param { operation: MAX }", rows))
    bench.forward()
    return [(diff != 0)[0].tolist() for diff in bench.backward()]


def test_of_the_first_two_bottoms_the_second_gets_it() -> None:
    assert winners([1, 2, 3], [1, 1, 3]) == [[False, True, False], [True, False, True]]


def test_of_later_bottoms_the_earlier_gets_it() -> None:
    assert winners([0, 5, 1], [2, 0, 1], [2, 5, 1]) == [[False, True, False], [True, False, True], [False] * 3]


def test_exactly_one_gets_it() -> None:
    values = np.random.default_rng(1).integers(3, size=(4, 50)).astype(float)
    assert np.sum(winners(*values.tolist()), axis=0).tolist() == [1] * 50


def test_a_gradient_that_is_no_number_stays_where_it_belongs() -> None:
    bench = Bench(Case("Eltwise", "infinite", "eltwise_param { operation: MAX }", (given([[1, 2]]), given([[2, 1]]))))
    bench.forward()
    bench.top[0].diff = [[np.inf, 5]]
    bench.layer.backward(bench.top, [True, True], bench.bottom)
    assert [blob.const_diff.tolist() for blob in bench.bottom] == [[[0, 5]], [[np.inf, 0]]]
