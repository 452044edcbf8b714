"""BVLC Caffe's own numbers in GPU mode: on the stand-in, and on a real GPU where there is one."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from caffe_nb import device
from caffe_nb.net import Net
from tests.layers.bench import Bench
from tests.layers.case import Case
from tests.layers.cases import CASES
from tests.layers.golden import Golden, compare_backward, compare_forward
from tests.layers.test_golden import FILES
from tests.solvers.test_golden import GOLDEN, NAMES, assert_weights, initialised


@pytest.fixture(params=["standin", pytest.param("gpu", marks=pytest.mark.gpu)])
def where(request):
    """A device, in use."""
    return request.getfixturevalue(request.param)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_layers_compute_what_caffe_computed(path: Path, where) -> None:
    golden = Golden(path)
    net = Net(golden.param, phase=golden.phase)
    compare_forward(golden, net)
    if golden.numbered("topdiff"):
        compare_backward(golden, net)


@pytest.mark.parametrize("name", NAMES)
def test_training_follows_caffes(name, where, tmp_path, monkeypatch):
    shutil.copytree(GOLDEN, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    figures = np.load(f"{name}.npz", allow_pickle=False)
    solver = initialised(name, figures)
    solver.step(5)
    loss, want = float(solver.net.blobs["loss"].const_data), figures["losses"][4]
    assert loss == pytest.approx(want, abs=2e-3 * max(1, abs(want)))
    assert_weights(solver, figures, 5, 2e-3)
    assert all(device.holds(blob.peek()) for blob in solver.rule.memories)


@pytest.mark.gpu
@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-9), (np.float32, 2e-3)])
def test_on_a_real_gpu_the_layer_table_is_the_cpus(case: Case, dtype, tolerance, gpu, tmp_path: Path) -> None:
    with device.using(None):
        host = Bench(case, tmp_path, dtype)
        expected = [*host.forward(), *host.backward(), *(blob.const_diff.copy() for blob in host.layer.blobs)]
    bench = Bench(case, tmp_path, dtype)
    for blob in [*bench.bottom, *bench.layer.blobs]:
        blob.array, blob.diff_array  # noqa: B018  (the device has the newest values)
    got = [*bench.forward(), *bench.backward(), *(blob.const_diff.copy() for blob in bench.layer.blobs)]
    for one, other in zip(got, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance * max(1e-3, np.abs(other).max(initial=0)))
