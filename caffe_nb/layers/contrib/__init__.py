"""Types of Caffe's forks that nets in the wild use."""

from caffe_nb.layers.contrib import (
    axpy,
    bn,
    convolution_depthwise,
    depthwise_convolution,
    detection_output,
    interp,
    normalize,
    permute,
    prior_box,
    psroi_pooling,
    reorg,
    roi_pooling,
    shuffle_channel,
    smooth_l1_loss,
    upsample,
)

__all__ = [
    "axpy",
    "bn",
    "convolution_depthwise",
    "depthwise_convolution",
    "detection_output",
    "interp",
    "normalize",
    "permute",
    "prior_box",
    "psroi_pooling",
    "reorg",
    "roi_pooling",
    "shuffle_channel",
    "smooth_l1_loss",
    "upsample",
]
