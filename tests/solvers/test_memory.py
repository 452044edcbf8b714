"""What an iteration allocates once everything has its place: no arrays that stay, and no big ones on the way."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from caffe_nb import SGDSolver, set_threads, zoo
from caffe_nb.proto.text import to_text

THREADS = 2
STAYS = 64 << 10
"""Bytes. The smallest blob of these nets that could be forgotten somewhere is larger; lists and floats are not."""
ON_THE_WAY = THREADS * 3 << 20
"""Bytes. A convolution's columns: one MiB a thread, or what an image needs (2.1 MB in mobilenet's last layers)."""
SOLVER = """
base_lr: 0.0001 momentum: 0.9 weight_decay: 0.0005 lr_policy: "fixed" snapshot_after_train: false
net_param {{ {} }}
"""


@pytest.fixture(autouse=True)
def _threads() -> Iterator[None]:
    set_threads(THREADS)
    yield
    set_threads(None)


@pytest.mark.parametrize(("name", "batch"), [("lenet", 16), ("cifar10_full", 4), ("mobilenet", 1), ("lstm", 4)])
def test_an_iteration_allocates_next_to_nothing(name: str, batch: int, tmp_path: Path) -> None:
    file = tmp_path / "solver.prototxt"
    file.write_text(SOLVER.format(to_text(zoo.NETS[name](batch))))
    solver = SGDSolver(str(file))
    data = solver.net.blobs["data"]
    data.data[...] = np.random.default_rng(0).normal(size=data.shape)
    solver.step(2)
    tracemalloc.start()
    try:
        solver.step(1)
        gc.collect()
        tracemalloc.reset_peak()
        before, _ = tracemalloc.get_traced_memory()
        solver.step(2)
        gc.collect()
        after, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < STAYS
    assert peak - before < ON_THE_WAY
