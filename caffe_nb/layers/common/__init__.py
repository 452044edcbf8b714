"""Layers that combine all of their inputs."""

from caffe_nb.layers.common import (
    embed,
    inner_product,
)

__all__ = [
    "embed",
    "inner_product",
]
