"""Snapshots: both formats, resumed bit for bit, and whole wherever the process is killed."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from caffe_nb.errors import FormatError
from caffe_nb.proto import binary, hdf5
from caffe_nb.solvers import Solver, get_solver

GOLDEN = Path(__file__).parents[1] / "golden" / "files"
NET = """
layer { name: "x" type: "DummyData" top: "x" top: "t" dummy_data_param {
  shape { dim: 8 dim: 3 } shape { dim: 8 dim: 2 }
  data_filler { type: "constant" value: 0.5 } data_filler { type: "constant" value: 1 } } }
layer { name: "ip" type: "InnerProduct" bottom: "x" top: "y"
  inner_product_param { num_output: 2 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "EuclideanLoss" bottom: "y" bottom: "t" top: "loss" }
"""
FORMATS = ["BINARYPROTO", "HDF5"]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def solver(settings="", net=NET):
    policy = "" if "lr_policy" in settings else 'lr_policy: "fixed"'
    return Solver.from_text(
        f'net_param {{ {net} }} base_lr: 0.1 momentum: 0.9 random_seed: 1 snapshot_prefix: "s" {policy} {settings}'
    )


def values(s):
    return [blob.const_data.copy() for blob in s.net.learnable_params] + [array.copy() for array in s.rule.history]


def same(a, b):
    return all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


@pytest.mark.parametrize("form", FORMATS)
def test_a_resumed_run_is_bit_for_bit_the_run_that_was_not(form):
    whole = solver(f"snapshot_format: {form} max_iter: 9 snapshot: 4 snapshot_after_train: false")
    whole.solve()
    ending = ".h5" if form == "HDF5" else ""
    assert sorted(path.name for path in Path().iterdir()) == sorted(
        f"s_iter_{i}.{kind}{ending}" for i in (4, 8) for kind in ("caffemodel", "solverstate")
    )
    again = solver("max_iter: 9")
    again.solve(f"s_iter_4.solverstate{ending}")
    assert again.iter == 9
    assert same(values(whole), values(again))


def test_caffes_own_snapshot_in_hdf5_is_taken_up():
    for path in GOLDEN.glob("s_*"):
        shutil.copy(path, ".")
    s = get_solver("s_solver.prototxt")
    s.restore("s_iter_5.solverstate.h5")
    assert s.iter == 5
    with hdf5.open_weights("s_iter_5.caffemodel.h5") as layers:
        stored = next(layer for layer in layers if layer.name == "ip").arrays[0]
        out = np.zeros(stored.shape, np.float32)
        stored.data(out)
    assert (out == s.net.params["ip"][0].const_data).all()
    assert any(array.any() for array in s.rule.history)


@pytest.mark.parametrize("form", FORMATS)
def test_a_snapshot_that_was_moved_finds_its_weights_beside_it(form, tmp_path):
    s = solver(f"snapshot_format: {form}")
    s.step(2)
    s.snapshot()
    (tmp_path / "moved").mkdir()
    for path in tmp_path.glob("s_iter*"):
        path.rename(tmp_path / "moved" / path.name)
    again = solver()
    again.restore(next((tmp_path / "moved").glob("*.solverstate*")))
    assert same(values(s), values(again))


@pytest.mark.parametrize("form", FORMATS)
def test_gradients_are_kept_where_they_are_asked_for(form):
    s = solver(f"snapshot_format: {form} snapshot_diff: true")
    s.step(2)
    path = s.snapshot()
    again = solver()
    again.restore(path)
    for mine, theirs in zip(again.net.learnable_params, s.net.learnable_params, strict=True):
        assert theirs.const_diff.any()
        assert (mine.const_diff == theirs.const_diff).all()


OTHER_NETS = {
    "history 0 has shape": NET.replace("num_output: 2", "num_output: 3").replace("dim: 8 dim: 2", "dim: 8 dim: 3"),
    "history blobs": NET.replace("num_output: 2", "num_output: 2 bias_term: false"),
}


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize(("words", "net"), OTHER_NETS.items(), ids=OTHER_NETS)
def test_a_snapshot_of_another_net_is_refused_and_nothing_changes(form, words, net):
    s = solver(f"snapshot_format: {form}")
    s.step(1)
    path = s.snapshot()
    other = solver(net=net)
    before = values(other)
    with pytest.raises(FormatError, match=words):
        other.restore(path)
    assert other.iter == 0
    assert same(before, values(other))


@pytest.mark.parametrize(
    ("policy", "step"),
    [
        ('"fixed"', 0),
        ('"step" gamma: 0.5 stepsize: 2', 2),
        ('"multistep" gamma: 0.5 stepvalue: 1 stepvalue: 3 stepvalue: 9', 2),
    ],
)
def test_the_step_that_caffe_resumes_from_is_kept(policy, step):
    s = solver(f"lr_policy: {policy}")
    s.step(5)
    assert binary.read_solver_state(s.snapshot()).current_step == step
    s.param.snapshot_format = 0
    with hdf5.open_state(s.snapshot()) as state:
        assert state.current_step == step


TRAIN = """
import sys
from tests.solvers.test_snapshot import solver
s = solver(f"snapshot: 1 snapshot_format: {sys.argv[1]} max_iter: 1000000")
print("running", flush=True)
s.solve()
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="the system has no SIGKILL")
@pytest.mark.parametrize("form", FORMATS)
def test_a_kill_at_any_moment_leaves_whole_pairs(form, tmp_path):
    draw = random.Random(form)
    for kill in range(4):
        folder = tmp_path / str(kill)
        folder.mkdir()
        run_and_kill(form, folder, draw.uniform(0.02, 0.2))
        states = {int(path.name.split("_")[2].split(".")[0]): path for path in folder.glob("s_iter_*.solverstate*")}
        assert states
        twin = solver()
        for iteration in sorted(states)[-3:]:
            twin.step(iteration - twin.iter)
            s = solver()
            s.restore(states[iteration])
            assert s.iter == iteration
            assert same(values(s), values(twin))


def run_and_kill(form, folder, seconds):
    """Train in another process, a snapshot an iteration, and kill it."""
    with subprocess.Popen(
        [sys.executable, "-c", TRAIN, form],
        cwd=folder,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    ) as child:
        try:
            child.stdout.readline()
            while child.poll() is None and not list(folder.glob("*.solverstate*")):
                time.sleep(0.001)
            time.sleep(seconds)
        finally:
            child.kill()
