"""Training traces, against BVLC Caffe's (tests/golden/solvers)."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from caffe_nb.solvers import get_solver

GOLDEN = Path(__file__).parents[1] / "golden" / "solvers"
NAMES = sorted(path.stem for path in GOLDEN.glob("*.npz") if path.with_suffix(".prototxt").exists())


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    shutil.copytree(GOLDEN, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)


def initialised(name, figures):
    solver = get_solver(f"{name}.prototxt")
    for layer, blobs in solver.net.params.items():
        for i, blob in enumerate(blobs):
            blob.data = figures[f"init_{layer}_{i}"]
    return solver


def assert_weights(solver, figures, iteration, tolerance):
    for layer, blobs in solver.net.params.items():
        for i, blob in enumerate(blobs):
            want = figures[f"w{iteration}_{layer}_{i}"]
            assert np.abs(blob.const_data - want).max() < tolerance * max(1e-3, np.abs(want).max())


@pytest.mark.parametrize("name", NAMES)
def test_losses_and_weights_follow_caffes(name):
    figures = np.load(f"{name}.npz", allow_pickle=False)
    solver = initialised(name, figures)
    for iteration in range(1, 26):
        solver.step(1)
        want = figures["losses"][iteration - 1]
        # BVLC's losses are of the last of iter_size passes, ours are read from the same blob.
        assert float(solver.net.blobs["loss"].const_data) == pytest.approx(want, abs=2e-3 * max(1, abs(want)))
        if iteration in (1, 5, 10, 25):
            assert_weights(solver, figures, iteration, 2e-3)


def test_caffes_own_snapshot_is_taken_up():
    solver = get_solver("sgd_momentum.prototxt")
    solver.restore("sgd_momentum_iter_10.solverstate")
    assert solver.iter == 10
    assert_weights(solver, np.load("sgd_momentum.npz", allow_pickle=False), 10, 1e-5)
