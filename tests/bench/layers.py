"""Nets of one layer each, to be timed beside PyTorch's same operation."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from caffe_nb import zoo
from caffe_nb.proto import caffe_pb2
from caffe_nb.pycaffe.net_spec import NetSpec
from caffe_nb.pycaffe.net_spec import layers as L  # noqa: N812
from caffe_nb.pycaffe.net_spec import params as P  # noqa: N812

GAUSS = {"type": "gaussian", "std": 0.05}


def net(kind: str, *shapes: tuple[int, ...], **settings: Any) -> caffe_pb2.NetParameter:
    """Return a net that is a layer of this type; the inputs of these shapes are called data, data2, ... ."""
    spec = NetSpec()
    names = ["data", *(f"data{number}" for number in range(2, len(shapes) + 1))]
    if kind in ("SoftmaxWithLoss", "LSTM"):  # their second bottom is no data
        names[1:] = ["label" if kind == "SoftmaxWithLoss" else "cont"]
    for name, shape in zip(names, shapes, strict=True):
        spec[name] = L.Input(input_param={"shape": {"dim": list(shape)}})
    spec["out"] = getattr(L, kind)(*(spec[name] for name in names), **settings)
    proto = spec.to_proto()
    proto.force_backward = True
    return proto


def conv(shape: tuple[int, ...], maps: int, kernel: int, stride: int = 1, group: int = 1) -> caffe_pb2.NetParameter:
    settings = {"kernel_size": kernel, "stride": stride, "pad": kernel // 2, "group": group, "weight_filler": GAUSS}
    return net("Convolution", shape, num_output=maps, **settings)


LAYERS: dict[str, Callable[[], caffe_pb2.NetParameter]] = {
    "Convolution 7x7/2, 3 to 64, 8 of 224x224": partial(conv, (8, 3, 224, 224), 64, 7, 2),
    "Convolution 5x5, 32 to 32, 100 of 16x16": partial(conv, (100, 32, 16, 16), 32, 5),
    "Convolution 3x3, 256 to 256, 4 of 56x56": partial(conv, (4, 256, 56, 56), 256, 3),
    "Convolution 3x3, 64 to 64, 4 of 56x56": partial(conv, (4, 64, 56, 56), 64, 3),
    "Convolution 3x3, 512 to 512, 4 of 7x7": partial(conv, (4, 512, 7, 7), 512, 3),
    "Convolution 1x1, 256 to 64, 4 of 56x56": partial(conv, (4, 256, 56, 56), 64, 1),
    "Convolution 3x3, depthwise, 8 of 512x14x14": partial(conv, (8, 512, 14, 14), 512, 3, 1, 512),
    "Convolution 3x3/2, depthwise, 8 of 64x112x112": partial(conv, (8, 64, 112, 112), 64, 3, 2, 64),
    "Pooling MAX 3x3/2, 8 of 64x112x112": partial(net, "Pooling", (8, 64, 112, 112), kernel_size=3, stride=2),
    "Pooling AVE 3x3/2, 100 of 32x16x16": partial(
        net, "Pooling", (100, 32, 16, 16), pool=P.Pooling.AVE, kernel_size=3, stride=2
    ),
    "LRN over 5, 8 of 192x56x56": partial(net, "LRN", (8, 192, 56, 56), local_size=5, alpha=1e-4, beta=0.75),
    "BatchNorm, 8 of 256x28x28": partial(net, "BatchNorm", (8, 256, 28, 28)),
    "Scale with bias, 8 of 256x28x28": partial(net, "Scale", (8, 256, 28, 28), bias_term=True),
    "ReLU, 8 of 256x28x28": partial(net, "ReLU", (8, 256, 28, 28)),
    "InnerProduct 4096 to 4096, 16": partial(net, "InnerProduct", (16, 4096), num_output=4096, weight_filler=GAUSS),
    "SoftmaxWithLoss, 256 of 1000": partial(net, "SoftmaxWithLoss", (256, 1000), (256,)),
    "LSTM of 256, 20 steps of 16": partial(
        net, "LSTM", (20, 16, 256), (20, 16), recurrent_param={"num_output": 256, "weight_filler": GAUSS}
    ),
    "Eltwise SUM, 2 times 8 of 256x28x28": partial(net, "Eltwise", (8, 256, 28, 28), (8, 256, 28, 28)),
    "Concat, 4 times 8 of 64x28x28": partial(net, "Concat", *[(8, 64, 28, 28)] * 4),
}
"""By what they are."""

NETS = zoo.NETS | LAYERS
"""All that can be timed."""
