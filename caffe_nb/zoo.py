"""Well-known nets, written with `NetSpec`: to try things on, to measure, and to see how such nets are written.

Each takes its batch size, has Input layers ``data`` and ``label``, and ends in a SoftmaxWithLoss ``loss``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from caffe_nb.proto import caffe_pb2
from caffe_nb.pycaffe.net_spec import NetSpec, Top
from caffe_nb.pycaffe.net_spec import layers as L  # noqa: N812  (as pycaffe's users call it)
from caffe_nb.pycaffe.net_spec import params as P  # noqa: N812

MSRA = {"type": "msra"}


class _Spec:
    """A net being written: each method adds a layer, and returns its top.

    Parameters
    ----------
    data, label : tuple of int
        Shapes of the two inputs.
    """

    def __init__(self, data: tuple[int, ...], label: tuple[int, ...]) -> None:
        self.net = NetSpec()
        self.net["data"] = L.Input(input_param={"shape": {"dim": list(data)}})
        self.net["label"] = L.Input(input_param={"shape": {"dim": list(label)}})

    def add(self, name: str, top: Top) -> Top:
        self.net[name] = top
        return top

    def conv(
        self,
        name: str,
        bottom: Top,
        maps: int,
        kernel: int,
        stride: int = 1,
        pad: int = 0,
        group: int = 1,
        *,
        bias: bool = True,
        relu: bool = True,
    ) -> Top:
        """Convolve, and rectify in place."""
        settings = {"kernel_size": kernel, "stride": stride, "pad": pad, "group": group, "bias_term": bias}
        top = self.add(name, L.Convolution(bottom, num_output=maps, weight_filler=MSRA, **settings))
        return self.relu(name, top) if relu else top

    def norm_conv(self, name: str, bottom: Top, maps: int, kernel: int, *, relu: bool = True, **settings: Any) -> Top:
        """Convolve, normalize over the batch, scale, and rectify, all in place after the convolution."""
        top = self.conv(name, bottom, maps, kernel, relu=False, bias=settings.pop("bias", False), **settings)
        self.add(f"{name}/bn", L.BatchNorm(top, in_place=True))
        scaled = self.add(f"{name}/scale", L.Scale(top, bias_term=True, in_place=True))
        return self.relu(name, scaled) if relu else scaled

    def relu(self, name: str, top: Top) -> Top:
        return self.add(f"{name}/relu", L.ReLU(top, in_place=True))

    def max_pool(self, name: str, bottom: Top, kernel: int, stride: int, pad: int = 0) -> Top:
        return self.add(name, L.Pooling(bottom, pool=P.Pooling.MAX, kernel_size=kernel, stride=stride, pad=pad))

    def mean_pool(self, name: str, bottom: Top, kernel: int = 0, stride: int = 1) -> Top:
        """Take means; of whole images where no kernel is given."""
        size: dict[str, Any] = {"kernel_size": kernel, "stride": stride} if kernel else {"global_pooling": True}
        return self.add(name, L.Pooling(bottom, pool=P.Pooling.AVE, **size))

    def lrn(self, name: str, bottom: Top) -> Top:
        return self.add(name, L.LRN(bottom, local_size=5, alpha=1e-4, beta=0.75))

    def dense(self, name: str, bottom: Top, outputs: int, *, drop: str = "") -> Top:
        """Multiply with a matrix; rectify and drop half of it where `drop` names that layer."""
        top = self.add(name, L.InnerProduct(bottom, num_output=outputs, weight_filler=MSRA))
        if drop:
            top = self.add(drop, L.Dropout(self.relu(name, top), dropout_ratio=0.5, in_place=True))
        return top

    def loss(self, scores: Top, **settings: Any) -> caffe_pb2.NetParameter:
        self.net["loss"] = L.SoftmaxWithLoss(scores, self.net["label"], **settings)
        return self.net.to_proto()


def lenet(batch: int = 64) -> caffe_pb2.NetParameter:
    """LeNet for 28 by 28 digits (LeCun et al., 1998), as Caffe's example has it."""
    net = _Spec((batch, 1, 28, 28), (batch,))
    top = net.max_pool("pool1", net.conv("conv1", net.net["data"], 20, 5, relu=False), 2, 2)
    top = net.max_pool("pool2", net.conv("conv2", top, 50, 5, relu=False), 2, 2)
    top = net.relu("ip1", net.dense("ip1", top, 500))
    return net.loss(net.dense("ip2", top, 10))


