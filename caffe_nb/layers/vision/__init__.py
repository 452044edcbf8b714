"""Layers that look at images through windows."""

from caffe_nb.layers.vision import (
    convolution,
    pooling,
)

__all__ = [
    "convolution",
    "pooling",
]
