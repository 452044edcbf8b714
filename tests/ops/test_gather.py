"""Rows of a matrix by their numbers, and adding them up."""

from __future__ import annotations

import numpy as np
import pytest

from caffe_nb.errors import NetError
from caffe_nb.ops.gather import add_rows, row_numbers


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rows_of_the_same_number_are_added_up(dtype: type[np.floating]) -> None:
    rng = np.random.default_rng(1)
    rows, numbers = rng.standard_normal((50, 3)).astype(dtype), rng.integers(4, size=50)
    out = np.ones((5, 3), dtype)
    add_rows(rows, numbers, out)
    wanted = 1 + np.array([rows[numbers == i].sum(axis=0) for i in range(5)])
    np.testing.assert_allclose(out, wanted, rtol=1e-5)
    assert out.dtype == dtype


def test_nothing_to_add() -> None:
    out = np.ones((2, 3))
    add_rows(np.empty((0, 3)), np.empty(0, np.intp), out)
    assert (out == 1).all()


def test_numbers_are_cut_off_unless_they_must_be_whole() -> None:
    assert row_numbers(np.array([[0.0, 2.9]]), 3, "bottom[1]").tolist() == [[0, 2]]
    with pytest.raises(NetError, match=r"2\.9 at \[0, 1\] of bottom\[1\] is not a whole number from 0 to 2"):
        row_numbers(np.array([[0.0, 2.9]]), 3, "bottom[1]", whole=True)


@pytest.mark.parametrize("bad", [-1, -0.5, 3, 1e30, np.nan, np.inf])
def test_numbers_that_name_no_row(bad: float) -> None:
    with pytest.raises(NetError, match=r"at \[1\] of bottom\[1\] is not one from 0 to 2 \(and 1 more like it\)"):
        row_numbers(np.array([0, bad, 2, bad]), 3, "bottom[1]")
