"""An LSTM in float32 is what it is in float64, whatever the shapes, values and number of threads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import DTypeLike, NDArray

from caffe_nb.ops import lstm_steps, recurrent
from caffe_nb.ops.parallel import set_threads

Array = NDArray[Any]
SHAPES = [(4, 4, 1), (5, 9, 33), (6, 17, 130), (12, 16, 128)]


@pytest.fixture
def threads() -> Iterator[Any]:
    yield set_threads
    set_threads(None)


def both_ways(shape: tuple[int, int, int], dtype: DTypeLike, gates_at: Any = None) -> list[Array]:
    """Run an LSTM of ``(steps, streams, units)`` forward and backward; return all that it writes."""
    steps, streams, units = shape
    random = np.random.default_rng(0)

    def drawn(*extents: int) -> Array:
        return random.standard_normal(extents).astype(dtype)

    gates, weight = 3 * drawn(steps, streams, 4 * units), drawn(4 * units, units) / np.sqrt(units).astype(dtype)
    cont = (random.random((steps, streams)) > 0.2).astype(dtype)
    first, last, dh = (
        (drawn(streams, units), drawn(streams, units)),
        (drawn(streams, units), drawn(streams, units)),
        (drawn(steps, streams, units)),
    )
    if gates_at is not None:
        gates[2, 1] = gates_at
    c, h = np.empty_like(dh), np.empty_like(dh)
    recurrent.lstm(gates, weight, cont, first, c, h)
    return [gates, c, h, *recurrent.lstm_gradient(gates, weight, cont, c, first[1], dh, last)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_it_is_what_it_is_in_float64(shape: tuple[int, int, int]) -> None:
    assert lstm_steps.pays(np.empty((*shape[:2], 4), np.float32))
    for value, wanted in zip(both_ways(shape, np.float32), both_ways(shape, np.float64), strict=True):
        np.testing.assert_allclose(value, wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("count", [2, 3])
def test_threads_change_nothing(threads: Any, count: int) -> None:
    threads(1)
    alone = both_ways((12, 40, 128), np.float32)
    threads(count)
    for value, wanted in zip(both_ways((12, 40, 128), np.float32), alone, strict=True):
        np.testing.assert_array_equal(value, wanted)


@pytest.mark.parametrize(("value", "gate"), [(-1e4, [0, 0, 0, -1]), (1e4, [1, 1, 1, 1]), (np.nan, [np.nan] * 4)])
def test_what_is_far_from_zero_or_no_number(value: float, gate: list[float]) -> None:
    gates, c, h, *_ = both_ways((4, 4, 1), np.float32, value)
    np.testing.assert_array_equal(gates[2, 1], gate)
    assert np.isfinite(np.delete(h, 1, axis=1)).all()  # the other streams
    assert np.isnan(h[2, 1]).all() == np.isnan(c[2, 1]).all() == np.isnan(value)


def test_nonlinearities_are_right_to_the_last_places() -> None:
    x = np.concatenate([np.linspace(-80, 80, 4001), [1e-30, -1e-30, 0], np.linspace(-1, 1, 1001)]).astype(np.float32)
    sigmoid, tanh = x.copy(), x.copy()
    lstm_steps._sigmoid(sigmoid, np.uintp(len(x)))
    lstm_steps._tanh(tanh, np.uintp(0), np.uintp(len(x)))
    np.testing.assert_allclose(sigmoid, 1 / (1 + np.exp(-x.astype(float))), rtol=3e-7)
    np.testing.assert_allclose(tanh, np.tanh(x.astype(float)), rtol=3e-7)
