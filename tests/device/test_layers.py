"""Every layer type with its blobs on a device: the same numbers, in float64."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from caffe_nb import device
from caffe_nb.core.blob import Blob
from caffe_nb.core.mirror import HOST
from caffe_nb.errors import ShapeError
from caffe_nb.ops.regions import cells_of
from tests.device.standin import Standin
from tests.layers.bench import Bench
from tests.layers.case import Case
from tests.layers.cases import CASES

ON_HOST = {
    "BoxAnnotatorOHEM": "sorts regions one after the other",
    "DetectionOutput": "suppresses boxes one after the other",
    "HDF5Output": "writes a file",
    "PriorBox": "computes boxes from shapes, once, and nothing from values",
}
"""Types that compute on the host in GPU mode too, and why."""


def rows(cases: list[Case]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", cases, ids=str)


@rows(CASES)
def test_the_numbers_are_those_of_the_cpu(case: Case, standin: Standin, tmp_path: Path) -> None:
    compare(case, tmp_path)


def compare(case: Case, tmp_path: Path) -> None:
    """Run a row on the host and on the device that is used now."""
    with device.using(None):
        host = Bench(case, tmp_path)
        expected = [*host.forward(), *host.backward(), *(blob.const_diff.copy() for blob in host.layer.blobs)]
    bench = Bench(case, tmp_path)
    for blob in [*bench.bottom, *bench.layer.blobs]:
        blob.array, blob.diff_array  # noqa: B018  (the device has the newest values)
    got = [*bench.forward(), *bench.backward(), *(blob.const_diff.copy() for blob in bench.layer.blobs)]
    for one, other in zip(got, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-14)


@rows([case for case in CASES if case.bottoms and case.type not in ON_HOST])
def test_nothing_is_copied_while_it_runs(case: Case, standin: Standin, tmp_path: Path) -> None:
    bench = Bench(case, tmp_path)
    bench.forward()
    bench.backward()
    blobs = [*bench.bottom, *bench.top, *bench.layer.blobs]
    for blob in blobs:  # the device has the newest values of all
        blob.array, blob.diff_array  # noqa: B018
    before = copies(blobs)
    bench.layer.reshape(bench.bottom, bench.top)
    bench.layer.forward(bench.bottom, bench.top)
    bench.layer.backward(bench.top, bench.propagate_down, bench.bottom)
    assert copies(blobs) == before
    assert not [blob for blob in blobs for memory in (blob.memory, blob.diff_memory) if memory.mirror.newest == HOST]


@pytest.mark.parametrize("first", ["CPU", "GPU"])
@rows([case for case in CASES if case.bottoms])
def test_the_mode_may_change_between_forward_and_backward(
    case: Case, first: str, standin: Standin, tmp_path: Path
) -> None:
    with device.using(None):
        host = Bench(case, tmp_path)
        host.forward()
        expected = [*host.backward(), *(blob.const_diff.copy() for blob in host.layer.blobs)]
    with device.using(None if first == "CPU" else standin):
        bench = Bench(case, tmp_path)
        bench.forward()
    with device.using(standin if first == "CPU" else None):
        got = [*bench.backward(), *(blob.const_diff.copy() for blob in bench.layer.blobs)]
    for one, other in zip(got, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-14)


def test_a_region_of_no_image_is_refused_as_on_the_cpu(standin: Standin) -> None:
    shape, grid = (2, 1, 4, 4), (2, 2)
    rows = np.array([[0, 0, 0, 3, 3], [2, 0, 0, 3, 3]], np.float32)
    with pytest.raises(ShapeError, match="region 1 is of image 2, and the batch has images 0 to 1"):
        cells_of(standin.xp.asarray(rows), shape, grid, 1.0, whole=True)
    rows[1] = (1, np.nan, 0, 3, 3)
    with pytest.raises(ShapeError, match="region 1 has a number that is not finite"):
        cells_of(standin.xp.asarray(rows), shape, grid, 1.0, whole=True)


def copies(blobs: list[Blob]) -> list[tuple[int, int]]:
    mirrors = [memory.mirror for blob in blobs for memory in (blob.memory, blob.diff_memory)]
    return [(mirror.to_device, mirror.to_host) for mirror in mirrors if mirror is not None]
