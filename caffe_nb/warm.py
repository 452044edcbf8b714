"""Compiling all kernels ahead of their first use: small nets that need them are run once."""

from __future__ import annotations

import numpy as np

from caffe_nb import rng
from caffe_nb.core.blob import Blob
from caffe_nb.core.layer import Phase
from caffe_nb.net import Net
from caffe_nb.ops import compiling, figures
from caffe_nb.proto import caffe_pb2
from caffe_nb.solvers import rules

_IMAGES = 'layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 2 dim: 16 dim: 24 dim: 24 } } }'
_REGIONS = 'layer { name: "r" type: "Input" top: "r" input_param { shape { dim: 2 dim: 5 } } }'
_NETS = (
    _IMAGES
    + """
layer { name: "winograd" type: "Convolution" bottom: "x" top: "a" convolution_param { num_output: 16 kernel_size: 3
  pad: 1 weight_filler { type: "xavier" } } }
layer { name: "no_bias" type: "Convolution" bottom: "a" top: "a2" convolution_param { num_output: 16 kernel_size: 3
  pad: 1 bias_term: false weight_filler { type: "xavier" } } }
layer { name: "sum" type: "Eltwise" bottom: "a" bottom: "a2" top: "s" }
layer { name: "cut" type: "ReLU" bottom: "s" top: "s" }
layer { name: "columns" type: "Convolution" bottom: "s" top: "b" convolution_param { num_output: 16 kernel_size: 5
  stride: 2 group: 2 weight_filler { type: "xavier" } } }
layer { name: "same_size" type: "Convolution" bottom: "b" top: "b2" convolution_param { num_output: 16 kernel_size: 5
  pad: 2 weight_filler { type: "xavier" } } }
layer { name: "depthwise" type: "Convolution" bottom: "b2" top: "c" convolution_param { num_output: 16 kernel_size: 3
  pad: 1 group: 16 weight_filler { type: "xavier" } } }
layer { name: "no_bias" type: "Convolution" bottom: "c" top: "c2" convolution_param { num_output: 16 kernel_size: 3
  pad: 1 group: 16 bias_term: false weight_filler { type: "xavier" } } }
layer { name: "norm" type: "BatchNorm" bottom: "c2" top: "d" }
layer { name: "scale" type: "Scale" bottom: "d" top: "d" scale_param { bias_term: true } }
layer { name: "plain" type: "Scale" bottom: "d" top: "d2" }
layer { name: "relu" type: "ReLU" bottom: "d2" top: "d2" }
layer { name: "bias" type: "Bias" bottom: "d2" top: "e" }
layer { name: "lrn" type: "LRN" bottom: "e" top: "f" }
layer { name: "max" type: "Pooling" bottom: "f" top: "g" pooling_param { pool: MAX kernel_size: 2 } }
layer { name: "ave" type: "Pooling" bottom: "g" top: "h" pooling_param { pool: AVE kernel_size: 2 } }
layer { name: "ip" type: "InnerProduct" bottom: "h" top: "i" inner_product_param { num_output: 4 weight_filler {
  type: "xavier" } } }
layer { name: "loss" type: "Reduction" bottom: "i" top: "l" loss_weight: 1 }
""",
    _IMAGES
    + """
layer { name: "draw" type: "Pooling" bottom: "x" top: "a" pooling_param { pool: STOCHASTIC kernel_size: 2 } }
layer { name: "p" type: "Softmax" bottom: "a" top: "p" softmax_param { axis: 3 } }
layer { name: "up" type: "Interp" bottom: "p" top: "b" interp_param { height: 20 width: 20 } }
layer { name: "loss" type: "Reduction" bottom: "b" top: "l" loss_weight: 1 }
""",
    _IMAGES
    + _REGIONS
    + """
layer { name: "max" type: "ROIPooling" bottom: "x" bottom: "r" top: "a" roi_pooling_param { pooled_h: 2 pooled_w: 2 } }
layer { name: "mean" type: "PSROIPooling" bottom: "x" bottom: "r" top: "b" psroi_pooling_param { output_dim: 4
  group_size: 2 spatial_scale: 1 } }
layer { name: "loss" type: "Reduction" bottom: "a" top: "l" loss_weight: 1 }
layer { name: "other" type: "Reduction" bottom: "b" top: "m" loss_weight: 1 }
""",
    """
layer { name: "words" type: "Input" top: "w" input_param { shape { dim: 3 dim: 2 } } }
layer { name: "cont" type: "Input" top: "cont" input_param { shape { dim: 3 dim: 2 } } }
layer { name: "embed" type: "Embed" bottom: "w" top: "e" embed_param { input_dim: 5 num_output: 4 weight_filler {
  type: "xavier" } } }
layer { name: "lstm" type: "LSTM" bottom: "e" bottom: "cont" top: "h" recurrent_param { num_output: 4 weight_filler {
  type: "xavier" } } }
layer { name: "loss" type: "Reduction" bottom: "h" top: "l" loss_weight: 1 }
""",
    """
layer { name: "steps" type: "Input" top: "x" input_param { shape { dim: 4 dim: 4 dim: 4 } } }
layer { name: "cont" type: "Input" top: "cont" input_param { shape { dim: 4 dim: 4 } } }
layer { name: "lstm" type: "LSTM" bottom: "x" bottom: "cont" top: "h" recurrent_param { num_output: 4 weight_filler {
  type: "xavier" } } }
layer { name: "loss" type: "Reduction" bottom: "h" top: "l" loss_weight: 1 }
""",
    """
layer { name: "places" type: "Input" top: "p" input_param { shape { dim: 1 dim: 8 } } }
layer { name: "scores" type: "Input" top: "s" input_param { shape { dim: 1 dim: 4 } } }
layer { name: "priors" type: "Input" top: "b" input_param { shape { dim: 1 dim: 2 dim: 8 } } }
layer { name: "found" type: "DetectionOutput" bottom: "p" bottom: "s" bottom: "b" top: "f" detection_output_param {
  num_classes: 2 nms_param { nms_threshold: 0.4 } } }
""",
)
"""Every kernel of layers has one here; a test holds it."""


