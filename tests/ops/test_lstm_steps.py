"""Rows times a matrix that was laid out once are what a product gives, whatever the shapes."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import DTypeLike

from caffe_nb.ops.packed import BLOCK, Factor


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("count", [1, 4, 8, 17])
@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (5, BLOCK), (8, BLOCK + 1), (30, 2 * BLOCK - 1)])
@pytest.mark.parametrize("transposed", [False, True])
def test_a_product_is_added(dtype: DTypeLike, count: int, rows: int, columns: int, transposed: bool) -> None:
    random = np.random.default_rng(count)
    matrix = random.standard_normal((columns, rows) if transposed else (rows, columns)).astype(dtype)
    matrix = matrix.T if transposed else matrix
    a, factors = random.standard_normal((count, rows)).astype(dtype), random.random(count).astype(dtype)
    out = np.ones((count, columns), dtype)
    factor = Factor(matrix, times=10, count=count)
    for _ in range(2):
        factor.add_product(a, factors, out)
    np.testing.assert_allclose(out, 1 + 2 * (a * factors[:, None]) @ matrix, atol=100 * np.finfo(dtype).eps)


def test_what_is_not_finite_stays_in_its_row() -> None:
    a, out = np.ones((9, 3), np.float32), np.zeros((9, 2), np.float32)
    a[4, 1] = np.nan
    Factor(np.ones((3, 2), np.float32), times=10, count=9).add_product(a, np.ones(9, np.float32), out)
    assert np.isnan(out[4]).all()
    np.testing.assert_array_equal(np.delete(out, 4, 0), 3)
