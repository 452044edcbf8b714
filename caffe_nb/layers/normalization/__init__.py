"""Layers that normalize, and the scales and biases that go with them."""

from caffe_nb.layers.normalization import (
    batch_norm,
    bias,
    lrn,
    mvn,
    scale,
)

__all__ = [
    "batch_norm",
    "bias",
    "lrn",
    "mvn",
    "scale",
]
