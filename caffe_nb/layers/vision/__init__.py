"""Layers that look at images through windows."""

from caffe_nb.layers.vision import (
    convolution,
    crop,
    deconvolution,
    im2col,
    pooling,
    spp,
)

__all__ = [
    "convolution",
    "crop",
    "deconvolution",
    "im2col",
    "pooling",
    "spp",
]
