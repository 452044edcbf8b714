"""Write notebooks/old_net's weights and mean, in the formats of 2014: the net that the second tutorial opens.

The net learns scikit-learn's handwritten digits, seen as images of 28 x 28. Usage: python tools/old_net.py
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits

import caffe_nb
from caffe_nb.proto import caffe_pb2
from caffe_nb.pycaffe.io import Transformer, array_to_blobproto
from caffe_nb.rng import set_random_seed

FOLDER = Path(__file__).resolve().parent.parent / "notebooks" / "old_net"
BATCH = 64
HELD_OUT = 360
"""The first images are kept out of the training; the tutorial tests with them."""

NET = """
layer { name: "data" type: "Input" top: "data" top: "label"
  input_param { shape { dim: 64 dim: 1 dim: 28 dim: 28 } shape { dim: 64 } } }
layer { name: "conv1" type: "Convolution" bottom: "data" top: "conv1"
  convolution_param { num_output: 8 kernel_size: 5 weight_filler { type: "xavier" } } }
layer { name: "relu1" type: "ReLU" bottom: "conv1" top: "conv1" }
layer { name: "pool1" type: "Pooling" bottom: "conv1" top: "pool1" pooling_param { kernel_size: 2 stride: 2 } }
layer { name: "conv2" type: "Convolution" bottom: "pool1" top: "conv2"
  convolution_param { num_output: 16 kernel_size: 5 weight_filler { type: "xavier" } } }
layer { name: "pool2" type: "Pooling" bottom: "conv2" top: "pool2" pooling_param { kernel_size: 2 stride: 2 } }
layer { name: "ip1" type: "InnerProduct" bottom: "pool2" top: "ip1"
  inner_product_param { num_output: 32 weight_filler { type: "xavier" } } }
layer { name: "slice" type: "Slice" bottom: "ip1" top: "a" top: "b" }
layer { name: "maxout" type: "Eltwise" bottom: "a" bottom: "b" top: "maxout" eltwise_param { operation: MAX } }
layer { name: "ip2" type: "InnerProduct" bottom: "maxout" top: "ip2"
  inner_product_param { num_output: 10 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip2" bottom: "label" top: "loss" }
"""
SOLVER = 'type: "Adam" base_lr: 0.001 lr_policy: "step" gamma: 0.3 stepsize: 500 max_iter: 1500'
SCALE = 64
"""Training sees values of about 1; the first weights are divided by this at its end."""
V1_TYPES = {"Convolution": "CONVOLUTION", "InnerProduct": "INNER_PRODUCT"}


def images(mean: NDArray[np.float32] | None) -> NDArray[np.float32]:
    """Return all digits as the net takes them, less the mean where it is given."""
    transformer = Transformer({"data": (1, 1, 28, 28)})
    transformer.set_transpose("data", (2, 0, 1))
    transformer.set_raw_scale("data", 255)
    if mean is not None:
        transformer.set_mean("data", mean)
    digits = load_digits().images / 16
    return np.stack([transformer.preprocess("data", digit[:, :, None]) for digit in digits])


def old_weights(net: caffe_nb.Net) -> caffe_pb2.NetParameter:
    """Return the net's weights as Caffe wrote them in 2014: layers of format V1, blobs of four axes."""
    result = caffe_pb2.NetParameter(name="Digits")
    for node in net.nodes:
        if node.layer.type in V1_TYPES:
            layer = result.layers.add(name=node.name, type=V1_TYPES[node.layer.type])
            for blob in node.layer.blobs:
                shape = (1,) * (4 - len(blob.shape)) + tuple(blob.shape)
                num, channels, height, width = shape
                kept = layer.blobs.add(num=num, channels=channels, height=height, width=width)
                kept.data.extend(blob.const_data.ravel().tolist())
    return result


def main() -> None:
    """Train, say how well it does, write both files."""
    set_random_seed(2014)
    mean = images(None)[HELD_OUT:].mean(0)
    data, labels = images(mean), load_digits().target
    net = caffe_nb.Net.from_text(NET)
    solver = caffe_nb.Solver.from_text(SOLVER, net=net)
    rng = np.random.default_rng(2014)
    for _ in range(solver.param.max_iter):
        chosen = rng.integers(HELD_OUT, len(data), BATCH)
        net.blobs["data"].data[...] = data[chosen] / SCALE
        net.blobs["label"].data[...] = labels[chosen]
        solver.step(1)
    net.params["conv1"][0].data[...] /= SCALE
    net.blobs["data"].reshape(HELD_OUT, 1, 28, 28)
    net.blobs["label"].reshape(HELD_OUT)
    net.forward(data=data[:HELD_OUT], label=labels[:HELD_OUT])
    right = (net.blobs["ip2"].data.argmax(1) == labels[:HELD_OUT]).mean()
    print(f"{right:.1%} of {HELD_OUT} held-out digits")
    (FOLDER / "digits.caffemodel").write_bytes(old_weights(net).SerializeToString())
    kept = array_to_blobproto(mean[None])
    (FOLDER / "digits_mean.binaryproto").write_bytes(kept.SerializeToString())


if __name__ == "__main__":
    main()
