"""Layers that work on each value by itself, or on each class vector."""

from caffe_nb.layers.activation import (
    absval,
    bnll,
    clip,
    dropout,
    elu,
    exp,
    log,
    power,
    prelu,
    relu,
    sigmoid,
    softmax,
    swish,
    tanh,
    threshold,
)

__all__ = [
    "absval",
    "bnll",
    "clip",
    "dropout",
    "elu",
    "exp",
    "log",
    "power",
    "prelu",
    "relu",
    "sigmoid",
    "softmax",
    "swish",
    "tanh",
    "threshold",
]
