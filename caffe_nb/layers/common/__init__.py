"""Layers that combine all of their inputs."""

from caffe_nb.layers.common import (
    inner_product,
)

__all__ = [
    "inner_product",
]
