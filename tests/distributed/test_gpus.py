"""Processes with a GPU each: on stand-ins in the host's memory, whose NCCL is MPI; none of it has met a GPU."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from caffe_nb import Solver
from tests.distributed.conftest import start

SCRIPT = """
import ctypes
import sys
from types import SimpleNamespace

import numpy as np
from mpi4py import MPI

from caffe_nb import device
from caffe_nb.distributed import DataParallel, build, world
from caffe_nb.distributed.nccl import KEY_BYTES
from caffe_nb.solvers.source import as_source
from tests.device.standin import Standin

place, here = sys.argv[1], Standin()


class Stream:
    def __init__(self, non_blocking=False):
        self.ptr, self.waits = id(self), 0

    def record(self):
        return SimpleNamespace(done=True)

    def wait_event(self, event):
        self.waits += 1


class NcclCommunicator:
    sums = 0

    def __init__(self, size, key, rank):
        assert key == tuple(range(KEY_BYTES)) and (size, rank) == (MPI.COMM_WORLD.size, MPI.COMM_WORLD.rank)
        self.comm = MPI.COMM_WORLD.Dup()

    def allReduce(self, source, target, count, kind, operation, stream):
        here.run()
        assert source == target and operation == "sum" and stream
        values = np.ctypeslib.as_array(ctypes.cast(target, ctypes.POINTER(kind)), (count,))
        self.comm.Allreduce(MPI.IN_PLACE, values)
        NcclCommunicator.sums += 1


rank = MPI.COMM_WORLD.rank
here.xp.cuda = SimpleNamespace(
    Stream=Stream,
    get_current_stream=Stream,
    Device=lambda: SimpleNamespace(pci_bus_id=f"0000:0{0 if place == 'shared' else rank}:00.0"),
    nccl=SimpleNamespace(
        available=place != "none",
        NCCL_SUM="sum",
        NCCL_FLOAT32=ctypes.c_float,
        NCCL_FLOAT64=ctypes.c_double,
        get_unique_id=lambda: tuple(range(KEY_BYTES)),
        NcclCommunicator=NcclCommunicator,
    ),
)
device.use(here)
comm = world()
training = build(lambda: as_source("solver.prototxt"), comm)
net = training.solver.net
training.step(1)
before, sums = net.transfers, NcclCommunicator.sums
training.step(5)
copied = net.transfers - before
if not rank:
    weights = np.concatenate([blob.const_data.ravel() for blob in net.learnable_params])
    np.save("weights.npy", weights)
    print("sums", NcclCommunicator.sums - sums, "to the host", copied.to_host, flush=True)
"""


@pytest.fixture
def script(folder: Path) -> Path:
    (folder / "script.py").write_text(SCRIPT)
    return folder


def trained_alone(folder: Path) -> np.ndarray:
    """Return the weights that a single process has after six iterations with the global batch."""
    net = (folder / "net.prototxt").read_text()
    (folder / "whole.prototxt").write_text(net.replace("batch_size: 4", "batch_size: 8"))
    text = (folder / "solver.prototxt").read_text().replace("net.prototxt", "whole.prototxt")
    solver = Solver.from_text(text)
    solver.step(6)
    return np.concatenate([blob.const_data.ravel() for blob in solver.net.learnable_params])


def run(folder: Path, place: str) -> tuple[str, str]:
    root = str(Path(__file__).parents[2])
    process = start(folder, 2, "script.py", place, PYTHONPATH=root)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    return out, err


def test_gradients_are_summed_where_they_lie(script: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(script)
    out, _ = run(script, "own")
    assert "sums 5 to the host 0" in out
    np.testing.assert_allclose(np.load("weights.npy"), trained_alone(script), rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("place", "words"), [("none", "CuPy finds no NCCL"), ("shared", "several processes compute on one GPU")]
)
def test_without_nccl_or_with_a_shared_gpu_they_are_averaged_on_the_host(
    script: Path, monkeypatch: pytest.MonkeyPatch, place: str, words: str
) -> None:
    monkeypatch.chdir(script)
    out, err = run(script, place)
    assert "sums 0" in out
    assert err.count(words) == 1, "rank 0 says it"
    np.testing.assert_allclose(np.load("weights.npy"), trained_alone(script), rtol=2e-5, atol=1e-6)
