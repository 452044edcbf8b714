"""Softmax, its gradient and the cross entropy, for any axis and any values."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from caffe_nb.ops.softmax import Array, cross_entropy, cross_entropy_gradient, softmax, softmax_gradient

scores = hnp.arrays(np.float64, (3, 4, 5), elements=st.floats(-1e4, 1e4))
axes = st.integers(-3, 2)


@given(scores, axes)
def test_probabilities_sum_to_one_and_keep_the_order(x: Array, axis: int) -> None:
    y = softmax(x, axis, out=np.empty_like(x))
    np.testing.assert_allclose(y.sum(axis=axis), 1, rtol=1e-12)
    np.testing.assert_array_equal(
        np.take_along_axis(y, x.argmax(axis, keepdims=True), axis), y.max(axis, keepdims=True)
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(3, 7), (3, 7, 1), (1, 7), (2, 7, 3)])
def test_every_vector_is_divided_by_its_own_sum(shape: tuple[int, ...], dtype: type[np.floating]) -> None:
    x = np.random.default_rng(6).normal(0, 5, shape).astype(dtype)
    powers = np.exp(x.astype(np.longdouble))
    y = softmax(x, 1, out=np.empty_like(x))
    assert y.dtype == dtype
    np.testing.assert_allclose(y, powers / powers.sum(axis=1, keepdims=True), rtol=20 * np.finfo(dtype).eps)


@pytest.mark.parametrize("inner", [1, 2])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_vector_with_nan_or_infinity_becomes_nan_and_no_other_does(value: float, inner: int) -> None:
    x = np.zeros((3, 40, inner), np.float32)
    x[1, 17] = value
    x[2, 5:] = -np.inf
    with np.errstate(invalid="ignore"):
        y = softmax(x, 1, out=np.empty_like(x))
    assert np.isnan(y).all(axis=(1, 2)).tolist() == [False, True, False]
    np.testing.assert_allclose(y[2, :, 0], [0.2] * 5 + [0] * 35)


@pytest.mark.parametrize("classes", [1000, 1])
def test_many_vectors_are_shared_out_and_come_out_as_alone(classes: int) -> None:
    x = np.random.default_rng(7).standard_normal((500_000 // classes, classes), np.float32)
    together = softmax(x, 1, out=np.empty_like(x))
    for n in (0, len(x) // 2, len(x) - 1):
        np.testing.assert_array_equal(together[n], softmax(x[n : n + 1], 1, out=np.empty((1, classes), np.float32))[0])


@given(scores, axes, st.floats(-100, 100))
def test_a_constant_added_to_all_scores_changes_nothing(x: Array, axis: int, constant: float) -> None:
    y, moved = (softmax(values, axis, out=np.empty_like(x)) for values in (x, x + constant))
    np.testing.assert_allclose(moved, y, rtol=1e-8, atol=1e-10)


@given(scores, scores, axes)
def test_the_gradient_of_a_constant_sum_is_zero(x: Array, dy: Array, axis: int) -> None:
    y = softmax(x, axis, out=np.empty_like(x))
    dx = softmax_gradient(y, dy, axis, out=np.empty_like(x))
    np.testing.assert_allclose(dx.sum(axis=axis), 0, atol=1e-6)


def test_the_results_may_replace_the_arguments() -> None:
    x, dy = np.random.default_rng(1).standard_normal((2, 2, 6, 7))
    apart = softmax(x, 1, out=np.empty_like(x))
    gradient = softmax_gradient(apart, dy, 1, out=np.empty_like(x))
    assert softmax(x, 1, out=x) is x
    assert softmax_gradient(x, dy, 1, out=dy) is dy
    np.testing.assert_array_equal(x, apart)
    np.testing.assert_array_equal(dy, gradient)


def test_an_impossible_label_costs_a_finite_loss() -> None:
    probabilities = np.array([[[1.0], [0.0]]])
    assert cross_entropy(probabilities, np.array([[1]]), None) == pytest.approx(-np.log(np.finfo(np.float32).tiny))


def test_positions_that_do_not_count_add_nothing_and_get_no_gradient() -> None:
    probabilities = softmax(np.random.default_rng(2).standard_normal((2, 3, 4)), 1, out=np.empty((2, 3, 4)))
    labels = np.random.default_rng(3).integers(3, size=(2, 4))
    counted = np.array([[True, False, True, True], [False, False, True, False]])
    alone = sum(
        cross_entropy(probabilities[n : n + 1, :, i : i + 1], labels[n : n + 1, i : i + 1], None)
        for n, i in np.argwhere(counted)
    )
    assert cross_entropy(probabilities, labels, counted) == pytest.approx(alone)
    gradient = cross_entropy_gradient(probabilities, labels, counted, 0.5, out=np.empty_like(probabilities))
    np.testing.assert_array_equal((gradient == 0).all(axis=1), ~counted)
    one_hot = np.moveaxis(np.eye(3)[labels], -1, 1)
    np.testing.assert_allclose(gradient, 0.5 * (probabilities - one_hot) * counted[:, None], atol=1e-15)
