"""ConvolutionDepthwise."""

from __future__ import annotations

from caffe_nb.core.registry import register
from caffe_nb.layers.contrib.depthwise_convolution import DepthwiseConvolution


@register("ConvolutionDepthwise")
class ConvolutionDepthwise(DepthwiseConvolution):
    """Convolve every channel by itself: DepthwiseConvolution under its other name.

    Settings, parameters and errors are those of DepthwiseConvolution.
    """
