"""Rows of the layers that normalize, and of Scale and Bias."""

from __future__ import annotations

import numpy as np

from tests.layers.case import TEST, Array, Case, normal

X = (2, 3, 4, 5)


def _batch_norm(x: Array, eps: float = float(np.float32(1e-5))) -> Array:
    axes = (0, *range(2, x.ndim))
    y: Array = (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + eps)
    return y


def _stored(x: Array, mean: Array, variance: Array, weight: Array, eps: float) -> Array:
    column = (-1, *[1] * (x.ndim - 2))
    y: Array = (x - (mean / weight).reshape(column)) / np.sqrt((variance / weight).reshape(column) + eps)
    return y


def _lrn_across(x: Array, size: int = 5, alpha: float = 1, beta: float = 0.75, k: float = 1) -> Array:
    padded = np.pad(x**2, ((0, 0), (size // 2, size // 2), (0, 0), (0, 0)))
    energy = sum(padded[:, c : c + x.shape[1]] for c in range(size))
    y: Array = x * (k + alpha / size * energy) ** -beta
    return y


def _lrn_within(x: Array, size: int, alpha: float = 1, beta: float = 0.75) -> Array:
    half, (height, width) = size // 2, x.shape[2:]
    padded = np.pad(x**2, ((0, 0), (0, 0), (half, half), (half, half)))
    energy = sum(padded[:, :, i : i + height, j : j + width] for i in range(size) for j in range(size))
    y: Array = x * (1 + alpha / size**2 * energy) ** -beta
    return y


def _mvn(x: Array, axes: tuple[int, ...] = (2, 3), eps: float = 1e-9) -> Array:
    y: Array = (x - x.mean(axes, keepdims=True)) / (x.std(axes, keepdims=True) + eps)
    return y


ROWS = [
    Case("BatchNorm", "train", bottoms=(normal(*X),), shapes=(X,), reference=lambda x, *stored: _batch_norm(x)),
    Case("BatchNorm", "vectors", bottoms=(normal(6, 4),), reference=lambda x, *stored: _batch_norm(x)),
    Case(
        "BatchNorm",
        "eps and fraction",
        "batch_norm_param { eps: 0.5 moving_average_fraction: 0.5 }",
        (normal(2, 3, 5),),
        reference=lambda x, *stored: _batch_norm(x, eps=0.5),
    ),
    Case(
        "BatchNorm",
        "a filler that changes nothing",
        "batch_norm_param { filler { value: 1 } }",
        (normal(*X),),
        reference=lambda x, *stored: _batch_norm(x),
    ),
    Case(
        "BatchNorm",
        "one axis is one channel",
        bottoms=(normal(7),),
        reference=lambda x, *stored: _batch_norm(x[:, None])[:, 0],
    ),
    Case(  # the eps outweighs a drawn variance that may be negative
        "BatchNorm",
        "test",
        "batch_norm_param { eps: 64 }",
        (normal(*X),),
        phase=TEST,
        derivative=False,
        reference=lambda x, *stored: _stored(x, *stored, eps=64),
    ),
    Case(
        "BatchNorm",
        "stored statistics in training",
        "batch_norm_param { eps: 64 use_global_stats: true }",
        (normal(5, 3),),
        derivative=False,
        reference=lambda x, *stored: _stored(x, *stored, eps=64),
    ),
    Case(
        "BatchNorm",
        "the batch's own statistics in testing",
        "batch_norm_param { use_global_stats: false }",
        (normal(*X),),
        phase=TEST,
        reference=lambda x, *stored: _batch_norm(x),
    ),
    Case("Scale", "channels", bottoms=(normal(*X),), shapes=(X,), reference=lambda x, scale: x * scale[:, None, None]),
    Case(
        "Scale",
        "two axes and a bias",
        "scale_param { axis: 0 num_axes: 2 bias_term: true }",
        (normal(*X),),
        other_batch=False,
        reference=lambda x, scale, bias: x * scale[..., None, None] + bias[..., None, None],
    ),
    Case(
        "Scale",
        "all that follow",
        "scale_param { axis: 2 num_axes: -1 bias_term: true }",
        (normal(*X),),
        reference=lambda x, scale, bias: x * scale + bias,
    ),
    Case(
        "Scale",
        "axis from the end",
        "scale_param { axis: -2 }",
        (normal(*X),),
        reference=lambda x, scale: x * scale[:, None],
    ),
    Case(
        "Scale",
        "scalar",
        "scale_param { num_axes: 0 bias_term: true }",
        (normal(4, 3),),
        reference=lambda x, scale, bias: x * scale + bias,
    ),
    Case(
        "Scale",
        "every value",
        "scale_param { axis: 0 num_axes: -1 }",
        (normal(3, 4),),
        other_batch=False,
        reference=lambda x, scale: x * scale,
    ),
    Case(
        "Scale",
        "a bottom",
        bottoms=(normal(*X), normal(3, 4)),
        other_batch=False,
        reference=lambda x, scale: x * scale[:, :, None],
    ),
    Case(
        "Scale",
        "a bottom along the batch, with a bias",
        "scale_param { axis: 0 bias_term: true }",
        (normal(*X), normal(2)),
        other_batch=False,
        reference=lambda x, scale, bias: x * scale[:, None, None, None] + bias[:, None, None, None],
    ),
    Case(
        "Scale",
        "a bottom that is a scalar",
        bottoms=(normal(4, 3), normal()),
        other_batch=False,
        reference=lambda x, scale: x * scale,
    ),
    Case("Bias", "channels", bottoms=(normal(*X),), shapes=(X,), reference=lambda x, bias: x + bias[:, None, None]),
    Case(
        "Bias",
        "all that follow",
        "bias_param { axis: -2 num_axes: -1 }",
        (normal(*X),),
        reference=lambda x, bias: x + bias,
    ),
    Case(
        "Bias",
        "scalar",
        "bias_param { num_axes: 0 }",
        (normal(4, 3),),
        reference=lambda x, bias: x + bias,
    ),
    Case(
        "Bias",
        "a bottom",
        "bias_param { axis: 0 }",
        (normal(*X), normal(2, 3)),
        other_batch=False,
        reference=lambda x, bias: x + bias[:, :, None, None],
    ),
    Case("LRN", "across", bottoms=(normal(2, 7, 3, 2),), shapes=((2, 7, 3, 2),), reference=_lrn_across),
    Case(
        "LRN",
        "across with all parameters",
        "lrn_param { local_size: 3 alpha: 0.5 beta: 1.25 k: 2 }",
        (normal(2, 4, 3, 2),),
        reference=lambda x: _lrn_across(x, 3, 0.5, 1.25, 2),
    ),
    Case(
        "LRN",
        "more channels than there are",
        "lrn_param { local_size: 9 }",
        (normal(2, 3, 3, 2),),
        reference=lambda x: _lrn_across(x, 9),
    ),
    Case(
        "LRN",
        "within",
        "lrn_param { norm_region: WITHIN_CHANNEL local_size: 3 }",
        (normal(*X),),
        shapes=(X,),
        reference=lambda x: _lrn_within(x, 3),
    ),
    Case(
        "LRN",
        "within a larger square than the image, k without effect",
        "lrn_param { norm_region: WITHIN_CHANNEL local_size: 7 alpha: 0.5 beta: 0.5 k: 5 }",
        (normal(2, 2, 3, 4),),
        reference=lambda x: _lrn_within(x, 7, 0.5, 0.5),
    ),
    Case("MVN", "plain", bottoms=(normal(*X),), shapes=(X,), reference=_mvn),
    Case(
        "MVN",
        "across channels",
        "mvn_param { across_channels: true }",
        (normal(*X),),
        reference=lambda x: _mvn(x, (1, 2, 3)),
    ),
    Case(
        "MVN",
        "mean only",
        "mvn_param { normalize_variance: false }",
        (normal(*X),),
        reference=lambda x: x - x.mean((2, 3), keepdims=True),
    ),
    Case(  # Caffe leaves eps out of the derivative
        "MVN",
        "eps",
        "mvn_param { eps: 0.5 }",
        (normal(*X),),
        derivative=False,
        reference=lambda x: _mvn(x, eps=0.5),
    ),
]
