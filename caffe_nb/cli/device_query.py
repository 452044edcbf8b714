"""Say what computes here: the processor, its threads, and the libraries."""

from __future__ import annotations

import argparse
import os
import platform

import numba
import numpy as np
from threadpoolctl import threadpool_info

from caffe_nb import device
from caffe_nb.cli.common import add_device, use_device
from caffe_nb.cli.options import Parser


def add_arguments(parser: Parser) -> None:
    """Add the options of `caffe device_query`."""
    add_device(parser)


def run(args: argparse.Namespace) -> int:
    """Print it."""
    use_device(args)
    print(f"Device:       CPU, {platform.machine()}, {os.cpu_count()} processors")
    print(f"System:       {platform.system()} {platform.release()}, Python {platform.python_version()}")
    print(f"NumPy:        {np.__version__}")
    for pool in threadpool_info():
        print(f"{pool['user_api']:<13} {pool['internal_api']} {pool['version']}, {pool['num_threads']} threads")
    print(f"Numba:        {numba.__version__}, {numba.get_num_threads()} threads")
    print(f"GPU:          {_gpu()}")
    return 0


def _gpu() -> str:
    """Return which GPU there is, or why there is none."""
    try:
        found = device.CupyDevice(0)
    except device.DeviceError as error:
        return error.message.partition(";")[0]
    cuda = found.xp.cuda.runtime
    about = cuda.getDeviceProperties(0)
    free, total = cuda.memGetInfo()
    return (
        f"{about['name'].decode()}, compute capability {about['major']}.{about['minor']}, {free / 2**30:.1f} of"
        f" {total / 2**30:.1f} GiB free, CUDA {cuda.runtimeGetVersion()}, CuPy {found.xp.__version__};"
        f" {cuda.getDeviceCount()} in all"
    )
