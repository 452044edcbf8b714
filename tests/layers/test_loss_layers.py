"""What the rows of the losses do not show."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from caffe_nb.errors import CaffeError, NetError
from tests.layers.bench import Bench
from tests.layers.case import Case, given, labels, normal
from tests.layers.rows.class_loss import INFOGAIN


def test_a_dissimilar_pairs_gradient_is_divided_by_a_little_more_than_the_distance() -> None:
    bench = Bench(Case("ContrastiveLoss", "near", bottoms=(given([[0.03, 0.04]]), given([[0, 0]]), given([0]))))
    bench.forward()
    first, second, _ = bench.backward()
    weight = float(bench.top[0].const_diff)
    np.testing.assert_allclose(first, [[-weight * 0.95 / 0.0501 * x for x in (0.03, 0.04)]])
    np.testing.assert_array_equal(second, -first)


def test_equal_vectors_of_a_dissimilar_pair_have_a_gradient_of_0() -> None:
    bench = Bench(Case("ContrastiveLoss", "equal", bottoms=(given([[1, 2]]), given([[1, 2]]), given([0]))))
    assert bench.forward()[0] == 0.5
    assert (bench.backward()[0] == 0).all()


def test_an_infogain_loss_with_the_identity_is_a_softmax_loss() -> None:
    text = "loss_param { ignore_label: 1 normalization: FULL }"
    infogain = Bench(Case("InfogainLoss", "identity", text, (normal(6, 5), labels(5, 6), given(np.eye(5)))))
    softmax = Bench(Case("SoftmaxWithLoss", "the same", text, (normal(6, 5), labels(5, 6))))
    np.testing.assert_allclose(infogain.forward()[0], softmax.forward()[0])
    np.testing.assert_allclose(infogain.backward()[0], softmax.backward()[0], atol=1e-12)


def test_an_infogain_matrix_that_is_a_bottom_may_change() -> None:
    bench = Bench(Case("InfogainLoss", "changes", bottoms=(normal(6, 5), labels(5, 6), given(np.eye(5)))))
    loss, gradient = bench.forward()[0], bench.backward()[0]
    bench.bottom[2].data *= 2
    np.testing.assert_allclose(bench.forward()[0], 2 * loss)
    np.testing.assert_allclose(bench.backward()[0], 2 * gradient)


def test_an_infogain_file_that_is_missing_or_damaged(tmp_path: Path) -> None:
    case = Case("InfogainLoss", "no file", INFOGAIN, (normal(6, 5), labels(5, 6)), files=lambda folder: None)
    with pytest.raises(NetError, match=r"the infogain matrix 'H\.binaryproto' was not found; looked in .*"):
        Bench(case, tmp_path)
    (tmp_path / "H.binaryproto").write_bytes(b"no array at all")
    with pytest.raises(CaffeError, match=r"H\.binaryproto"):
        Bench(case, tmp_path)


BATCH = {
    "ContrastiveLoss": ("", (normal(4, 3), normal(4, 3), labels(2, 4))),
    "EuclideanLoss": ("", (normal(4, 3), normal(4, 3))),
    "HingeLoss": ("", (normal(4, 3), labels(3, 4))),
    "InfogainLoss": ("loss_param { ignore_label: 1 }", (normal(4, 3), labels(3, 4), given(np.eye(3)))),
    "MultinomialLogisticLoss": ("", (normal(4, 3), labels(3, 4))),
    "SigmoidCrossEntropyLoss": ("loss_param { ignore_label: 1 }", (normal(4, 3), labels(2, 4, 3))),
    "SoftmaxWithLoss": ("loss_param { ignore_label: 1 }", (normal(4, 3), labels(3, 4))),
}


@pytest.mark.parametrize("type_name", BATCH)
def test_a_backward_takes_the_labels_that_are_there_as_in_caffe(type_name: str) -> None:
    text, bottoms = BATCH[type_name]
    bench = Bench(Case(type_name, "no forward", text, bottoms))
    assert np.isfinite(bench.backward()[0]).all(), "before any forward"
    bench.forward()
    bench.feed(batch=6)
    bench.layer.reshape(bench.bottom, bench.top)
    assert bench.backward()[0].shape == (6, 3), "after a reshape"


EMPTY = {
    "ContrastiveLoss": (normal(0, 3), normal(0, 3), labels(2, 0)),
    "EuclideanLoss": (normal(0, 3), normal(0, 3)),
    "HingeLoss": (normal(0, 3), labels(3, 0)),
    "InfogainLoss": (normal(0, 3), labels(3, 0), normal(3, 3)),
    "MultinomialLogisticLoss": (normal(0, 3), labels(3, 0)),
    "SigmoidCrossEntropyLoss": (normal(0, 3), normal(0, 3)),
    "SoftmaxWithLoss": (normal(0, 3), labels(3, 0)),
}
"""What a loss gets where a Filter lets nothing through."""


@pytest.mark.parametrize("type_name", EMPTY)
def test_an_empty_batch_costs_nothing(type_name: str) -> None:
    bench = Bench(Case(type_name, "empty", bottoms=EMPTY[type_name]))
    assert bench.forward()[0] == 0
    assert bench.backward()[0].shape == (0, 3)
