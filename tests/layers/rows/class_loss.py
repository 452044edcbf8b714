"""Rows of the losses that take class labels, and of Accuracy."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from caffe_nb.proto import binary
from tests.layers.case import TEST, Array, Case, given, labels, normal, positive, softmax

MATRIX = np.random.default_rng(3).uniform(0.5, 1.5, (5, 5)).astype(np.float32)
INFOGAIN = 'infogain_loss_param { source: "H.binaryproto" }'


def _losses(x: Array, label: Array, axis: int = 1) -> Array:
    """The loss of every position: -log of the label's probability."""
    chosen = np.take_along_axis(softmax(x, axis), np.expand_dims(label.astype(int), axis), axis)
    losses: Array = -np.log(chosen.squeeze(axis))
    return losses


def _hinge(x: Array, label: Array, power: int) -> float:
    sign = np.where(np.arange(x.shape[1]) == label[:, None], 1, -1)
    return float((np.maximum(0, 1 - sign * x) ** power).sum() / len(x))


def _write_matrix(folder: Path) -> None:
    binary.write_blob(folder / "H.binaryproto", binary.array_to_blob(MATRIX[None, None]))


def _infogain(x: Array, label: Array, matrix: Array = MATRIX, axis: int = 1) -> Array:
    """The infogain loss of every position."""
    rows = np.moveaxis(matrix.reshape(5, 5)[label.astype(int)], -1, axis)
    losses: Array = -(rows * np.log(softmax(x, axis))).sum(axis)
    return losses


