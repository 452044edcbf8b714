"""Real processes that MPI starts, and a small net for them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from caffe_nb.distributed.mpi import mpiexec

NET = """
name: "small"
layer { name: "data" type: "HDF5Data" top: "data" top: "label"
  hdf5_data_param { source: "rows.txt" batch_size: BATCH } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
  convolution_param { num_output: 4 kernel_size: 3 weight_filler { type: "xavier" } } }
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
layer { name: "left" type: "InnerProduct" bottom: "conv" top: "left" param { name: "w" } param { lr_mult: 2 }
  inner_product_param { num_output: 5 weight_filler { type: "xavier" } } }
layer { name: "right" type: "InnerProduct" bottom: "conv" top: "right" param { name: "w" } param { lr_mult: 0 }
  inner_product_param { num_output: 5 weight_filler { type: "xavier" } } }
layer { name: "sum" type: "Eltwise" bottom: "left" bottom: "right" top: "sum" }
layer { name: "scores" type: "InnerProduct" bottom: "sum" top: "scores"
  inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }
EXTRA
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "scores" bottom: "label" top: "loss" }
"""
SOLVER = """
net: "net.prototxt" base_lr: 0.05 lr_policy: "fixed" max_iter: 12 random_seed: 3 snapshot_prefix: "small"
snapshot_after_train: false
"""

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def write_rows(folder: Path, count: int = 48) -> None:
    random = np.random.default_rng(0)
    with h5py.File(folder / "rows.h5", "w") as file:
        file["data"] = random.standard_normal((count, 2, 6, 6)).astype(np.float32)
        file["label"] = random.integers(0, 3, count).astype(np.float32)
    (folder / "rows.txt").write_text("rows.h5\n")


def write_net(folder: Path, batch: int, extra: str = "", solver: str = "") -> None:
    (folder / "net.prototxt").write_text(NET.replace("BATCH", str(batch)).replace("EXTRA", extra))
    (folder / "solver.prototxt").write_text(SOLVER + solver)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_rows(tmp_path)
    write_net(tmp_path, 4)
    return tmp_path


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "OPENBLAS_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1", **more}


def start(folder: Path, ranks: int, *words: str, **env: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [str(mpiexec()), "-n", str(ranks), sys.executable, *words],
        cwd=folder,
        env=environment(**env),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def caffe(folder: Path) -> Run:
    """`mpiexec -n RANKS caffe WORDS...` in the folder."""

    def run(ranks: int, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
        process = start(folder, ranks, "-m", "caffe_nb.cli", *words, **env)
        out, err = process.communicate(timeout=120)
        return subprocess.CompletedProcess(words, process.returncode, out, err)

    return run
