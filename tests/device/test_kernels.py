"""The GPU's kernels: NVIDIA's compiler takes them, and what is launched is what they ask for."""

from __future__ import annotations

import ctypes
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from caffe_nb import device
from caffe_nb.device import CupyDevice, DeviceError
from caffe_nb.ops import cuda
from tests.device import host_kernels
from tests.device.test_layers import compare
from tests.layers.cases import CASES

WITH_KERNELS = ["BatchNorm", "Convolution", "DepthwiseConvolution", "Embed", "Interp", "LRN", "LSTM", "LSTMUnit"]
WITH_KERNELS += ["Pooling", "PSROIPooling", "ReLU", "RNN", "ROIPooling", "Scale"]


# NVIDIA's compiler


@pytest.fixture(scope="module")
def nvrtc():
    """NVIDIA's compiler, a library that needs no GPU."""
    package = pytest.importorskip("nvidia.cuda_nvrtc", reason="the wheel nvidia-cuda-nvrtc-cu12 is not there")
    found = [path for place in package.__path__ for path in Path(place).rglob("libnvrtc.so*")]
    if not found:
        pytest.skip(f"no libnvrtc.so in {list(package.__path__)}")
    return ctypes.CDLL(str(found[0]))


def ptx(nvrtc, source, architecture):
    program = ctypes.c_void_p()
    assert nvrtc.nvrtcCreateProgram(ctypes.byref(program), source.encode(), b"kernels.cu", 0, None, None) == 0
    flags = [option.encode() for option in (f"--gpu-architecture={architecture}", *device.KERNEL_OPTIONS)]
    failed = nvrtc.nvrtcCompileProgram(program, len(flags), (ctypes.c_char_p * len(flags))(*flags))
    what, size = "ProgramLog" if failed else "PTX", ctypes.c_size_t()
    getattr(nvrtc, f"nvrtcGet{what}Size")(program, ctypes.byref(size))
    text = ctypes.create_string_buffer(size.value)
    getattr(nvrtc, f"nvrtcGet{what}")(program, text)
    nvrtc.nvrtcDestroyProgram(ctypes.byref(program))
    assert not failed, text.value.decode()
    return text.value.decode()


@pytest.mark.parametrize("architecture", ["compute_70", "compute_90"])
@pytest.mark.parametrize("dtype", cuda.REALS, ids=str)
@pytest.mark.parametrize("family", cuda.families())
def test_nvidias_compiler_takes_every_kernel(nvrtc, family, dtype, architecture):
    for far in (False, True):
        source = cuda.source(family, dtype, far)
        declared = re.findall(r'extern "C" __global__ void (\w+)\(', source)
        assert declared
        assert sorted(declared) == sorted(re.findall(r"\.visible \.entry (\w+)\(", ptx(nvrtc, source, architecture)))


# launches


@pytest.mark.parametrize("case", [case for case in CASES if case.type in WITH_KERNELS], ids=str)
def test_counting_with_64_bits_gives_the_same(case, standin, tmp_path, monkeypatch):
    monkeypatch.setattr(cuda, "FAR", 0)
    compare(case, tmp_path)


def test_what_would_spoil_memory_is_refused(standin):
    x, out = standin.zeros(6, np.float32).reshape(2, 3), standin.zeros(6, np.float32)
    with pytest.raises(ValueError, match="rectify needs arrays whose elements follow one another"):
        cuda.launch("rectify", "rectify", 6, x.T, out, 0.0)
    with pytest.raises(TypeError, match="rectify is for float32 and float64, not for float16"):
        cuda.launch("rectify", "rectify", 6, standin.zeros(6, np.float16), out, 0.0)
    with device.using(None), pytest.raises(DeviceError, match="rectify runs on a GPU only"):
        cuda.launch("rectify", "rectify", 6, x, out, 0.0)


def test_cupy_compiles_a_kernel_once_and_gives_every_result_a_thread(standin):
    compiled, launched = [], []

    class RawModule:
        def __init__(self, code, options):
            compiled.append((code, options))

        def get_function(self, name):
            return lambda *how: launched.append((name, *how))

    gpu = CupyDevice.__new__(CupyDevice)
    gpu.xp, gpu._kernels = SimpleNamespace(RawModule=RawModule), {}
    x, out = (standin.zeros(1000, np.float32) for _ in range(2))
    with device.using(gpu):
        for _ in range(2):
            cuda.launch("rectify", "rectify", 1000, x, out, 0.5)
    assert compiled == [(cuda.source("rectify", np.dtype(np.float32), False), ("--fmad=false",))]
    name, blocks, threads, arguments = launched[1]
    assert (name, blocks, threads) == ("rectify", (4,), (256,))
    assert arguments[1:3] == (x, out)
    assert [(type(number), number) for number in arguments[::3]] == [(np.int32, 1000), (np.float32, 0.5)]


# the host's stand-in for a GPU sees what a GPU would not say


def run(body, *arguments, parameters="const Real *x, Real *out"):
    text = f'extern "C" __global__ void wrong(Index count, {parameters}) {{ EACH(at, count) {{ {body} }} }}\n'
    source = cuda.source("rectify", np.dtype(np.float32), False) + text
    host_kernels.run(source, "wrong", [np.int32(5), *arguments])


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("out[at + 1] = x[at];", "writes outside"),
        ("out[at - 1] = x[at];", "writes outside"),
        ("out[0] = x[at];", "depends on the order"),
        ("((Real *)x)[at] = 1;", "writes what it is only to read"),
    ],
)
def test_a_kernel_that_writes_where_it_must_not_is_seen(body, message):
    with pytest.raises(AssertionError, match=message):
        run(body, np.arange(5, dtype=np.float32), np.zeros(5, np.float32))


def test_a_read_outside_spoils_the_result():
    out = np.zeros(5, np.float32)
    run("out[at] = x[at + 1];", np.arange(5, dtype=np.float32), out)
    assert np.isnan(out).tolist() == [False] * 4 + [True]


def test_arguments_that_are_not_what_the_kernel_takes_are_seen():
    x, out = np.zeros((2, 5), np.float32)
    with pytest.raises(AssertionError, match="argument 1 of wrong must be float, not float64"):
        run("out[at] = x[at];", x.astype(np.float64), out)
    with pytest.raises(AssertionError, match="wrong takes 3 arguments, not 2"):
        run("out[at] = x[at];", x)
    with pytest.raises(AssertionError, match="arrays of wrong overlap"):
        run("out[at] = x[at];", x[:4], x[1:])
