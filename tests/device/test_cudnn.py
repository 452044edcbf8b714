"""Convolution through cuDNN: what it computes, what goes the other way, and that the real one takes the graphs."""

from __future__ import annotations

import importlib
import json
import logging
import threading

import numpy as np
import pytest

from caffe_nb import device
from caffe_nb.ops.cuda import cudnn
from caffe_nb.ops.window import Window
from tests.device.front_end import FrontEnd
from tests.layers.bench import Bench
from tests.layers.cases import CASES

ROWS = [case for case in CASES if case.type in ("Convolution", "Deconvolution")]
PLAIN = next(case for case in ROWS if case.type == "Convolution")


@pytest.fixture
def front_end(standin, monkeypatch):
    made = FrontEnd()
    monkeypatch.setattr(cudnn, "_front_end", lambda: made)
    monkeypatch.setattr(cudnn, "_thread", cudnn._Thread())
    return made


def passes(case, tmp_path, count, dtype=np.float32):
    """Return what some forwards and backwards of a row give."""
    bench = Bench(case, tmp_path, dtype=dtype)
    return [
        [*bench.forward(), *bench.backward(), *(blob.const_diff.copy() for blob in bench.layer.blobs)]
        for _ in range(count)
    ]


def same(got, expected):
    for one, other in zip(got, expected, strict=True):
        for array, wanted in zip(one, other, strict=True):
            np.testing.assert_allclose(array, wanted, rtol=1e-4, atol=1e-5 * max(1, np.abs(wanted).max(initial=0)))


@pytest.mark.parametrize("case", ROWS, ids=str)
def test_the_numbers_are_those_of_the_cpu_the_first_time_and_after(case, front_end, tmp_path):
    with device.using(None):
        expected = passes(case, tmp_path, 3)
    assert front_end.executed == 0
    same(passes(case, tmp_path, 3), expected)


def test_it_computes_forward_and_both_gradients_and_is_compared_the_first_time_only(front_end, standin, tmp_path):
    bench = Bench(PLAIN, tmp_path, dtype=np.float32)
    launches = []
    for _ in range(3):
        before = standin.launches
        bench.forward()
        bench.backward()
        launches.append(standin.launches - before)
    tops = len(bench.top)
    assert front_end.built == 3
    assert front_end.executed == 3 * 3 * tops
    assert launches[2] == launches[1] < launches[0]
    assert front_end.handles[0].stream == standin.STREAM
    assert cudnn.version() == "9.28.0"


def test_what_it_refuses_goes_the_other_way_and_is_asked_once(front_end, tmp_path, caplog):
    front_end.refuses = True
    with device.using(None):
        expected = passes(PLAIN, tmp_path, 2)
    with caplog.at_level(logging.DEBUG, "caffe_nb"):
        same(passes(PLAIN, tmp_path, 2), expected)
    assert (front_end.built, front_end.executed) == (3, 0)
    said = [record.message for record in caplog.records if "goes without cuDNN" in record.message]
    assert len(said) == 3
    assert "convolution (forward) of" in said[0]
    assert "no engine for it" in said[0]


@pytest.mark.parametrize("factor", [1.001, np.nan])
def test_what_it_computes_otherwise_is_not_used(front_end, tmp_path, caplog, factor):
    front_end.factor = factor
    with device.using(None):
        expected = passes(PLAIN, tmp_path, 2)
    with caplog.at_level(logging.DEBUG, "caffe_nb"):
        same(passes(PLAIN, tmp_path, 2), expected)
    assert front_end.executed == 3
    assert "it differs by" in caplog.text


@pytest.mark.parametrize("value", [0, np.inf])
def test_values_that_tell_nothing_leave_open_whether_it_is_right(front_end, standin, value):
    images, kernels = standin.xp.zeros((2, 3, 5, 5), np.float32), standin.xp.ones((4, 3, 3, 3), np.float32)
    images[...] = value
    out = standin.xp.empty((2, 4, 3, 3), np.float32)
    window, calls = Window((3, 3), (1, 1), (0, 0), (1, 1)), []

    def otherwise():
        calls.append(0)
        out[...] = 27 * images[0, 0, 0, 0]

    for values, compared in ((value, 1), (value, 2), (1, 3), (1, 3)):
        images[...] = values
        assert cudnn.compute(cudnn.FORWARD, images, kernels, out, window, otherwise)
        assert len(calls) == compared
    np.testing.assert_array_equal(out.get(), 27)


def test_float64_and_what_is_not_in_one_piece_are_not_for_it(front_end, standin, tmp_path):
    passes(PLAIN, tmp_path, 1, np.float64)
    assert front_end.built == 0
    array = standin.xp.zeros((2, 3, 4, 4), np.float32)
    assert cudnn.takes(array, array)
    assert not cudnn.takes(array, array.swapaxes(2, 3))
    assert not cudnn.takes(array[:, :0])
    assert not cudnn.takes(array.reshape(2, 3, 16))
    with device.using(None):
        assert not cudnn.takes(array)


