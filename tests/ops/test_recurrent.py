"""The LSTM unit equals its definition, and a network over time is its steps one after the other."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from caffe_nb.ops import recurrent

Array = NDArray[Any]
STEPS, STREAMS, UNITS = 5, 9, 4


def drawn(*shape: int) -> Array:
    return np.random.default_rng(sum(shape)).standard_normal(shape)


CONT = np.tile([[0, 1, 1], [1, 1, 0.5], [1, 0, 1], [0, 1, 1], [1, 1, 1.0]], 3)


def test_the_unit_equals_its_definition() -> None:
    gates, before = drawn(STREAMS, 4 * UNITS), drawn(STREAMS, UNITS)
    i, f, o = (1 / (1 + np.exp(-part)) for part in np.split(gates, 4, axis=1)[:3])
    g = np.tanh(gates[:, 3 * UNITS :])
    wanted = CONT[1][:, None] * f * before + i * g
    c, h = np.empty_like(before), np.empty_like(before)
    recurrent.lstm_unit(gates, CONT[1], before, c, h)
    np.testing.assert_allclose(c, wanted, rtol=1e-12)
    np.testing.assert_allclose(h, o * np.tanh(wanted), rtol=1e-12)
    np.testing.assert_allclose(gates, np.hstack([i, f, o, g]), rtol=1e-12)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("value", [-1e4, 1e4])
def test_gates_far_from_zero_do_not_overflow(value: float) -> None:
    gates = np.full((1, 4), value, np.float32)
    c, h = np.empty((1, 1), np.float32), np.empty((1, 1), np.float32)
    recurrent.lstm_unit(gates, np.ones(1), np.ones((1, 1)), c, h)
    assert gates.ravel().tolist() == ([0, 0, 0, -1] if value < 0 else [1, 1, 1, 1])


def test_the_gradient_of_the_cells_may_be_written_over() -> None:
    gates, before, dc, dh = drawn(STREAMS, 4 * UNITS), drawn(STREAMS, UNITS), drawn(STREAMS, UNITS), drawn(1, UNITS)
    c, h = np.empty_like(before), np.empty_like(before)
    recurrent.lstm_unit(gates, CONT[1], before, c, h)
    apart, d_gates = np.empty_like(dc), np.empty_like(gates)
    recurrent.lstm_unit_gradient(gates, CONT[1], before, c, dc, dh, d_gates, apart)
    again = np.empty_like(gates)
    recurrent.lstm_unit_gradient(gates, CONT[1], before, c, dc, dh, again, dc)
    np.testing.assert_array_equal(dc, apart)
    np.testing.assert_array_equal(d_gates, again)


def test_an_lstm_is_its_units_one_after_the_other() -> None:
    gates, weight = drawn(STEPS, STREAMS, 4 * UNITS), drawn(4 * UNITS, UNITS)
    h, c = drawn(STREAMS, UNITS), drawn(1, STREAMS, UNITS)[0]
    cells, hidden = np.empty((STEPS, STREAMS, UNITS)), np.empty((STEPS, STREAMS, UNITS))
    expected: list[Array] = []
    first = h.copy(), c.copy()
    for t in range(STEPS):
        step = gates[t] + (CONT[t][:, None] * h) @ weight.T
        h, c_before, c = np.empty_like(h), c, np.empty_like(c)
        recurrent.lstm_unit(step, CONT[t], c_before, c, h)
        expected.append(h)
    recurrent.lstm(gates, weight, CONT, first, cells, hidden)
    np.testing.assert_allclose(hidden, expected, rtol=1e-12)
    np.testing.assert_allclose(cells[-1], c, rtol=1e-12)


def test_the_gradients_follow_a_small_step_in_every_direction() -> None:
    weight, h_first, c_first = drawn(4 * UNITS, UNITS), drawn(STREAMS, UNITS), drawn(STREAMS + 1, UNITS)[1:]
    inputs, directions = drawn(STEPS, STREAMS, 4 * UNITS), drawn(STEPS + 1, STREAMS, 4 * UNITS)[1:]
    dh = drawn(STEPS, STREAMS, UNITS)
    last = drawn(STREAMS, UNITS + 1)[:, 1:], drawn(STREAMS, UNITS + 2)[:, 2:]

    def run(step: float) -> tuple[Array, Array, Array]:
        gates = inputs + step * directions
        cells, hidden = np.empty((STEPS, STREAMS, UNITS)), np.empty((STEPS, STREAMS, UNITS))
        start = h_first + step, c_first - 2 * step
        recurrent.lstm(gates, weight, CONT, start, cells, hidden)
        return gates, cells, hidden

    def objective(step: float) -> float:
        _, cells, hidden = run(step)
        return float((dh * hidden).sum() + (last[0] * hidden[-1]).sum() + (last[1] * cells[-1]).sum())

    gates, cells, _ = run(0)
    d_gates, dh_first, dc_first = recurrent.lstm_gradient(gates, weight, CONT, cells, c_first, dh, last)
    slope = (objective(1e-6) - objective(-1e-6)) / 2e-6
    assert (d_gates * directions).sum() + dh_first.sum() - 2 * dc_first.sum() == pytest.approx(slope, rel=1e-6)


def test_what_is_carried_is_the_step_before_times_the_mark() -> None:
    h, first = drawn(STEPS, STREAMS, UNITS), drawn(STREAMS, UNITS)
    before = np.concatenate([first[None], h[:-1]])
    np.testing.assert_array_equal(recurrent.carried(h, first, CONT), before * CONT[:, :, None])
