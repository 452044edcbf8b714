"""Rows of the losses and of Accuracy."""

from __future__ import annotations

import numpy as np

from tests.layers.case import TEST, Array, Case, given, labels, normal, softmax

X = (2, 3, 4, 5)


def _losses(x: Array, label: Array, axis: int = 1) -> Array:
    """The loss of every position: -log of the label's probability."""
    chosen = np.take_along_axis(softmax(x, axis), np.expand_dims(label.astype(int), axis), axis)
    losses: Array = -np.log(chosen.squeeze(axis))
    return losses


ROWS = [
    Case(
        "EuclideanLoss",
        "plain",
        bottoms=(normal(*X), normal(*X)),
        shapes=((),),
        reference=lambda a, b: ((a - b) ** 2).sum() / 4,
    ),
    Case(
        "EuclideanLoss",
        "shapes of the same count",
        bottoms=(normal(4, 1), normal(4)),
        reference=lambda a, b: ((a[:, 0] - b) ** 2).sum() / 8,
    ),
    Case(
        "EuclideanLoss",
        "predictions only",
        bottoms=(normal(4, 6), normal(4, 6)),
        propagate_down=(True, False),
        reference=lambda a, b: ((a - b) ** 2).sum() / 8,
    ),
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
]
