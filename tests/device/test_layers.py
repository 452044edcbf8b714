"""Every layer type where its blobs are on a device: the same numbers, and no copy that nobody asked for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from caffe_nb import device
from caffe_nb.core.device_views import transfers
from tests.device.standin import Standin
from tests.layers.bench import Bench
from tests.layers.case import Case
from tests.layers.cases import CASES

ON_HOST = {
    "HDF5Data": "reads files",
}
"""Types that compute on the host also in GPU mode, and why."""


def rows(cases: list[Case]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", cases, ids=str)


@rows(CASES)
def test_the_numbers_are_those_of_the_cpu(case: Case, standin: Standin, tmp_path: Path) -> None:
    with device.using(None):
        host = Bench(case, tmp_path)
        expected = [*host.forward(), *host.backward(), *(blob.const_diff.copy() for blob in host.layer.blobs)]
    bench = Bench(case, tmp_path)
    got = [*bench.forward(), *bench.backward(), *(blob.const_diff.copy() for blob in bench.layer.blobs)]
    for one, other in zip(got, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-12)


@rows([case for case in CASES if case.type not in ON_HOST and case.bottoms])
def test_nothing_is_copied_while_it_runs(case: Case, standin: Standin, tmp_path: Path) -> None:
    bench = Bench(case, tmp_path)
    bench.forward()
    bench.backward()
    blobs = [*bench.bottom, *bench.top, *bench.layer.blobs]
    for blob in blobs:  # all is where the layers compute
        blob.const_array, blob.const_diff_array  # noqa: B018
    before = copies(blobs)
    bench.layer.reshape(bench.bottom, bench.top)
    bench.layer.forward(bench.bottom, bench.top)
    bench.layer.backward(bench.top, bench.propagate_down, bench.bottom)
    assert copies(blobs) == before


def copies(blobs: list) -> list[tuple[int, int, int]]:
    return [transfers(memory) for blob in blobs for memory in (blob.memory, blob.diff_memory)]
