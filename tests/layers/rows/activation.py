"""Rows of the activation layers."""

from __future__ import annotations

import numpy as np

from tests.layers.case import TEST, Array, Case, distinct, given, normal, positive, softmax

X = (2, 3, 4, 5)


def _prelu(x: Array, slopes: Array) -> Array:
    y: Array = np.where(x > 0, x, slopes.reshape(-1, *[1] * (x.ndim - 2)) * x)
    return y


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
    Case("AbsVal", "plain", bottoms=(distinct(*X),), shapes=(X,), reference=np.abs),
    Case("BNLL", "plain", bottoms=(normal(*X),), shapes=(X,), reference=lambda x: np.log(1 + np.exp(x))),
    Case(
        "BNLL",
        "far out",
        bottoms=(given([[-800.0, -30.0, 0.0, 30.0, 800.0]]),),
        other_batch=False,
        reference=lambda x: np.array([[0, np.exp(-30), np.log(2), 30 + np.exp(-30), 800]]),
    ),
    Case(
        "Clip",
        "plain",
        "clip_param { min: -0.5 max: 0.75 }",
        (distinct(*X),),
        shapes=(X,),
        reference=lambda x: np.clip(x, -0.5, 0.75),
    ),
    Case(
        "ELU",
        "plain",
        bottoms=(distinct(*X),),
        shapes=(X,),
        reference=lambda x: np.where(x > 0, x, np.exp(np.minimum(x, 0)) - 1),
    ),
    Case(
        "ELU",
        "alpha",
        "elu_param { alpha: 0.25 }",
        (distinct(7, 3),),
        reference=lambda x: np.where(x > 0, x, 0.25 * (np.exp(np.minimum(x, 0)) - 1)),
    ),
    Case("Exp", "plain", bottoms=(normal(*X),), shapes=(X,), reference=np.exp),
    Case("Exp", "of e, shifted", "exp_param { shift: 1.5 }", (normal(3, 4),), reference=lambda x: np.exp(1.5 + x)),
    Case(
        "Exp",
        "base, scale and shift",
        "exp_param { base: 2 scale: -0.5 shift: 3 }",
        (normal(3, 4),),
        reference=lambda x: 2 ** (3 - 0.5 * x),
    ),
    Case("Log", "plain", bottoms=(positive(*X),), shapes=(X,), reference=np.log),
    Case(
        "Log",
        "base, scale and shift",
        "log_param { base: 10 scale: 2.5 shift: 0.25 }",
        (positive(3, 4),),
        reference=lambda x: np.log10(0.25 + 2.5 * x),
    ),
    Case("Log", "base below 1", "log_param { base: 0.5 }", (positive(3, 4),), reference=lambda x: -np.log2(x)),
    Case("Power", "identity", bottoms=(normal(*X),), shapes=(X,), reference=lambda x: x),
    Case(
        "Power",
        "linear",
        "power_param { scale: -1.5 shift: 2 }",
        (normal(*X),),
        reference=lambda x: 2 - 1.5 * x,
    ),
    Case(
        "Power",
        "square",
        "power_param { power: 2 scale: 0.5 shift: -1 }",
        (normal(*X),),
        reference=lambda x: (0.5 * x - 1) ** 2,
    ),
    Case(
        "Power",
        "root",
        "power_param { power: 0.5 scale: 2 shift: 1 }",
        (positive(*X),),
        reference=lambda x: np.sqrt(1 + 2 * x),
    ),
    Case("Power", "not shifted", "power_param { power: -1.5 }", (positive(*X),), reference=lambda x: x**-1.5),
    Case(
        "Power",
        "cube with zeros",
        "power_param { power: 3 }",
        (given([[-2.0, 0.0, 1.5]]),),
        other_batch=False,
        reference=lambda x: x**3,
    ),
    Case("Power", "power 0", "power_param { power: 0 shift: -2 }", (normal(*X),), reference=np.ones_like),
    Case(
        "Power",
        "scale 0",
        "power_param { power: 3 scale: 0 shift: 2 }",
        (normal(*X),),
        reference=lambda x: np.full_like(x, 8),
    ),
    Case("PReLU", "plain", bottoms=(distinct(*X),), shapes=(X,), reference=_prelu),
    Case("PReLU", "vectors", bottoms=(distinct(6, 4),), reference=_prelu),
    Case(
        "PReLU",
        "one slope for all",
        "prelu_param { channel_shared: true }",
        (distinct(2, 3, 5),),
        reference=lambda x, slope: np.where(x > 0, x, slope * x),
    ),
    Case("PReLU", "five axes", bottoms=(distinct(2, 3, 2, 2, 2),), reference=_prelu),
    Case("Swish", "plain", bottoms=(normal(*X),), shapes=(X,), reference=lambda x: x / (1 + np.exp(-x))),
    Case(
        "Swish",
        "beta",
        "swish_param { beta: 1.75 }",
        (normal(*X),),
        reference=lambda x: x / (1 + np.exp(-1.75 * x)),
    ),
    Case(
        "Threshold",
        "plain",
        bottoms=(given([[-1.0, 0.0, 1e-6, 2.0]]),),
        other_batch=False,
        propagate_down=(False,),
        reference=lambda x: np.array([[0.0, 0, 1, 1]]),
    ),
    Case(
        "Threshold",
        "higher",
        "threshold_param { threshold: 0.5 }",
        (distinct(*X),),
        shapes=(X,),
        propagate_down=(False,),
        reference=lambda x: (x > 0.5) * 1.0,
    ),
]