ROWS = [
    Case(
        "SoftmaxWithLoss",
        "vectors",
        bottoms=(normal(6, 5), labels(5, 6)),
        shapes=((),),
        reference=lambda x, label: _losses(x, label).mean(),
    ),
    Case(
        "SoftmaxWithLoss",
        "labels with an axis of 1",
        bottoms=(normal(2, 5, 3, 4), labels(5, 2, 1, 3, 4)),
        reference=lambda x, label: _losses(x, label[:, 0]).mean(),
    ),
    Case(
        "SoftmaxWithLoss",
        "another axis",
        "softmax_param { axis: -2 }",
        (normal(2, 3, 5, 4), labels(5, 2, 3, 4)),
        reference=lambda x, label: _losses(x, label, axis=2).mean(),
    ),
    Case(
        "SoftmaxWithLoss",
        "probabilities as the second top",
        bottoms=(normal(6, 5), labels(5, 6)),
        tops=2,
        shapes=((), (6, 5)),
        silent_tops=(1,),
        reference=lambda x, label: (_losses(x, label).mean(), softmax(x)),
    ),
    Case(
        "SoftmaxWithLoss",
        "ignored label",
        "loss_param { ignore_label: 2 }",
        (normal(2, 5, 3, 4), labels(5, 2, 3, 4)),
        reference=lambda x, label: _losses(x, label)[label != 2].mean(),
    ),
    Case(
        "SoftmaxWithLoss",
        "ignored label outside the classes",
        "loss_param { ignore_label: 255 }",
        (normal(4, 3), given([0, 255, 2, 255])),
        other_batch=False,
        reference=lambda x, label: -np.log(softmax(x)[[0, 2], [0, 2]]).mean(),
    ),
    Case(
        "SoftmaxWithLoss",
        "everything ignored",
        "loss_param { ignore_label: -1 }",
        (normal(3, 4), given([-1, -1, -1])),
        other_batch=False,
        reference=lambda x, label: 0.0,
    ),
    Case(
        "SoftmaxWithLoss",
        "full",
        "loss_param { ignore_label: 2 normalization: FULL }",
        (normal(2, 5, 3, 4), labels(5, 2, 3, 4)),
        reference=lambda x, label: _losses(x, label)[label != 2].sum() / label.size,
    ),
    Case(
        "SoftmaxWithLoss",
        "batch size",
        "loss_param { normalization: BATCH_SIZE }",
        (normal(2, 5, 3, 4), labels(5, 2, 3, 4)),
        reference=lambda x, label: _losses(x, label).sum() / len(x),
    ),
    Case(
        "SoftmaxWithLoss",
        "no normalization",
        "loss_param { normalization: NONE }",
        (normal(2, 5, 3, 4), labels(5, 2, 3, 4)),
        reference=lambda x, label: _losses(x, label).sum(),
    ),
    Case(
        "SoftmaxWithLoss",
        "a divisor of the text's",
        "loss_param { normalization: PRE_FIXED pre_fixed_normalizer: 0.5 ignore_label: 2 }",
        (normal(2, 5, 3, 4), labels(5, 2, 3, 4)),
        reference=lambda x, label: _losses(x, label)[label != 2].sum() / 0.5,
    ),
    Case(
        "SoftmaxWithLoss",
        "the older normalize",
        "loss_param { normalize: false }",
        (normal(2, 5, 3, 4), labels(5, 2, 3, 4)),
        reference=lambda x, label: _losses(x, label).sum() / len(x),
    ),
    Case(
        "SoftmaxWithLoss",
        "the older normalize with an ignored label",
        "loss_param { normalize: true ignore_label: 2 }",
        (normal(2, 5, 3, 4), labels(5, 2, 3, 4)),
        reference=lambda x, label: _losses(x, label)[label != 2].mean(),
    ),
    Case(
        "SoftmaxWithLoss",
        "normalization wins over normalize",
        "loss_param { normalize: false normalization: VALID }",
        (normal(2, 5, 3, 4), labels(5, 2, 3, 4)),
        reference=lambda x, label: _losses(x, label).mean(),
    ),
    Case(
        "Accuracy",
        "plain",
        bottoms=(normal(40, 5), labels(5, 40)),
        shapes=((),),
        phase=TEST,
        reference=lambda x, label: np.mean(x.argmax(1) == label),
    ),
    Case(
        "Accuracy",
        "top 3",
        "accuracy_param { top_k: 3 }",
        (normal(40, 5), labels(5, 40)),
        phase=TEST,
        reference=lambda x, label: np.mean([la in np.argsort(row)[-3:] for row, la in zip(x, label, strict=True)]),
    ),
    Case(
        "Accuracy",
        "each class",
        bottoms=(normal(40, 5), labels(4, 40)),
        tops=2,
        shapes=((), (5,)),
        phase=TEST,
        reference=lambda x, label: (
            np.mean(x.argmax(1) == label),
            [*(np.mean(x[label == c].argmax(1) == c) for c in range(4)), 0],
        ),
    ),
    Case(
        "Accuracy",
        "spatial with an ignored label",
        "accuracy_param { ignore_label: 1 axis: -3 }",
        (normal(2, 5, 3, 4), labels(5, 2, 3, 4)),
        phase=TEST,
        reference=lambda x, label: np.mean((x.argmax(1) == label)[label != 1]),
    ),
    Case(
        "Accuracy",
        "ties are wrong",
        bottoms=(given([[1, 1, 0], [0, 2, 1], [3, 3, 3]]), given([0, 1, 2])),
        other_batch=False,
        phase=TEST,
        reference=lambda x, label: 1 / 3,
    ),
    Case(
        "Accuracy",
        "ties within top 2",
        "accuracy_param { top_k: 2 }",
        (given([[1, 1, 0], [0, 2, 1], [3, 3, 3]]), given([0, 1, 2])),
        other_batch=False,
        phase=TEST,
        reference=lambda x, label: 2 / 3,
    ),
    Case(
        "Accuracy",
        "everything ignored",
        "accuracy_param { ignore_label: 1 }",
        (normal(3, 4), given([1, 1, 1])),
        other_batch=False,
        phase=TEST,
        reference=lambda x, label: 0,
    ),
    Case(
        "HingeLoss",
        "L1",
        bottoms=(normal(6, 5), labels(5, 6)),
        shapes=((),),
        reference=lambda x, label: _hinge(x, label, 1),
    ),
    Case(
        "HingeLoss",
        "L2",
        "hinge_loss_param { norm: L2 }",
        (normal(6, 5, 1, 1), labels(5, 6, 1, 1, 1)),
        reference=lambda x, label: _hinge(x.reshape(6, 5), label.reshape(6), 2),
    ),
    Case(
        "MultinomialLogisticLoss",
        "plain",
        bottoms=(positive(6, 5), labels(5, 6)),
        shapes=((),),
        reference=lambda p, label: -np.log(np.take_along_axis(p, label[:, None].astype(int), 1)).mean(),
    ),
    Case(
        "MultinomialLogisticLoss",
        "impossible",
        bottoms=(given([[0, 1], [0.25, 0.75]]), given([0, 1])),
        other_batch=False,
        derivative=False,  # below 1e-20 the loss is flat, the gradient is not
        reference=lambda p, label: -(np.log(1e-20) + np.log(0.75)) / 2,
    ),
    Case(
        "InfogainLoss",
        "matrix from a file",
        INFOGAIN,
        (normal(6, 5), labels(5, 6)),
        shapes=((),),
        files=_write_matrix,
        reference=lambda x, label: _infogain(x, label).mean(),
    ),
    Case(
        "InfogainLoss",
        "matrix as a bottom",
        'infogain_loss_param { source: "not read" axis: -2 }',
        (normal(2, 3, 5, 4), labels(5, 2, 3, 4), given(MATRIX[None, None])),
        reference=lambda x, label, matrix: _infogain(x, label, matrix, axis=2).mean(),
    ),
    Case(
        "InfogainLoss",
        "probabilities as the second top",
        INFOGAIN,
        (normal(6, 5), labels(5, 6)),
        tops=2,
        shapes=((), (6, 5)),
        silent_tops=(1,),
        files=_write_matrix,
        reference=lambda x, label: (_infogain(x, label).mean(), softmax(x)),
    ),
    *(
        Case(
            "InfogainLoss",
            f"{mode.lower()} with an ignored label",
            f"{INFOGAIN} loss_param {{ ignore_label: 2 normalization: {mode} pre_fixed_normalizer: 300 }}",
            (normal(2, 5, 3, 4), labels(5, 2, 3, 4)),
            files=_write_matrix,
            reference=lambda x, label, divisor=divisor: _infogain(x, label)[label != 2].sum() / divisor(label),
        )
        for mode, divisor in (
            ("VALID", lambda label: np.count_nonzero(label != 2)),
            ("FULL", np.size),
            ("BATCH_SIZE", len),
            ("NONE", lambda label: 1),
            ("PRE_FIXED", lambda label: 300),
        )
    ),
]
