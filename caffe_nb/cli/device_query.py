"""Say what computes here: the processor, its threads, and the libraries."""

from __future__ import annotations

import argparse
import os
import platform
from collections.abc import Iterator
from typing import Any

import numba
import numpy as np
from threadpoolctl import threadpool_info

from caffe_nb import device
from caffe_nb.cli.common import add_device, use_device
from caffe_nb.cli.options import Parser
from caffe_nb.ops.cuda import cudnn


def add_arguments(parser: Parser) -> None:
    """Add the options of `caffe device_query`."""
    add_device(parser)


def run(args: argparse.Namespace) -> int:
    """Print it; with ``-gpu N`` of that GPU alone, which must be there."""
    if args.gpu not in ("", "all", True):
        use_device(args)
    print(f"Device:       CPU, {platform.machine()}, {os.cpu_count()} processors")
    print(f"System:       {platform.system()} {platform.release()}, Python {platform.python_version()}")
    print(f"NumPy:        {np.__version__}")
    for pool in threadpool_info():
        print(f"{pool['user_api']:<13} {pool['internal_api']} {pool['version']}, {pool['num_threads']} threads")
    print(f"Numba:        {numba.__version__}, {numba.get_num_threads()} threads")
    for line in _gpus(str(args.gpu)):
        print(line)
    return 0


def _gpus(asked: str) -> Iterator[str]:
    """Yield what is to be said of the GPUs, or why there is none."""
    try:
        found = device.CupyDevice(int(asked) if asked.isdecimal() else 0)
    except device.DeviceError as error:
        yield f"GPU:          {error.message.partition(';')[0]}"
        return
    cuda = found.xp.cuda.runtime
    yield f"CuPy:         {found.xp.__version__}"
    yield f"cuDNN:        {cudnn.version() or 'none; convolution by im2col and cuBLAS'}"
    yield f"CUDA:         runtime {_version(cuda.runtimeGetVersion())}, driver {_version(cuda.driverGetVersion())}"
    for number in [found.number] if asked.isdecimal() else range(cuda.getDeviceCount()):
        yield from _gpu(cuda, number, found.xp.cuda.Device(number).mem_info)


def _gpu(cuda: Any, number: int, memory: tuple[int, int]) -> Iterator[str]:
    about: dict[str, Any] = cuda.getDeviceProperties(number)
    yield f"GPU {number}:        {about['name'].decode()}, compute capability {about['major']}.{about['minor']}"
    rows = [
        ("memory", f"{memory[0] / 2**30:.1f} of {memory[1] / 2**30:.1f} GiB free"),
        ("multiprocessors", about["multiProcessorCount"]),
        ("warp size", about["warpSize"]),
        ("threads a block", f"up to {about['maxThreadsPerBlock']:,}"),
        ("shared memory a block", f"{about['sharedMemPerBlock']:,} bytes"),
        ("registers a block", f"{about['regsPerBlock']:,}"),
        ("constant memory", f"{about['totalConstMem']:,} bytes"),
    ]
    for name, value in rows:
        yield f"              {name}: {value}"


def _version(number: int) -> str:
    """Return CUDA's number of a version as people write it: 12040 is 12.4."""
    return f"{number // 1000}.{number % 1000 // 10}"
