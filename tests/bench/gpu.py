"""Forward plus backward on a GPU, in turn with PyTorch on CUDA, and what a Python layer costs there.

``python -m tests.bench.gpu [NET ...] [--seconds S]``. Both compute in this process and in full float32, without TF32:
CuPy uses that only where CUPY_TF32 asks for it, which is refused here.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

import caffe
from caffe_nb import Net, device, zoo
from caffe_nb.net.transfers import Transfers
from caffe_nb.ops.cuda import cudnn
from caffe_nb.proto.text import to_text

BATCHES = {"resnet50": 32, "caffenet": 128, "vgg16": 16, "lstm": 16}
ROUNDS = 5
MIDDLE = """layer {{ name: "data" type: "Input" top: "data"
  input_param {{ shape {{ dim: 64 dim: 64 dim: 56 dim: 56 }} }} }}
layer {{ name: "first" type: "Convolution" bottom: "data" top: "first"
  convolution_param {{ num_output: 64 kernel_size: 3 pad: 1 weight_filler {{ type: "xavier" }} }} }}
layer {{ name: "middle" {middle} bottom: "first" top: "middle" }}
layer {{ name: "last" type: "Convolution" bottom: "middle" top: "last"
  convolution_param {{ num_output: 64 kernel_size: 3 pad: 1 weight_filler {{ type: "xavier" }} }} }}
layer {{ name: "loss" type: "Reduction" bottom: "last" top: "loss" loss_weight: 1 }}
"""
MIDDLES = {
    "built-in": 'type: "ReLU"',
    "Python, array": 'type: "Python" python_param { module: "tests.bench.gpu" layer: "Rectify" }',
    "Python, data": 'type: "Python" python_param { module: "tests.bench.gpu" layer: "RectifyOnHost" }',
}


class Rectify(caffe.Layer):
    """ReLU, computed where its blobs are."""

    def reshape(self, bottom: Any, top: Any) -> None:
        top[0].reshape(*bottom[0].shape)

    def forward(self, bottom: Any, top: Any) -> None:
        np.maximum(bottom[0].const_array, 0, out=top[0].array)

    def backward(self, top: Any, propagate_down: Any, bottom: Any) -> None:
        np.multiply(top[0].const_diff_array, bottom[0].const_array > 0, out=bottom[0].diff_array)


class RectifyOnHost(Rectify):
    """ReLU as layers were written for Caffe: on the host."""

    def forward(self, bottom: Any, top: Any) -> None:
        np.maximum(bottom[0].data, 0, out=top[0].data)

    def backward(self, top: Any, propagate_down: Any, bottom: Any) -> None:
        np.multiply(top[0].diff, bottom[0].data > 0, out=bottom[0].diff)


class Ours:
    """A net of ours, ready to be timed."""

    def __init__(self, text: str) -> None:
        self.net = Net.from_text(text)
        random = np.random.default_rng(0)
        for name in self.net.inputs:
            blob = self.net.blobs[name]
            blob.data[...] = random.standard_normal(blob.shape) if name.startswith("data") else 1

    def __call__(self) -> None:
        """Run forward and backward once; what is computed may still be underway."""
        self.net.clear_param_diffs()
        self.net.forward_loss()
        self.net.backward_pass()

    def copies(self) -> Transfers:
        """Return what one pass copies."""
        before = self.net.transfers
        self()
        return self.net.transfers - before


def peer(name: str) -> Callable[[], None] | None:
    """Return the same net in PyTorch on CUDA; None where there is none."""
    if importlib.util.find_spec("torch") is None:
        return None
    import torch

    from tests.bench.peer import Peer

    if not torch.cuda.is_available():
        return None
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    torch.backends.cudnn.benchmark = True
    torch.set_default_device("cuda")
    net = Peer(zoo.NETS[name](BATCHES[name]))

    def run() -> None:
        net.clear()
        net.forward().backward()

    return run


def in_turn(runs: list[Callable[[], None]], wait: Callable[[], object], seconds: float) -> list[float]:
    """Return the median milliseconds of each, timed in rounds that alternate."""
    times: list[list[float]] = [[] for _ in runs]
    for run in runs * 2:  # what is compiled, chosen and allocated at first
        run()
    wait()
    for _ in range(ROUNDS):
        for run, taken in zip(runs, times, strict=True):
            end = time.perf_counter() + seconds / ROUNDS
            while True:
                start = time.perf_counter()
                run()
                wait()
                taken.append(1e3 * (time.perf_counter() - start))
                if time.perf_counter() > end:
                    break
    return [statistics.median(each) for each in times]


def nets(names: list[str], wait: Callable[[], object], seconds: float) -> None:
    """Print a row for each net: ours, PyTorch's, their ratio, and what a pass copies."""
    print("| net | batch | ms | PyTorch ms | ratio | copies of a pass |\n|---|---|---|---|---|---|")
    for name in names:
        ours, theirs = Ours(to_text(zoo.NETS[name](BATCHES[name]))), peer(name)
        mine, *other = in_turn([ours, theirs] if theirs else [ours], wait, seconds)
        ratio = f"{mine / other[0]:.2f}" if other else ""
        row = [name, BATCHES[name], f"{mine:.2f}", f"{other[0]:.2f}" if other else "none on CUDA", ratio]
        print(f"| {' | '.join(map(str, row))} | {ours.copies().message} |", flush=True)


def middles(wait: Callable[[], object], seconds: float) -> None:
    """Print what a Python layer in the middle of a net costs, beside a built-in one."""
    runs = {name: Ours(MIDDLE.format(middle=text)) for name, text in MIDDLES.items()}
    taken = dict(zip(runs, in_turn(list(runs.values()), wait, seconds), strict=True))
    print("\n| layer in the middle | ms | of built-in | copies of a pass |\n|---|---|---|---|")
    for name, run in runs.items():
        print(f"| {name} | {taken[name]:.2f} | {taken[name] / taken['built-in']:.3f} | {run.copies().message} |")


def main(arguments: list[str] | None = None) -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("nets", nargs="*", metavar="NET", help=", ".join(BATCHES))
    parser.add_argument("--seconds", type=float, default=5.0, help="of each side, for each net")
    args = parser.parse_args(arguments)
    if os.environ.get("CUPY_TF32", "0") != "0":
        raise SystemExit("CUPY_TF32 is set: unset it, what is measured here is full float32")
    try:
        caffe.set_mode_gpu()
    except device.DeviceError as error:
        raise SystemExit(f"nothing was measured: {error}") from None
    gpu = device.gpu()
    about = gpu.xp.cuda.runtime.getDeviceProperties(gpu.number)["name"].decode()
    with_cudnn = f"cuDNN {cudnn.version()}" if cudnn.version() else "without cuDNN"
    print(f"{time.strftime('%Y-%m-%d')}, {about}, CuPy {gpu.xp.__version__}, {with_cudnn}, float32 without TF32\n")
    nets(args.nets or list(BATCHES), gpu.xp.cuda.runtime.deviceSynchronize, args.seconds)
    middles(gpu.xp.cuda.runtime.deviceSynchronize, args.seconds)


if __name__ == "__main__":
    main()
