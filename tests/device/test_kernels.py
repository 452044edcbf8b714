"""The GPU's kernels: NVIDIA's compiler takes them, and a launch that is wrong is refused before it spoils memory."""

from __future__ import annotations

import ctypes
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from caffe_nb import device
from caffe_nb.device import DeviceError
from caffe_nb.ops import cuda
from tests.device import host_kernels


@pytest.fixture(scope="module")
def nvrtc():
    """NVIDIA's compiler, as a library that needs no GPU."""
    package = pytest.importorskip("nvidia.cuda_nvrtc", reason="nvidia-cuda-nvrtc-cu12 is for Linux and Windows on x86")
    found = [path for place in package.__path__ for path in Path(place).rglob("*nvrtc[.6]*")]
    found = [
        path for path in found if re.search(r"nvrtc(64_\w+)?\.(so|dll)", path.name) and "builtins" not in path.name
    ]
    if not found:
        pytest.skip(f"no library of NVRTC in {list(package.__path__)}")
    return ctypes.CDLL(str(found[0]))


def ptx(nvrtc, source, architecture, options=device.KERNEL_OPTIONS):
    program = ctypes.c_void_p()
    assert nvrtc.nvrtcCreateProgram(ctypes.byref(program), source.encode(), b"kernels.cu", 0, None, None) == 0
    flags = [f"--gpu-architecture={architecture}".encode(), *(option.encode() for option in options)]
    failed = nvrtc.nvrtcCompileProgram(program, len(flags), (ctypes.c_char_p * len(flags))(*flags))
    what = "ProgramLog" if failed else "PTX"
    size = ctypes.c_size_t()
    getattr(nvrtc, f"nvrtcGet{what}Size")(program, ctypes.byref(size))
    text = ctypes.create_string_buffer(size.value)
    getattr(nvrtc, f"nvrtcGet{what}")(program, text)
    nvrtc.nvrtcDestroyProgram(ctypes.byref(program))
    assert not failed, text.value.decode()
    return text.value.decode()


@pytest.mark.parametrize("architecture", ["compute_70", "compute_90"])
@pytest.mark.parametrize("dtype", cuda.REALS)
@pytest.mark.parametrize("family", cuda.families())
def test_nvidias_compiler_takes_every_kernel(nvrtc, family, dtype, architecture):
    for far in (False, True):
        source = cuda.source(family, dtype, far)
        declared = re.findall(r'extern "C" __global__ void (\w+)\(', source)
        assert declared
        assert sorted(declared) == sorted(re.findall(r"\.visible \.entry (\w+)\(", ptx(nvrtc, source, architecture)))