def test_every_thread_has_a_handle_of_its_own(front_end, standin, tmp_path):
    def run():
        with device.using(standin):
            passes(PLAIN, tmp_path, 1)

    run()
    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert len(front_end.handles) == 2


# NVIDIA's front end

H100 = {
    "cudaDeviceId": 0, "deviceName": "NVIDIA H100 80GB HBM3", "deviceVer": 900, "driverVer": 13000, "pciDeviceId": 0,
    "multiProcessorCount": 132, "smCountOrigin": 0, "smClockRateKHz": 1980000, "memClockRateKHz": 2619000,
    "memoryBusWidth": 5120, "l2CacheSize": 52428800, "totalGlobalMem": 85000000000, "warpSize": 32,
    "maxSharedMemoryPerBlock": 49152, "maxSharedMemoryPerBlockOptin": 232448, "oversizedSharedMemoryPerBlock": 0,
    "reservedSharedMemoryPerBlock": 1024, "regsPerBlock": 65536, "maxRegistersPerSM": 65536, "maxCtasPerSM": 32,
    "maxThreadsPerBlock": 1024, "maxThreadsPerSM": 2048, "maxGridSize": [2147483647, 65535, 65535],
    "maxBlockSize": [1024, 1024, 64], "isTccDriver": 0, "supportCoopLaunch": 1,
}  # fmt: skip
"""What cuDNN wants to know of a device that is not there; its library and CUDA's have to be."""


@pytest.fixture(scope="module")
def nvidias():
    """NVIDIA's front end, and what makes it build graphs for a device that is not there."""
    try:
        real = importlib.import_module("cudnn")
        there = real.create_device_properties(json.dumps(H100))
    except (ImportError, OSError, RuntimeError) as error:
        pytest.skip(
            f"nvidia-cudnn-frontend, or cuDNN, is not there to plan for a GPU that is not there either: {error}"
        )
    return real, {"device_property": there, "sm_version": 90, "sm_count": 132}


def tasks(case, tmp_path):
    """Return what a row asks of cuDNN."""
    bench, found = Bench(case, tmp_path, dtype=np.float32), []

    def note(kind, first, second, out, window, otherwise):
        found.append(cudnn.Task(kind, first.shape, second.shape, out.shape, window))
        return False

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cudnn, "compute", note)
        bench.forward()
        bench.backward()
    return found


@pytest.mark.parametrize("case", ROWS, ids=str)
def test_nvidias_front_end_takes_the_graphs(case, front_end, nvidias, tmp_path):
    real, place = nvidias
    for task in tasks(case, tmp_path):
        if "larger than the image" in case.name:  # Caffe places a window where none fits
            with pytest.raises(RuntimeError, match="is_valid_spatial_dim"):
                cudnn.build(real, task, **place)
        else:
            assert 0 <= cudnn.build(real, task, **place).workspace <= cudnn.WORKSPACE


@pytest.mark.parametrize("kind", [cudnn.FORWARD, cudnn.IMAGES, cudnn.KERNELS])
def test_none_of_nvidias_kernels_rounds_its_inputs(kind, nvidias):
    real, place = nvidias
    images, kernels, result = (8, 64, 28, 28), (128, 64, 3, 3), (8, 128, 28, 28)
    first, second, out = {
        cudnn.FORWARD: (images, kernels, result),
        cudnn.IMAGES: (result, kernels, images),
        cudnn.KERNELS: (images, result, kernels),
    }[kind]
    task = cudnn.Task(kind, first, second, out, Window((3, 3), (1, 1), (1, 1), (1, 1)))

    def rounding_only(graph, *_args):
        graph.select_numeric_notes([real.numerical_note.TENSOR_CORE])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(real.pygraph, "deselect_workspace_greater_than", rounding_only)
        with pytest.raises((RuntimeError, real.cudnnGraphNotSupportedError)):
            cudnn.build(real, task, **place)
        patch.setattr(real.pygraph, "deselect_numeric_notes", rounding_only)
        cudnn.build(real, task, **place)  # there are such kernels


@pytest.mark.gpu
@pytest.mark.parametrize("case", ROWS, ids=str)
def test_on_a_real_gpu_it_gives_the_cpus_numbers(case, gpu, tmp_path):
    if not cudnn.version():
        pytest.skip("nvidia-cudnn-frontend, or cuDNN, is not installed")
    with device.using(None):
        expected = passes(case, tmp_path, 3)
    same(passes(case, tmp_path, 3), expected)
