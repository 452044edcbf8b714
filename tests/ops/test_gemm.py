"""Products are the same in one piece or in several, and work space is used again."""

from __future__ import annotations

import numpy as np
import pytest

from caffe_nb.ops import gemm
from caffe_nb.ops.scratch import scratch

SHAPES = [(1, 4, 1), (3, 2, 5), (300, 400, 350), (350, 400, 300)]


@pytest.mark.parametrize(("rows", "inner", "columns"), SHAPES)
def test_a_product_is_written_or_returned(rows: int, inner: int, columns: int) -> None:
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((rows, inner)), rng.standard_normal((inner, columns))
    out = np.empty((rows, columns))
    assert gemm.gemm(a, b, out=out) is out
    np.testing.assert_allclose(out, a @ b, rtol=1e-10, atol=1e-10)
    np.testing.assert_array_equal(gemm.gemm(a, b), out)


@pytest.mark.parametrize(("rows", "inner", "columns"), SHAPES)
@pytest.mark.parametrize("piece", [1, gemm.PIECE])
def test_a_product_is_added(rows: int, inner: int, columns: int, piece: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gemm, "PIECE", piece)
    rng = np.random.default_rng(1)
    a, b = rng.standard_normal((inner, rows)).T, rng.standard_normal((inner, columns))
    out = np.ones((rows, columns))
    gemm.add_gemm(a, b, out)
    np.testing.assert_allclose(out, 1 + a @ b, rtol=1e-10, atol=1e-10)


def test_a_batch_of_products_is_what_numpy_makes_of_it() -> None:
    a, b = np.ones((2, 3, 4)), np.ones((2, 4, 5))
    np.testing.assert_array_equal(gemm.gemm(a, b), a @ b)


def test_work_space_is_handed_out_again_for_the_same_use() -> None:
    first = scratch("a test", (3, 4), np.float32)
    assert np.shares_memory(first, scratch("a test", (2, 2), np.float64))
    assert not np.shares_memory(first, scratch("another test", (3, 4), np.float32))
    assert scratch("a test", (100, 5), np.float32).shape == (100, 5)
