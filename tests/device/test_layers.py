"""Every layer type with its blobs on a device: the same numbers, to the last digit on the stand-in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from caffe_nb import device
from tests.device.standin import Standin
from tests.layers.bench import Bench
from tests.layers.case import Case
from tests.layers.cases import CASES


def rows(cases: list[Case]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", cases, ids=str)


@rows(CASES)
def test_the_numbers_are_those_of_the_cpu(case: Case, standin: Standin, tmp_path: Path) -> None:
    with device.using(None):
        host = Bench(case, tmp_path)
        expected = [*host.forward(), *host.backward(), *(blob.const_diff.copy() for blob in host.layer.blobs)]
    bench = Bench(case, tmp_path)
    for blob in [*bench.bottom, *bench.layer.blobs]:
        blob.array, blob.diff_array  # noqa: B018  (the device has the newest values)
    got = [*bench.forward(), *bench.backward(), *(blob.const_diff.copy() for blob in bench.layer.blobs)]
    for one, other in zip(got, expected, strict=True):
        np.testing.assert_array_equal(one, other)