def warm_up() -> int:
    """Compile all kernels now, for float32 and for the gradient checks' float64, with a progress bar.

    Otherwise each is compiled when a net first needs it, within a second or so, and kept on the disk for all later
    runs. Worth it before a talk, in a container's image (``RUN caffe warm-up``), and before a benchmark.

    Returns
    -------
    int
        How many had to be compiled; 0 when all were on the disk.
    """
    before = compiling.compiled()
    state = rng.get_state()
    types = (np.float32, np.float64)
    with compiling.quietly(), compiling.bar("caffe_nb warms up", total=len(types) * (2 * len(_NETS) + 1)) as bar:
        for dtype in types:
            for text in _NETS:
                for phase in Phase:
                    _run(text, phase, dtype)
                    bar.update()
            _update(dtype)
            figures.spread(np.ones(1, dtype), figures.sums(np.ones(1, dtype))[0])
            bar.update()
    rng.set_state(state)
    return compiling.compiled() - before


def _run(text: str, phase: Phase, dtype: type[np.floating]) -> None:
    net = Net.from_text("force_backward: true\n" + text, phase, name="warm_up", dtype=dtype)
    for name in net.inputs:
        net.blobs[name].data = 1
    net.forward()
    if phase == Phase.TRAIN:
        net.backward()


def _update(dtype: type[np.floating]) -> None:
    blob = Blob(1, dtype=dtype)
    for rule in vars(rules).values():
        if isinstance(rule, type) and issubclass(rule, rules.Rule) and rule is not rules.Rule:
            rule([blob], caffe_pb2.SolverParameter()).update(0, blob, 0.0, 0)
