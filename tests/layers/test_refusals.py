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
        "coeff is for operation SUM; a product takes none",
    ),
    (
        Case("Flatten", "backwards", "flatten_param { axis: 2 end_axis: 0 }", (normal(2, 3, 4),)),
        ShapeError,
        r"end_axis 0 lies before axis 2 in a bottom of shape \(2, 3, 4\)",
    ),
    (
        Case("ArgMax", "top 0", "argmax_param { top_k: 0 }", (normal(2, 3, 4),)),
        NetError,
        "top_k must be at least 1",
    ),
    (
        Case("ArgMax", "more than an item has", "argmax_param { top_k: 13 }", (normal(2, 3, 4),)),
        ShapeError,
        r"top_k is 13, but an item of a bottom of shape \(2, 3, 4\) has 12 values",
    ),
    (
        Case("ArgMax", "more than an axis has", "argmax_param { top_k: 4 axis: 1 }", (normal(2, 3, 4),)),
        ShapeError,
        "top_k is 4, but axis 1 .* has 3 values",
    ),
    (
        Case("BatchReindex", "two axes of numbers", "", (normal(2, 3), normal(2, 1))),
        ShapeError,
        r"must have one axis, .* its shape is \(2, 1\)",
    ),
    (
        Case("ContrastiveLoss", "images", "", (normal(2, 3, 4), normal(2, 3, 4), normal(2))),
        ShapeError,
        "vectors of the same length, .* a Flatten layer",
    ),
    (
        Case("ContrastiveLoss", "too few numbers", "", (normal(4, 3), normal(4, 3), normal(3))),
        ShapeError,
        r"one number for each of the 4 pairs .* is \(3,\)",
    ),
    (
        Case("Embed", "no outputs", "embed_param { input_dim: 3 }", (normal(2),)),
        NetError,
        "num_output must be at least 1, got 0",
    ),
    (
        Case("Embed", "no inputs", "embed_param { num_output: 3 }", (normal(2),)),
        NetError,
        "input_dim must be at least 1, got 0",
    ),
    (
        Case("Filter", "tops", "", (normal(2, 3), normal(2, 3), normal(2))),
        NetError,
        "2 for 3 bottoms, got 1",
    ),
    (
        Case("Filter", "a wide selector", "", (normal(2, 3), normal(2, 3))),
        ShapeError,
        r"one value an item, \(N,\); its shape is \(2, 3\)",
    ),
    (
        Case("Filter", "items", "", (normal(2, 3), normal(3))),
        ShapeError,
        r"bottom\[0\] must have the 3 items .* its shape is \(2, 3\)",
    ),
    (
        Case("HingeLoss", "one-hot labels", "", (normal(2, 3), normal(2, 3))),
        ShapeError,
        "one label for each of the 2 items .* not one-hot",
    ),
    (
        Case("InfogainLoss", "no matrix", "", (normal(6, 5), labels(5, 6))),
        NetError,
        "no infogain matrix: give it as a third bottom",
    ),
    (
        Case(
            "InfogainLoss",
            "older normalize",
            "loss_param { normalize: true }",
            (normal(6, 5), labels(5, 6), normal(5, 5)),
        ),
        NetError,
        "does not take the older normalize",
    ),
    (
        Case("InfogainLoss", "matrix of other classes", "", (normal(6, 5), labels(5, 6), normal(4, 4))),
        ShapeError,
        r"5 x 5 values; bottom\[2\] has shape \(4, 4\)",
    ),
    (
        Case("Reshape", "two to find", "reshape_param { shape { dim: -1 dim: -1 } }", (normal(2, 3, 4),)),
        NetError,
        "only one length of a shape can be -1",
    ),
    (
        Case("Reshape", "negative", "reshape_param { shape { dim: -2 dim: 3 } }", (normal(2, 3, 4),)),
        NetError,
        r"lengths, 0 and at most one -1, got \[-2, 3\]",
    ),
    (
        Case("Reshape", "count", "reshape_param { shape { dim: 5 dim: 5 } }", (normal(2, 3, 4),)),
        ShapeError,
        r"makes \(5, 5\) with 25 values of a bottom of shape \(2, 3, 4\) with 24",
    ),
    (
        Case("Reshape", "nothing to keep", "reshape_param { axis: 3 shape { dim: 0 } }", (normal(2, 3, 4),)),
        ShapeError,
        r"the 0 at place 0 of shape \[0\] stands for axis 3",
    ),
    (
        Case("Reshape", "axis", "reshape_param { axis: 4 }", (normal(2, 3, 4),)),
        ShapeError,
        "axis 4 is not from -4 to 3",
    ),
    (
        Case("Reshape", "too many axes", "reshape_param { axis: 1 num_axes: 3 }", (normal(2, 3, 4),)),
        ShapeError,
        r"num_axes must be -1 \(all\) or from 0 to 2 after axis 1",
    ),
    (
        Case("SigmoidCrossEntropyLoss", "targets", "", (normal(2, 3), normal(2, 4))),
        ShapeError,
        r"one target for each score; the shapes are \(2, 3\)",
    ),
    (
        Case("Slice", "two names for one thing", "slice_param { axis: 1 slice_dim: 1 }", (normal(2, 3, 4),)),
        NetError,
        "both axis and slice_dim",
    ),
    (
        Case("Slice", "points and tops", "slice_param { slice_point: 1 }", (normal(2, 3, 4),), 3),
        NetError,
        r"1 slice_point\(s\) make 2 parts, but there are 3 tops",
    ),
    (
        Case(
            "Slice", "points that do not grow", "slice_param { slice_point: 2 slice_point: 2 }", (normal(2, 3, 4),), 3
        ),
        NetError,
        r"greater than 0 and the one before, got \[2, 2\]",
    ),
    (
        Case("Slice", "a point beyond the end", "slice_param { slice_point: 5 }", (normal(2, 3, 4),), 2),
        ShapeError,
        r"slice_point \[5\] .* axis 1 of a bottom of shape \(2, 3, 4\) has length 3",
    ),
    (
        Case("Slice", "unequal", "", (normal(2, 3, 4),), 2),
        ShapeError,
        "cannot be cut into 2 equal parts",
    ),
    (
        Case("Tile", "no number", "", (normal(2, 3, 4),)),
        NetError,
        "must be given and at least 1, got none",
    ),
    (
        Case("Tile", "none", "tile_param { tiles: 0 }", (normal(2, 3, 4),)),
        NetError,
        "at least 1, got 0",
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


@pytest.mark.parametrize("type_name", ["HingeLoss", "MultinomialLogisticLoss"])
def test_a_label_that_is_no_class_of_an_item(type_name: str) -> None:
    bench = Bench(Case(type_name, "bad labels", bottoms=(SCORES, given([0, 1, 3, 2]))))
    with pytest.raises(NetError, match=r"label 3 at \[2\] of bottom\[1\] is not one of the 3 classes"):
        bench.forward()


@pytest.mark.parametrize(
    ("case", "words"),
    [
        (
            Case("BatchReindex", "beyond", bottoms=(normal(3, 2), given([0, 3, -1, 1]))),
            r"3 at \[1\] of bottom\[1\] is not one from 0 to 2 \(and 1 more like it\)",
        ),
        (
            Case("Embed", "beyond", "embed_param { num_output: 2 input_dim: 3 }", (given([[0, 1], [2, 3]]),)),
            r"3 at \[1, 1\] of bottom\[0\] is not a whole number from 0 to 2",
        ),
        (Case("Embed", "not whole", "embed_param { num_output: 2 input_dim: 3 }", (given([1.5]),)), r"1\.5 at \[0\]"),
    ],
    ids=str,
)
def test_a_number_that_names_nothing(case: Case, words: str) -> None:
    bench = Bench(case)
    with pytest.raises(NetError, match=words):
        bench.forward()


WITHOUT_GRADIENT = [
    (Case("SoftmaxWithLoss", "labels", bottoms=(SCORES, labels(3, 4))), 1, "labels .* have no gradient"),
    (Case("Accuracy", "labels", bottoms=(SCORES, labels(3, 4))), 1, "no gradient"),
    (Case("HingeLoss", "labels", bottoms=(SCORES, labels(3, 4))), 1, "labels .* have no gradient"),
    (Case("MultinomialLogisticLoss", "labels", bottoms=(SCORES, labels(3, 4))), 1, "labels .* have no gradient"),
    (Case("InfogainLoss", "labels", bottoms=(SCORES, labels(3, 4), normal(9))), 1, "labels and infogain matrix"),
    (Case("InfogainLoss", "matrix", bottoms=(SCORES, labels(3, 4), normal(9))), 2, "labels and infogain matrix"),
    (Case("SigmoidCrossEntropyLoss", "targets", bottoms=(SCORES, SCORES)), 1, "targets .* have no gradient"),
    (Case("ContrastiveLoss", "similar", bottoms=(SCORES, SCORES, labels(2, 4))), 2, "which pairs are similar"),
    (Case("ArgMax", "places", bottoms=(SCORES,)), 0, "ArgMax has no gradient"),
    (Case("BatchReindex", "numbers", bottoms=(SCORES, labels(4, 6))), 1, "numbers of the items"),
    (Case("Filter", "selector", bottoms=(SCORES, labels(2, 4))), 1, "selector .* has no gradient"),
    (Case("Embed", "numbers", "embed_param { num_output: 2 input_dim: 3 }", (labels(3, 4),)), 0, "no gradient"),
]


@pytest.mark.parametrize(("case", "bottom", "words"), WITHOUT_GRADIENT, ids=str)
def test_a_gradient_that_does_not_exist(case: Case, bottom: int, words: str) -> None:
    bench = Bench(case)
    bench.forward()
    assert not bench.layer.allow_force_backward(bottom)
    with pytest.raises(NetError, match=words):
        bench.backward([index == bottom for index in range(len(case.bottoms))])


def test_a_layer_works_again_after_a_refused_batch() -> None:
    bench = Bench(Case("SoftmaxWithLoss", "mended", bottoms=(SCORES, labels(3, 4))))
    (before,) = bench.forward()
    bench.bottom[1].data[0] = 17
    with pytest.raises(NetError):
        bench.forward()
    bench.feed()
    assert bench.forward()[0] == before
