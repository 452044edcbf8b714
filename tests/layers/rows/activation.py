"""Rows of the activation layers."""

from __future__ import annotations

import numpy as np

from tests.layers.case import TEST, Case, distinct, given, normal, softmax

X = (2, 3, 4, 5)

ROWS = [
    Case("ReLU", "plain", bottoms=(distinct(*X),), shapes=(X,), reference=lambda x: x * (x > 0)),
    Case("ReLU", "one axis", bottoms=(distinct(7),), reference=lambda x: np.maximum(x, 0)),
    Case(
        "ReLU",
        "leaky",
        "relu_param { negative_slope: 0.25 }",
        (distinct(*X),),
        reference=lambda x: np.where(x > 0, x, 0.25 * x),
    ),
    Case(
        "ReLU",
        "slope above 1",
        "relu_param { negative_slope: 2 }",
        (distinct(4, 6),),
        reference=lambda x: np.where(x > 0, x, 2 * x),
    ),
    Case("Sigmoid", "plain", bottoms=(normal(*X),), shapes=(X,), reference=lambda x: 1 / (1 + np.exp(-x))),
    Case(
        "Sigmoid",
        "far out",
        bottoms=(given([[-800.0, -20.0, 0.0, 20.0, 800.0]]),),
        other_batch=False,
        reference=lambda x: np.array([[0, np.exp(-20), 0.5, 1 - np.exp(-20), 1]]),
    ),
    Case("TanH", "plain", bottoms=(normal(*X),), shapes=(X,), reference=np.tanh),
    Case("Dropout", "train", bottoms=(normal(*X),), shapes=(X,), random=True),
    Case("Dropout", "ratio", "dropout_param { dropout_ratio: 0.2 }", (normal(6, 7),), random=True),
    Case("Dropout", "nothing dropped", "dropout_param { dropout_ratio: 0 }", (normal(6, 7),), reference=lambda x: x),
    Case("Dropout", "test", bottoms=(normal(*X),), phase=TEST, reference=lambda x: x),
    Case("Softmax", "channels", bottoms=(normal(*X),), shapes=(X,), reference=softmax),
    Case("Softmax", "vectors", bottoms=(normal(4, 7),), reference=softmax),
    Case("Softmax", "last axis", "softmax_param { axis: -1 }", (normal(*X),), reference=lambda x: softmax(x, axis=3)),
    Case(
        "Softmax",
        "large scores",
        bottoms=(given([[1000.0, 1000.0, -1000.0], [5.0, 5.0, 5.0]]),),
        other_batch=False,
        reference=lambda x: np.array([[0.5, 0.5, 0], [1 / 3, 1 / 3, 1 / 3]]),
    ),
]
