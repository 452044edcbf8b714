"""The layer types. Importing this package registers all of them."""

from caffe_nb.layers import (
    activation,
    common,
    data,
    loss,
    normalization,
    recurrent,
    utility,
    vision,
)

__all__ = [
    "activation",
    "common",
    "data",
    "loss",
    "normalization",
    "recurrent",
    "utility",
    "vision",
]