def cifar10_full(batch: int = 100) -> caffe_pb2.NetParameter:
    """Caffe's larger example for CIFAR-10 (Krizhevsky's cuda-convnet)."""
    net = _Spec((batch, 3, 32, 32), (batch,))
    top = net.max_pool("pool1", net.conv("conv1", net.net["data"], 32, 5, pad=2, relu=False), 3, 2)
    top = net.lrn("norm1", net.relu("pool1", top))
    top = net.lrn("norm2", net.mean_pool("pool2", net.conv("conv2", top, 32, 5, pad=2), 3, 2))
    top = net.mean_pool("pool3", net.conv("conv3", top, 64, 5, pad=2), 3, 2)
    return net.loss(net.dense("ip1", top, 10))


def caffenet(batch: int = 16) -> caffe_pb2.NetParameter:
    """CaffeNet: AlexNet (Krizhevsky et al., 2012) with pooling before normalization."""
    net = _Spec((batch, 3, 227, 227), (batch,))
    top = net.lrn("norm1", net.max_pool("pool1", net.conv("conv1", net.net["data"], 96, 11, 4), 3, 2))
    top = net.lrn("norm2", net.max_pool("pool2", net.conv("conv2", top, 256, 5, pad=2, group=2), 3, 2))
    top = net.conv("conv3", top, 384, 3, pad=1)
    top = net.conv("conv4", top, 384, 3, pad=1, group=2)
    top = net.max_pool("pool5", net.conv("conv5", top, 256, 3, pad=1, group=2), 3, 2)
    top = net.dense("fc7", net.dense("fc6", top, 4096, drop="drop6"), 4096, drop="drop7")
    return net.loss(net.dense("fc8", top, 1000))


def vgg16(batch: int = 4) -> caffe_pb2.NetParameter:
    """VGG of 16 layers (Simonyan and Zisserman, 2014)."""
    net = _Spec((batch, 3, 224, 224), (batch,))
    top = net.net["data"]
    for block, (maps, count) in enumerate([(64, 2), (128, 2), (256, 3), (512, 3), (512, 3)], 1):
        for number in range(1, count + 1):
            top = net.conv(f"conv{block}_{number}", top, maps, 3, pad=1)
        top = net.max_pool(f"pool{block}", top, 2, 2)
    top = net.dense("fc7", net.dense("fc6", top, 4096, drop="drop6"), 4096, drop="drop7")
    return net.loss(net.dense("fc8", top, 1000))


INCEPTIONS = {
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}
"""Maps of 1 by 1; of 3 by 3, reduced and full; of 5 by 5, reduced and full; of the pooled branch."""


def googlenet(batch: int = 8) -> caffe_pb2.NetParameter:
    """GoogLeNet (Szegedy et al., 2014) without its auxiliary classifiers."""
    net = _Spec((batch, 3, 224, 224), (batch,))
    top = net.max_pool("pool1/3x3_s2", net.conv("conv1/7x7_s2", net.net["data"], 64, 7, 2, 3), 3, 2)
    top = net.conv("conv2/3x3_reduce", net.lrn("pool1/norm1", top), 64, 1)
    top = net.lrn("conv2/norm2", net.conv("conv2/3x3", top, 192, 3, pad=1))
    top = net.max_pool("pool2/3x3_s2", top, 3, 2)
    for name, maps in INCEPTIONS.items():
        top = _inception(net, f"inception_{name}", top, maps)
        if name in ("3b", "4e"):
            top = net.max_pool(f"pool{int(name[0])}/3x3_s2", top, 3, 2)
    top = net.mean_pool("pool5/7x7_s1", top)
    top = net.add("pool5/drop", L.Dropout(top, dropout_ratio=0.4, in_place=True))
    return net.loss(net.dense("loss3/classifier", top, 1000))


