"""Blobs lent to other libraries, and theirs taken, without a copy: DLPack and `__cuda_array_interface__`."""

import numba
import numpy as np
import pytest

from caffe_nb import device
from caffe_nb.core.blob import Blob


@pytest.fixture
def blob():
    made = Blob(2, 3)
    made.data[...] = np.arange(6).reshape(2, 3)
    return made


@pytest.fixture
def torch():
    return pytest.importorskip("torch", reason="PyTorch is not installed here (the group bench has it)")


def test_a_view_through_dlpack_is_the_blobs_memory(blob):
    view = np.from_dlpack(blob.data)
    blob.data[0, 0] = 7
    assert view[0, 0] == 7
    before = blob.version
    np.from_dlpack(blob.data, copy=False)[1, 2] = -1  # `data` says that it will be written
    assert blob.const_data[1, 2] == -1
    assert blob.version > before


def test_a_compiled_function_writes_into_a_blob(blob):
    @numba.njit
    def double(values):
        for i in range(values.size):
            values.flat[i] *= 2

    double(blob.diff)
    double(blob.data)
    assert blob.const_data.tolist() == [[0, 2, 4], [6, 8, 10]]


def test_pytorch_shares_a_blobs_memory_both_ways(blob, torch):
    tensor = torch.from_dlpack(blob.data)
    tensor *= 2
    assert blob.const_data.tolist() == [[0, 2, 4], [6, 8, 10]]
    blob.data = torch.ones(3)
    assert tensor.tolist() == [[1, 1, 1]] * 2


def test_a_write_on_the_host_through_a_view_reaches_the_device(blob, standin):
    assert float(blob.const_array.sum()) == 15
    np.from_dlpack(blob.data)[...] = 1
    assert float(blob.const_array.sum()) == 6


@pytest.mark.gpu
def test_on_a_real_gpu_pytorch_shares_a_blobs_memory_both_ways(blob, gpu, torch):
    if not torch.cuda.is_available():
        pytest.skip("this PyTorch has no CUDA")
    tensor = torch.from_dlpack(blob.gpu_data)
    assert tensor.data_ptr() == blob._gpu_data_ptr
    tensor *= 2
    torch.cuda.synchronize()
    assert blob.const_data.tolist() == [[0, 2, 4], [6, 8, 10]]
    blob.gpu_data[...] = gpu.xp.from_dlpack(torch.ones(3, device="cuda"))
    assert blob.const_data.tolist() == [[1, 1, 1]] * 2
    assert torch.as_tensor(blob.gpu_diff, device="cuda").data_ptr() == blob._gpu_diff_ptr  # __cuda_array_interface__


@pytest.mark.gpu
def test_on_a_real_gpu_numba_writes_into_a_blob(blob, gpu):
    cuda = pytest.importorskip("numba.cuda", reason="Numba has no CUDA here")
    if not cuda.is_available():
        pytest.skip("Numba finds no CUDA")

    @cuda.jit
    def double(values):
        i, j = cuda.grid(2)
        if i < values.shape[0] and j < values.shape[1]:
            values[i, j] *= 2

    double[(1, 1), (8, 8)](cuda.as_cuda_array(blob.gpu_data))
    cuda.synchronize()
    assert blob.const_data.tolist() == [[0, 2, 4], [6, 8, 10]]
    with device.using(None):
        assert blob.array.sum() == 30
