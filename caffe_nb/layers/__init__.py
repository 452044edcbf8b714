"""The layer types. Importing this package registers all of them."""

from caffe_nb.core.registry import layer_types
from caffe_nb.layers import (
    activation,
    common,
    contrib,
    data,
    loss,
    normalization,
    recurrent,
    registered,
    utility,
    vision,
)

__all__ = [
    "activation",
    "common",
    "contrib",
    "data",
    "layer_types",
    "loss",
    "normalization",
    "recurrent",
    "registered",
    "utility",
    "vision",
]
