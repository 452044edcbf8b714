"""Dropout's random side: its statistics, its mask, its seed."""

from __future__ import annotations

import numpy as np
import pytest

from caffe_nb import rng
from tests.layers.bench import Bench
from tests.layers.case import Case, given


def bench(ratio: float) -> Bench:
    return Bench(Case("Dropout", "ones", f"dropout_param {{ dropout_ratio: {ratio} }}", (given(np.ones((200, 500))),)))


@pytest.mark.parametrize("ratio", [0.1, 0.5, 0.8])
def test_the_ratio_is_dropped_and_the_mean_stays(ratio: float) -> None:
    (y,) = bench(ratio).forward()
    assert set(np.unique(y.round(6))) == {0, round(1 / (1 - ratio), 6)}
    assert (y == 0).mean() == pytest.approx(ratio, abs=0.01)
    assert y.mean() == pytest.approx(1, abs=0.02)


def test_the_gradient_passes_where_the_value_passed() -> None:
    layer = bench(0.5)
    (y,) = layer.forward()
    (dx,) = layer.backward()
    np.testing.assert_array_equal(dx == 0, y == 0)


def test_each_forward_drops_others_and_a_seed_brings_them_back() -> None:
    layer = bench(0.5)
    drawn = []
    rng.set_random_seed(3)
    for _ in range(2):
        layer.layer.forward(layer.bottom, layer.top)
        drawn.append(layer.top[0].const_data.copy())
    assert (drawn[0] != drawn[1]).mean() == pytest.approx(0.5, abs=0.02)
    rng.set_random_seed(3)
    layer.layer.forward(layer.bottom, layer.top)
    np.testing.assert_array_equal(layer.top[0].const_data, drawn[0])
