"""What a layer type refuses, and in which words."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from caffe_nb.errors import CaffeError, NetError, ShapeError
from tests.layers.bench import Bench
from tests.layers.case import Case, given, labels, normal

AT_BUILD: list[tuple[Case, type[CaffeError], str]] = [
    (
        Case("Dropout", "everything dropped", "dropout_param { dropout_ratio: 1 }", (normal(2, 3),)),
        NetError,
        "dropout_ratio must be at least 0 and below 1, got 1",
    ),
    (
        Case("Softmax", "no such axis", "softmax_param { axis: 2 }", (normal(2, 3),)),
        ShapeError,
        r"axis 2 does not exist in a blob of shape \(2, 3\)",
    ),
    (
        Case("EuclideanLoss", "batches", bottoms=(normal(2, 3), normal(3, 2))),
        ShapeError,
        r"same first axis \(the batch\); their shapes are \(2, 3\) and \(3, 2\)",
    ),
    (
        Case("EuclideanLoss", "values an item", bottoms=(normal(2, 3), normal(2, 4))),
        ShapeError,
        r"same number of values an item; their shapes are \(2, 3\) and \(2, 4\)",
    ),
    (
        Case("SoftmaxWithLoss", "one-hot labels", bottoms=(normal(6, 5), normal(6, 5))),
        ShapeError,
        r"so 6 labels, of shape \(6,\) for example; it has 30, in shape \(6, 5\).*not one-hot",
    ),
    (
        Case("Accuracy", "too few labels", bottoms=(normal(2, 5, 3), labels(5, 2))),
        ShapeError,
        r"6 class vectors along axis 1 of bottom\[0\] \(2, 5, 3\), so 6 labels, of shape \(2, 3\)",
    ),
    (
        Case("Accuracy", "top 0", "accuracy_param { top_k: 0 }", (normal(4, 5), labels(5, 4))),
        NetError,
        "top_k must be at least 1",
    ),
    (
        Case("Accuracy", "more than all", "accuracy_param { top_k: 6 }", (normal(4, 5), labels(5, 4))),
        ShapeError,
        r"top_k is 6, but axis 1 of bottom\[0\] \(4, 5\) has 5 classes",
    ),
    (
        Case("Concat", "shapes", bottoms=(normal(2, 3, 4), normal(2, 3, 5))),
        ShapeError,
        r"same shape but for axis 1; bottom\[0\] is \(2, 3, 4\), bottom\[1\] is \(2, 3, 5\)",
    ),
    (
        Case("Concat", "two names for one thing", "concat_param { axis: 1 concat_dim: 1 }", (normal(2, 3),)),
        NetError,
        "both axis and concat_dim",
    ),
    (
        Case("Eltwise", "shapes", bottoms=(normal(2, 3), normal(3, 2))),
        ShapeError,
        r"same shape; bottom\[0\] is \(2, 3\), bottom\[1\] is \(3, 2\)",
    ),
    (
        Case("Eltwise", "coefficients", "eltwise_param { coeff: 1 }", (normal(2, 3), normal(2, 3))),
        NetError,
        "1 coefficients for 2 bottoms",
    ),
    (
        Case(
            "Eltwise",
            "coefficients of a product",
            "eltwise_param { operation: PROD coeff: 1 coeff: 2 }",
            (normal(2, 3), normal(2, 3)),
        ),
        NetError,
        "coeff is for operation SUM only",
    ),
    (
        Case("Flatten", "backwards", "flatten_param { axis: 2 end_axis: 1 }", (normal(2, 3, 4),)),
        ShapeError,
        r"end_axis 1 lies before axis 2 in a bottom of shape \(2, 3, 4\)",
    ),
]

SCORES = normal(4, 3)
IGNORE = "loss_param { ignore_label: 9 }"
BAD_LABELS: list[tuple[str, list[Any], str]] = [
    ("", [0, 1, 3, 2], r"label 3 at \[2\] of bottom\[1\] is not one of the 3 classes \(0 to 2\)\. "),
    ("", [0, -1, 7, 2], r"label -1 at \[1\] .*and 1 more like it"),
    ("", [[0], [1], [2], [5]], r"label 5 at \[3, 0\]"),
    ("", [0, np.nan, 1, 2], r"label nan at \[1\]"),
    ("", [0, np.inf, 1, 2], r"label inf at \[1\]"),
    (IGNORE, [0, 9, 3, 2], r"label 3 at \[2\] .*label 9 would be ignored"),
]


@pytest.mark.parametrize(
    ("case", "error", "words"), AT_BUILD, ids=lambda value: str(value) if isinstance(value, Case) else ""
)
def test_what_cannot_be_built(case: Case, error: type[CaffeError], words: str) -> None:
    with pytest.raises(error, match=words):
        Bench(case)


@pytest.mark.parametrize(("text", "values", "words"), BAD_LABELS)
@pytest.mark.parametrize("type_name", ["SoftmaxWithLoss", "Accuracy"])
def test_a_label_that_is_no_class(type_name: str, text: str, values: list[Any], words: str) -> None:
    text = text.replace("loss_param", "accuracy_param") if type_name == "Accuracy" else text
    bench = Bench(Case(type_name, "bad labels", text, (SCORES, given(values))))
    with pytest.raises(NetError, match=words):
        bench.forward()


@pytest.mark.parametrize(
    ("type_name", "words"), [("SoftmaxWithLoss", "labels .* have no gradient"), ("Accuracy", "no gradient")]
)
def test_a_gradient_that_does_not_exist(type_name: str, words: str) -> None:
    bench = Bench(Case(type_name, "labels' gradient", bottoms=(SCORES, labels(3, 4))))
    bench.forward()
    with pytest.raises(NetError, match=words):
        bench.backward([True, True])


def test_a_layer_works_again_after_a_refused_batch() -> None:
    bench = Bench(Case("SoftmaxWithLoss", "mended", bottoms=(SCORES, labels(3, 4))))
    (before,) = bench.forward()
    bench.bottom[1].data[0] = 17
    with pytest.raises(NetError):
        bench.forward()
    bench.feed()
    assert bench.forward()[0] == before
