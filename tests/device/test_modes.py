"""Choosing where to compute: what is missing is said with what to install, and the mode stays as it was."""

import importlib
import sys
from types import ModuleType

import numpy as np
import pytest

import caffe
from caffe_nb import device


def test_without_cupy_the_package_for_each_cuda_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", None)
    with pytest.raises(device.DeviceError) as raised:
        caffe.set_mode_gpu()
    for words in ("cupy-cuda12x", "cupy-cuda13x", "nvidia-smi", "caffe-nb[gpu]", "set_mode_gpu"):
        assert words in str(raised.value)
    assert device.current() is None


def test_a_broken_cupy_says_what_breaks_it(monkeypatch):
    def broken(name):
        raise ImportError("libcudart.so.12: cannot open", name="cupy._core")

    monkeypatch.setattr(importlib, "import_module", broken)
    with pytest.raises(device.DeviceError, match=r"it is installed, but: libcudart\.so\.12"):
        caffe.set_mode_gpu()


class Runtime(ModuleType):
    """CuPy's runtime on a machine with some number of devices, as far as choosing one goes."""

    CUDARuntimeError = type("CUDARuntimeError", (RuntimeError,), {})

    def __init__(self, count):
        super().__init__("cupy")
        self.__version__ = "14.2.0"
        self.cuda = self.runtime = self
        self.count, self.used = count, []

    def getDeviceCount(self):
        if self.count is None:
            raise self.CUDARuntimeError("cudaErrorNoDevice: no CUDA-capable device is detected")
        return self.count

    mem_info = 3 * 2**30, 8 * 2**30

    def getDeviceProperties(self, number):
        sizes = dict.fromkeys(
            ("warpSize", "maxThreadsPerBlock", "regsPerBlock", "sharedMemPerBlock", "totalConstMem"), 32
        )
        return sizes | {"name": b"Tesla %d" % number, "major": 9, "minor": 0, "multiProcessorCount": 132}

    def runtimeGetVersion(self):
        return 12040

    def driverGetVersion(self):
        return 13000

    def Device(self, number):
        self.used.append(number)
        return self

    def use(self):
        pass


def test_without_a_device_cupys_own_words_are_there(monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", Runtime(None))
    with pytest.raises(device.DeviceError, match=r"CuPy 14\.2\.0 finds no CUDA device here \(cudaErrorNoDevice"):
        caffe.set_mode_gpu()
    assert device.current() is None


@pytest.mark.parametrize("number", ["a", "0", 1.0, None])
def test_what_is_no_number_of_a_device_is_refused_at_once(number):
    with pytest.raises(TypeError, match=r"set_device takes the number of a GPU, from 0, got .*device_query"):
        caffe.set_device(number)


def test_a_negative_number_of_a_device_is_refused_at_once():
    with pytest.raises(device.DeviceError, match=r"there is no GPU -1: they are numbered from 0.* set_mode_cpu\(\)"):
        caffe.set_device(-1)


def test_a_device_that_is_not_there_is_refused_when_the_mode_is_set(monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", Runtime(2))
    try:
        caffe.set_device(np.int64(7))
        with pytest.raises(device.DeviceError, match="there is no GPU 7: CUDA counts 2 here, from 0"):
            caffe.set_mode_gpu()
        assert device.current() is None
    finally:
        caffe.set_device(0)


def test_a_device_is_chosen_before_or_after_the_mode(monkeypatch):
    cupy = Runtime(2)
    monkeypatch.setitem(sys.modules, "cupy", cupy)
    try:
        caffe.set_device(1)
        caffe.set_mode_gpu()
        assert cupy.used == [1]
        assert device.namespace() is cupy
        with pytest.raises(device.DeviceError, match="there is no GPU 5: CUDA counts 2 here, from 0"):
            caffe.set_device(5)
        assert device.current().number == 1
        caffe.set_mode_cpu()
        assert device.namespace().__name__ == "numpy"
    finally:
        caffe.set_mode_cpu()
        caffe.set_device(0)
