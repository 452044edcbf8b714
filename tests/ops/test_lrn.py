"""Local response normalization against its definition, value by value."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caffe_nb.ops import lrn
from tests.ops.drawn import relaxed

lengths = st.integers(1, 5)
sizes = st.sampled_from([1, 3, 5, 9])
betas = st.sampled_from([0.5, 0.75, 1.25])


@relaxed
@given(st.tuples(st.integers(1, 2), lengths, lengths, lengths), sizes, betas)
def test_across_channels(shape: tuple[int, int, int, int], size: int, beta: float) -> None:
    x = np.random.default_rng(3).standard_normal(shape)
    scale, y = np.empty(shape), np.empty(shape)
    lrn.across_channels(x, size, 0.5, beta, 2.0, scale, y)
    for n, c, i, j in np.ndindex(shape):
        energy = 2 + 0.5 / size * sum(x[n, o, i, j] ** 2 for o in range(shape[1]) if abs(o - c) <= size // 2)
        assert scale[n, c, i, j] == pytest.approx(energy)
        assert y[n, c, i, j] == pytest.approx(x[n, c, i, j] * energy**-beta)


@relaxed
@given(st.tuples(st.integers(1, 2), st.integers(1, 2), lengths, lengths), sizes, betas)
def test_within_a_channel(shape: tuple[int, int, int, int], size: int, beta: float) -> None:
    x = np.random.default_rng(4).standard_normal(shape)
    scale, y = np.empty(shape), np.empty(shape)
    lrn.within_channel(x, size, 0.5, beta, scale, y)
    half = size // 2
    for n, c, i, j in np.ndindex(shape):
        around = product(range(shape[2]), range(shape[3]))
        energy = sum(x[n, c, k, m] ** 2 for k, m in around if abs(k - i) <= half and abs(m - j) <= half)
        assert scale[n, c, i, j] == pytest.approx(1 + 0.5 / size**2 * energy)
        assert y[n, c, i, j] == pytest.approx(x[n, c, i, j] * scale[n, c, i, j] ** -beta)


@pytest.mark.parametrize("beta", [0.75, 1.5])
def test_single_precision_is_near_double(beta: float) -> None:
    x = np.random.default_rng(5).standard_normal((2, 40, 6, 7)) * 30
    results = []
    for dtype in (np.float32, np.float64):
        values = x.astype(dtype)
        scale, y, dx = (np.empty_like(values) for _ in range(3))
        lrn.across_channels(values, 5, 1e-2, beta, 1.0, scale, y)
        lrn.across_channels_gradient(values, scale, np.ones_like(values), 5, 1e-2, beta, dx)
        results.append((y, dx))
    for single, double in zip(*results, strict=True):
        assert single.dtype == np.float32
        np.testing.assert_allclose(single, double, rtol=1e-4, atol=1e-4)