def _inception(net: _Spec, name: str, bottom: Top, maps: tuple[int, ...]) -> Top:
    ones, reduced3, threes, reduced5, fives, pooled = maps
    branches = [
        net.conv(f"{name}/1x1", bottom, ones, 1),
        net.conv(f"{name}/3x3", net.conv(f"{name}/3x3_reduce", bottom, reduced3, 1), threes, 3, pad=1),
        net.conv(f"{name}/5x5", net.conv(f"{name}/5x5_reduce", bottom, reduced5, 1), fives, 5, pad=2),
        net.conv(f"{name}/pool_proj", net.max_pool(f"{name}/pool", bottom, 3, 1, 1), pooled, 1),
    ]
    return net.add(f"{name}/output", L.Concat(*branches))


def resnet50(batch: int = 4) -> caffe_pb2.NetParameter:
    """ResNet of 50 layers (He et al., 2015)."""
    return _resnet((3, 4, 6, 3), batch)


def resnet152(batch: int = 1) -> caffe_pb2.NetParameter:
    """ResNet of 152 layers (He et al., 2015)."""
    return _resnet((3, 8, 36, 3), batch)


def _resnet(blocks: tuple[int, ...], batch: int) -> caffe_pb2.NetParameter:
    net = _Spec((batch, 3, 224, 224), (batch,))
    top = net.max_pool("pool1", net.norm_conv("conv1", net.net["data"], 64, 7, stride=2, pad=3, bias=True), 3, 2)
    for stage, count in enumerate(blocks, 2):
        maps = 32 * 2 ** (stage - 1)
        for number in range(count):
            letter = chr(ord("a") + number) if count <= 26 else "a" if number == 0 else f"b{number}"
            stride = 2 if number == 0 and stage > 2 else 1
            top = _bottleneck(net, f"res{stage}{letter}", top, maps, stride, first=number == 0)
    return net.loss(net.dense("fc1000", net.mean_pool("pool5", top), 1000))


def _bottleneck(net: _Spec, name: str, bottom: Top, maps: int, stride: int, *, first: bool) -> Top:
    short = net.norm_conv(f"{name}/branch1", bottom, 4 * maps, 1, stride=stride, relu=False) if first else bottom
    top = net.norm_conv(f"{name}/branch2a", bottom, maps, 1, stride=stride)
    top = net.norm_conv(f"{name}/branch2b", top, maps, 3, pad=1)
    top = net.norm_conv(f"{name}/branch2c", top, 4 * maps, 1, relu=False)
    return net.relu(name, net.add(name, L.Eltwise(short, top)))


def mobilenet(batch: int = 8) -> caffe_pb2.NetParameter:
    """MobileNet (Howard et al., 2017): depthwise convolutions followed by pointwise ones."""
    net = _Spec((batch, 3, 224, 224), (batch,))
    top, channels = net.norm_conv("conv1", net.net["data"], 32, 3, stride=2, pad=1), 32
    plan = [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *[(512, 1)] * 5, (1024, 2), (1024, 1)]
    for number, (maps, stride) in enumerate(plan, 2):
        top = net.norm_conv(f"conv{number}/dw", top, channels, 3, stride=stride, pad=1, group=channels)
        top, channels = net.norm_conv(f"conv{number}/sep", top, maps, 1), maps
    return net.loss(net.dense("fc7", net.mean_pool("pool6", top), 1000))


def lstm(batch: int = 16) -> caffe_pb2.NetParameter:
    """Two LSTMs of 256 units over 20 steps, and a classifier of each step."""
    net = _Spec((20, batch, 256), (20, batch))
    cont = net.add("cont", L.Input(input_param={"shape": {"dim": [20, batch]}}))
    top = net.net["data"]
    small = {"type": "uniform", "min": -0.08, "max": 0.08}
    for name in ("lstm1", "lstm2"):
        settings = {"num_output": 256, "weight_filler": small, "bias_filler": {"type": "constant"}}
        top = net.add(name, L.LSTM(top, cont, recurrent_param=settings))
    top = net.add("ip", L.InnerProduct(top, num_output=100, axis=2, weight_filler={"type": "xavier"}))
    return net.loss(top, softmax_param={"axis": 2})


NETS: dict[str, Callable[..., caffe_pb2.NetParameter]] = {
    made.__name__: made
    for made in (lenet, cifar10_full, caffenet, vgg16, googlenet, resnet50, resnet152, mobilenet, lstm)
}
"""All of them, by name."""
