"""What a net computes does not depend on how many threads compute it, beyond rounding."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from caffe_nb import rng, set_threads, zoo
from caffe_nb.net import Net
from caffe_nb.proto.text import to_text

ROUNDING = 2e-5
"""Of the largest value of a blob: sums of some thousand float32 terms, in another order."""


@pytest.fixture(autouse=True)
def _threads() -> Iterator[None]:
    yield
    set_threads(None)


def run(name: str, batch: int, threads: int) -> dict[str, np.ndarray]:
    set_threads(threads)
    rng.set_random_seed(5)
    net = Net.from_text(to_text(zoo.NETS[name](batch)))
    random = np.random.default_rng(5)
    for blob in net.inputs:
        net.blobs[blob].data[...] = random.normal(size=net.blobs[blob].shape) if blob == "data" else 1
    net.forward_backward()
    tops = {f"data of {blob}": net.blobs[blob].const_data.copy() for blob in net.blobs}
    params = {f"diff of {i}": blob.const_diff.copy() for i, blob in enumerate(net.learnable_params)}
    return tops | params


@pytest.mark.parametrize(("name", "batch"), [("lenet", 8), ("cifar10_full", 6), ("lstm", 6)])
def test_one_two_and_three_threads_give_the_same(name: str, batch: int) -> None:
    alone = run(name, batch, 1)
    for threads in (2, 3):
        for what, values in run(name, batch, threads).items():
            scale = max(float(np.abs(alone[what]).max()), 1e-30)
            error = float(np.abs(values - alone[what]).max()) / scale
            assert error < ROUNDING, f"{what} with {threads} threads: {error:.1e} of the largest"
