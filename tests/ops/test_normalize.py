"""Centering, variances and the gradient of standardizing."""

from __future__ import annotations

import numpy as np
import pytest

from caffe_nb.ops import normalize

AXES = [(1,), (0, 2), (0, 1, 2)]


@pytest.fixture
def x() -> np.ndarray:
    return np.random.default_rng(2).normal(5, 3, (3, 4, 5))


@pytest.mark.parametrize("axes", AXES)
def test_values_are_centered(x: np.ndarray, axes: tuple[int, ...]) -> None:
    out = np.empty_like(x)
    mean = normalize.center(x, axes, out)
    np.testing.assert_allclose(mean, x.mean(axes, keepdims=True))
    np.testing.assert_allclose(out.mean(axes), 0, atol=1e-12)
    np.testing.assert_allclose(normalize.variance(out, axes, np.empty_like(x)), x.var(axes, keepdims=True))


@pytest.mark.parametrize("axes", AXES)
def test_the_gradient_is_the_derivative(x: np.ndarray, axes: tuple[int, ...]) -> None:
    def standardized(values: np.ndarray) -> np.ndarray:
        return (values - values.mean(axes, keepdims=True)) / np.sqrt(values.var(axes, keepdims=True) + 0.5)

    dy = np.random.default_rng(3).standard_normal(x.shape)
    deviation = np.sqrt(x.var(axes, keepdims=True) + 0.5)
    dx = normalize.standardized_gradient(standardized(x), dy, deviation, axes, out=dy.copy())
    for index in np.ndindex(x.shape):
        step = np.zeros_like(x)
        step[index] = 1e-5
        slope = ((standardized(x + step) - standardized(x - step)) * dy).sum() / 2e-5
        assert dx[index] == pytest.approx(slope, rel=1e-5, abs=1e-7)


def test_the_gradient_may_be_written_over_the_one_it_comes_from(x: np.ndarray) -> None:
    y, deviation, dy = x / 7, np.ones((1, 4, 1)), x + 1
    apart = normalize.standardized_gradient(y, dy.copy(), deviation, (0, 2), out=np.empty_like(x))
    np.testing.assert_array_equal(normalize.standardized_gradient(y, dy, deviation, (0, 2), out=dy), apart)
