"""keep_iterations and rewind: going back puts everything back, bit for bit, in bounded memory."""

from __future__ import annotations

import random
import tracemalloc
from pathlib import Path

import h5py
import numpy as np
import pytest
from PIL import Image

import caffe_nb
from caffe_nb import rng
from caffe_nb.errors import SolverError
from caffe_nb.solvers import Solver
from caffe_nb.solvers.finite import NonFiniteError
from caffe_nb.solvers.rewind import MEGABYTE, keep_iterations, kept, rewind

LAYERS = '''
import random
import numpy as np
from caffe_nb.core.layer import Layer


class Source(Layer):
    """Counts its batches, and draws from two global generators."""

    def setup(self, bottom, top):
        self.count = 0
        self.seen = []
        top[0].reshape(4, 3)
        top[1].reshape(4, 2)

    def reshape(self, bottom, top):
        pass

    def forward(self, bottom, top):
        self.count += 1
        self.seen.append(self.count)
        top[0].data[...] = np.random.randn(4, 3) + self.count
        top[1].data[...] = random.random() + len(self.seen)

    def backward(self, top, propagate_down, bottom):
        pass
'''

DUMMY = """
layer { name: "data" type: "DummyData" top: "data" top: "label" dummy_data_param {
  shape { dim: 4 dim: 3 } shape { dim: 4 dim: 2 } data_filler { type: "gaussian" std: 1 } } }
"""
PYTHON = """
layer { name: "data" type: "Python" top: "data" top: "label" python_param { module: "drawn" layer: "Source" } }
"""
HDF5 = """
layer { name: "data" type: "HDF5Data" top: "data" top: "label" hdf5_data_param {
  source: "list.txt" batch_size: 4 shuffle: true } }
"""
IMAGES = """
layer { name: "images" type: "ImageData" top: "data" top: "class" image_data_param {
  source: "images.txt" batch_size: 2 shuffle: true } transform_param { mirror: true scale: 0.01 } }
layer { name: "quiet" type: "Silence" bottom: "class" }
layer { name: "labels" type: "DummyData" top: "label" dummy_data_param {
  shape { dim: 2 dim: 2 } data_filler { type: "gaussian" std: 1 } } }
"""
REST = """
layer { name: "ip1" type: "InnerProduct" bottom: "data" top: "ip1" inner_product_param {
  num_output: 5 weight_filler { type: "xavier" } } }
layer { name: "bn" type: "BatchNorm" bottom: "ip1" top: "bn" }
layer { name: "drop" type: "Dropout" bottom: "bn" top: "bn" }
layer { name: "ip2" type: "InnerProduct" bottom: "bn" top: "ip2" inner_product_param {
  num_output: 2 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "EuclideanLoss" bottom: "ip2" bottom: "label" top: "loss" }
"""
SETTINGS = 'base_lr: 0.05 lr_policy: "inv" gamma: 0.1 power: 0.75 max_iter: 100 random_seed: 5'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where sources find their data."""
    (tmp_path / "drawn.py").write_text(LAYERS, encoding="utf-8")
    draw = np.random.default_rng(0)
    for name in ("one.h5", "two.h5"):
        with h5py.File(tmp_path / name, "w") as file:
            file["data"] = draw.normal(size=(10, 3)).astype(np.float32)
            file["label"] = draw.normal(size=(10, 2)).astype(np.float32)
    (tmp_path / "list.txt").write_text("one.h5 two.h5", encoding="utf-8")
    for number in range(7):
        Image.fromarray(draw.integers(0, 255, (4, 4, 3), np.uint8)).save(tmp_path / f"{number}.png")
    (tmp_path / "images.txt").write_text("".join(f"{tmp_path}/{n}.png {n}\n" for n in range(7)), encoding="utf-8")
    return tmp_path


def make(folder: Path, source: str = DUMMY, more: str = "") -> Solver:
    np.random.seed(1)
    random.seed(1)
    rng.set_random_seed(1)
    return Solver.from_text(f"net_param {{ {source} {REST} }} {SETTINGS} {more}", folder=folder)


def everything(solver: Solver) -> list[np.ndarray]:
    params = [blob.const_data.copy() for node in solver.net.nodes for blob in node.layer.blobs]
    return [*params, *(array.copy() for array in solver.rule.history), np.array([solver.iter, solver.loss])]


def same(one: list[np.ndarray], other: list[np.ndarray]) -> bool:
    return len(one) == len(other) and all(map(np.array_equal, one, other))


@pytest.mark.parametrize("source", [DUMMY, PYTHON, HDF5, IMAGES], ids=["dummy", "python", "hdf5", "images"])
@pytest.mark.parametrize("kind", ['type: "SGD" momentum: 0.9', 'type: "Adam" momentum: 0.9', "iter_size: 2"])
def test_going_back_five_and_running_five_is_the_undisturbed_run(folder: Path, source: str, kind: str) -> None:
    undisturbed = make(folder, source, kind)
    undisturbed.step(12)
    twelve = everything(undisturbed)
    undisturbed.step(3)
    solver = make(folder, source, kind)
    keep_iterations(solver)
    solver.step(12)
    assert same(everything(solver), twelve)
    assert rewind(solver, 5) == solver.iter == 7
    solver.step(2)
    assert rewind(solver, 4) == 5
    solver.step(7)
    assert same(everything(solver), twelve)
    rewind(solver, 4)
    keep_iterations(solver, on=False)  # while there are batches to be given again
    solver.step(7)
    assert same(everything(solver), everything(undisturbed))


def test_going_back_puts_parameters_history_and_loss_back(folder: Path) -> None:
    solver = make(folder, more='type: "Adam" momentum: 0.9')
    keep_iterations(solver)
    solver.step(3)
    before = everything(solver)
    solver.step(1)
    after = everything(solver)
    assert not same(before, after)
    rewind(solver)
    assert same(everything(solver), before)
    assert "ip1" in solver.net.stale  # the panel and refresh see that the parameters changed


@pytest.mark.parametrize("source", [DUMMY, PYTHON, IMAGES], ids=["dummy", "python", "images"])
def test_what_is_kept_is_bounded_and_told(folder: Path, source: str) -> None:
    solver = make(folder, source)
    solver.step(1)
    told = keep_iterations(solver, megabytes=1)
    assert told is not None
    assert (told.iterations, told.bytes, told.limit) == (0, 0, MEGABYTE)
    assert told.most > 10
    tracemalloc.start()
    try:
        solver.step(told.most + 20)
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert taken < 1.2 * MEGABYTE
    now = kept(solver)
    assert now is not None
    assert now.iterations == told.most
    assert 0.8 * MEGABYTE < now.bytes <= MEGABYTE
    assert str(now).startswith(f"last {told.most} iterations kept, ")
    rewind(solver, told.most)
    assert solver.iter == 21
    with pytest.raises(SolverError, match="cannot go back by 1 iterations: last 0 iterations kept"):
        rewind(solver)


def test_too_small_a_limit_is_refused_with_a_better_one(folder: Path) -> None:
    solver = make(folder)
    with pytest.raises(
        SolverError, match=r"one iteration of this net takes .* keep_iterations\(solver, megabytes=10\)"
    ):
        keep_iterations(solver, megabytes=1e-5)
    assert kept(solver) is None
    assert solver.hooks.before_iteration == []


def test_off_nothing_is_kept_and_nothing_costs_time(folder: Path) -> None:
    solver = make(folder)
    keep_iterations(solver)
    keep_iterations(solver)
    assert len(solver.hooks.before_iteration) == 1
    solver.step(3)
    assert keep_iterations(solver, on=False) is None
    assert solver.hooks.before_iteration == []
    with pytest.raises(SolverError, match="nothing is kept to go back to; call keep_iterations"):
        rewind(solver)
    with pytest.raises(TypeError, match="takes a solver, got str"):
        keep_iterations("solver")  # type: ignore[arg-type]


def test_while_the_solver_runs_there_is_no_going_back(folder: Path) -> None:
    solver = make(folder)
    keep_iterations(solver)
    said: list[str] = []

    def try_it(solver: Solver) -> None:
        with pytest.raises(SolverError) as caught:
            rewind(solver)
        said.append(str(caught.value))

    solver.hooks.after_iteration.append(try_it)
    solver.step(1)
    assert said == ["the solver is running; stop it, then go back"]


def test_an_iteration_that_was_stopped_half_way_can_be_begun_anew_or_undone(folder: Path) -> None:
    undisturbed = make(folder)
    undisturbed.step(6)
    solver = make(folder)
    keep_iterations(solver)
    caffe_nb.stop_at_nan(solver)
    solver.step(4)
    layer = solver.net.nodes[1].layer
    right = layer.forward
    layer.forward = lambda bottom, top: top[0].data.fill(np.nan)  # type: ignore[method-assign]
    with pytest.raises(NonFiniteError):
        solver.step(1)
    layer.forward = right  # type: ignore[method-assign]
    assert caffe_nb.rewind(solver, 0) == 4
    assert solver.net.paused is None
    solver.step(1)
    assert caffe_nb.rewind(solver, 2) == 3
    solver.step(3)
    assert same(everything(solver), everything(undisturbed))


def test_a_restored_snapshot_begins_a_new_ring_from_there(folder: Path) -> None:
    solver = make(folder, more=f'snapshot_prefix: "{folder}/s"')
    keep_iterations(solver)
    solver.step(3)
    state = solver.snapshot()
    solver.step(4)
    solver.restore(state)
    solver.step(2)
    assert rewind(solver, 4) == 1
