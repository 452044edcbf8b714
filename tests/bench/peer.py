"""The same nets in PyTorch: layer by layer what the prototxt says, timed as `tests.bench.ours` does."""

from __future__ import annotations

import json
import resource
import sys
import time
from typing import Any

import torch
from torch.nn import functional as F  # noqa: N812

from caffe_nb.proto import caffe_pb2
from tests.bench.layers import LAYERS, NETS


class Peer:
    """A net whose layers are calls of PyTorch's functions.

    Parameters
    ----------
    net : its text.
    whole : whether its data takes a gradient, too.
    """

    def __init__(self, net: caffe_pb2.NetParameter, *, whole: bool = False) -> None:
        self.layers = list(net.layer)
        self.params: dict[str, list[Any]] = {}
        self.modules: dict[str, Any] = {}
        self.inputs = {
            layer.name: torch.randn(*dims, requires_grad=whole) if layer.name.startswith("data") else torch.ones(*dims)
            for layer in self.layers
            if layer.type == "Input"
            for dims in [list(layer.input_param.shape[0].dim)]
        }

    def param(self, layer: Any, *shapes: tuple[int, ...]) -> list[Any]:
        """Return a layer's parameters, made at the first call."""
        if layer.name not in self.params:
            self.params[layer.name] = [(0.05 * torch.randn(*shape)).requires_grad_() for shape in shapes]
        return self.params[layer.name]

    def forward(self) -> Any:
        """Return the loss, or what else comes last."""
        blobs = dict(self.inputs)
        for layer in self.layers:
            if layer.type != "Input":
                blobs[layer.top[0]] = getattr(self, layer.type.lower())(layer, *(blobs[name] for name in layer.bottom))
        return blobs[self.layers[-1].top[0]]

    def clear(self) -> None:
        """Forget all gradients."""
        for params in self.params.values():
            for param in params:
                param.grad = None
        for blob in self.inputs.values():
            blob.grad = None
        for module in self.modules.values():
            module.zero_grad(set_to_none=True)

    def convolution(self, layer: Any, x: Any) -> Any:
        p = layer.convolution_param
        shapes = [(p.num_output, x.shape[1] // p.group, p.kernel_size[0], p.kernel_size[0]), (p.num_output,)]
        weight, *bias = self.param(layer, *shapes[: 2 if p.bias_term else 1])
        return F.conv2d(x, weight, bias[0] if bias else None, p.stride[0], p.pad[0], 1, p.group)

    def relu(self, layer: Any, x: Any) -> Any:
        return F.relu_(x) if layer.top[0] == layer.bottom[0] else F.relu(x)

    def pooling(self, layer: Any, x: Any) -> Any:
        p = layer.pooling_param
        if p.global_pooling:
            return x.mean((2, 3), keepdim=True)
        pool = F.max_pool2d if p.pool == p.MAX else F.avg_pool2d
        return pool(x, p.kernel_size, p.stride, p.pad, ceil_mode=True)

    def innerproduct(self, layer: Any, x: Any) -> Any:
        p = layer.inner_product_param
        rows = x.flatten(p.axis)
        return F.linear(rows, *self.param(layer, (p.num_output, rows.shape[-1]), (p.num_output,)))

    def lrn(self, layer: Any, x: Any) -> Any:
        p = layer.lrn_param
        return F.local_response_norm(x, p.local_size, p.alpha, p.beta, 1.0)

    def dropout(self, layer: Any, x: Any) -> Any:
        return F.dropout(x, layer.dropout_param.dropout_ratio)

    def concat(self, _layer: Any, *parts: Any) -> Any:
        return torch.cat(parts, 1)

    def eltwise(self, _layer: Any, a: Any, b: Any) -> Any:
        return a + b

    def batchnorm(self, _layer: Any, x: Any) -> Any:
        return F.batch_norm(x, None, None, training=True, eps=1e-5)

    def scale(self, layer: Any, x: Any) -> Any:
        factor, offset = self.param(layer, (1, x.shape[1], 1, 1), (1, x.shape[1], 1, 1))
        return x * factor + offset

    def lstm(self, layer: Any, x: Any, _cont: Any) -> Any:
        if layer.name not in self.modules:
            self.modules[layer.name] = torch.nn.LSTM(x.shape[-1], layer.recurrent_param.num_output)
        return self.modules[layer.name](x)[0]

    def softmaxwithloss(self, _layer: Any, scores: Any, label: Any) -> Any:
        return F.cross_entropy(scores.reshape(-1, scores.shape[-1]), label.reshape(-1).long())


def main(name: str, threads: int) -> None:
    """Time it."""
    torch.set_num_threads(threads)
    net = Peer(NETS[name](), whole=name in LAYERS)
    began = time.perf_counter()
    loss = net.forward()
    loss.backward(torch.ones_like(loss))
    print(json.dumps({"seconds": time.perf_counter() - began}), flush=True)
    for line in sys.stdin:
        forward, backward = [], []
        end = time.perf_counter() + float(line)
        while not forward or time.perf_counter() < end:
            net.clear()
            start = time.perf_counter()
            loss = net.forward()
            middle = time.perf_counter()
            above = torch.ones_like(loss)
            between = time.perf_counter()
            loss.backward(above)
            forward.append(middle - start)
            backward.append(time.perf_counter() - between)
        print(json.dumps({"forward": forward, "backward": backward}), flush=True)
    print(json.dumps({"peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
