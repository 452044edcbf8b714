"""Rows of the losses that compare values."""

from __future__ import annotations

import numpy as np

from tests.layers.case import Array, Case, Input, given, labels, normal

X = (2, 3, 4, 5)


def _bits(*shape: int) -> Input:
    """Targets 0 and 1, with some 2 that are ignored where a row says so."""
    return labels(3, *shape)


def _logistic(x: Array, target: Array) -> Array:
    """The logistic loss of every score."""
    p = 1 / (1 + np.exp(-x))
    losses: Array = -(target * np.log(p) + (1 - target) * np.log(1 - p))
    return losses


def _contrastive(a: Array, b: Array, similar: Array, margin: float = 1, legacy: bool = False) -> float:
    d = np.sqrt(((a - b) ** 2).reshape(len(a), -1).sum(1))
    dissimilar = np.maximum(margin - d**2, 0) if legacy else np.maximum(margin - d, 0) ** 2
    return float(np.where(similar.reshape(-1) != 0, d**2, dissimilar).sum() / (2 * len(a)))


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
        "ContrastiveLoss",
        "plain",  # the gradient of dissimilar pairs is a little less than the derivative: test_loss_layers.py
        bottoms=(normal(8, 3), normal(8, 3), labels(2, 8)),
        shapes=((),),
        derivative=False,
        reference=_contrastive,
    ),
    Case(
        "ContrastiveLoss",
        "similar pairs only",
        bottoms=(normal(4, 3), normal(4, 3), given([1, 2, -1, 3])),
        other_batch=False,
        reference=_contrastive,
    ),
    Case(
        "ContrastiveLoss",
        "margin",
        "contrastive_loss_param { margin: 3.5 }",
        (normal(8, 3, 1, 1), normal(8, 3, 1, 1), labels(2, 8, 1, 1, 1)),
        derivative=False,
        reference=lambda a, b, similar: _contrastive(a, b, similar, 3.5),
    ),
    Case(
        "ContrastiveLoss",
        "legacy version",
        "contrastive_loss_param { margin: 6 legacy_version: true }",
        (normal(8, 3), normal(8, 3), labels(2, 8)),
        reference=lambda a, b, similar: _contrastive(a, b, similar, 6, legacy=True),
    ),
    Case(
        "ContrastiveLoss",
        "one vector only",
        "contrastive_loss_param { legacy_version: true }",
        (normal(8, 3), normal(8, 3), labels(2, 8)),
        propagate_down=(False, True, False),
    ),
    Case(
        "SigmoidCrossEntropyLoss",
        "plain",
        bottoms=(normal(4, 5), _bits(4, 5)),
        shapes=((),),
        reference=lambda x, target: _logistic(x, target).sum() / 4,
    ),
    Case(
        "SigmoidCrossEntropyLoss",
        "far from 0",
        bottoms=(given([[1000, -1000, 30, -30]]), given([[1, 0, 0, 1]])),
        other_batch=False,
        reference=lambda x, target: 60.0 + 2 * np.log1p(np.exp(-30)),
    ),
    Case(
        "SigmoidCrossEntropyLoss",
        "probabilities as the second top",
        bottoms=(normal(4, 5), _bits(4, 5)),
        tops=2,
        shapes=((), (4, 5)),
        silent_tops=(1,),
        reference=lambda x, target: (_logistic(x, target).sum() / 4, 1 / (1 + np.exp(-x))),
    ),
    Case(
        "SigmoidCrossEntropyLoss",
        "ignored label",
        "loss_param { ignore_label: 2 }",
        (normal(4, 5), _bits(4, 5)),
        reference=lambda x, target: _logistic(x, target)[target != 2].sum() / 4,
    ),
    Case(
        "SigmoidCrossEntropyLoss",
        "valid",
        "loss_param { ignore_label: 2 normalization: VALID }",
        (normal(4, 5), _bits(4, 5)),
        reference=lambda x, target: _logistic(x, target)[target != 2].mean(),
    ),
    Case(
        "SigmoidCrossEntropyLoss",
        "full",
        "loss_param { normalization: FULL }",
        (normal(2, 3, 4), _bits(2, 3, 4)),
        reference=lambda x, target: _logistic(x, target).mean(),
    ),
    Case(
        "SigmoidCrossEntropyLoss",
        "a divisor of the text's",
        "loss_param { normalization: PRE_FIXED pre_fixed_normalizer: 128 }",
        (normal(4, 5), _bits(4, 5)),
        reference=lambda x, target: _logistic(x, target).sum() / 128,
    ),
    Case(
        "SigmoidCrossEntropyLoss",
        "no normalization",
        "loss_param { normalization: NONE }",
        (normal(4, 5), _bits(4, 5)),
        reference=lambda x, target: _logistic(x, target).sum(),
    ),
    Case(
        "SigmoidCrossEntropyLoss",
        "the older normalize",
        "loss_param { ignore_label: 2 normalize: true }",
        (normal(4, 5), _bits(4, 5)),
        reference=lambda x, target: _logistic(x, target)[target != 2].mean(),
    ),
    Case(
        "SigmoidCrossEntropyLoss",
        "everything ignored",
        "loss_param { ignore_label: -1 normalization: VALID }",
        (normal(2, 2), given([[-1, -1], [-1, -1]])),
        other_batch=False,
        reference=lambda x, target: 0.0,
    ),
    Case(
        "SigmoidCrossEntropyLoss",
        "fractions are cut off before they are ignored",
        "loss_param { ignore_label: 0 }",
        (normal(1, 3), given([[0.5, 1, 0]])),
        other_batch=False,
        reference=lambda x, target: _logistic(x, target)[0, 1],
    ),
]
