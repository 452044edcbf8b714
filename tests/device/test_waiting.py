"""No layer makes the host wait in the middle of a pass, but for those that say why."""

from __future__ import annotations

from pathlib import Path

import pytest

from caffe_nb.core.deferred import Checks
from tests.device.standin import Standin
from tests.device.test_layers import ON_HOST
from tests.layers.bench import Bench
from tests.layers.case import Case
from tests.layers.cases import CASES

WAITS = {"Filter": "the shapes of its tops follow its values"}


@pytest.mark.parametrize(
    "case", [case for case in CASES if case.bottoms and case.type not in ON_HOST and case.type not in WAITS], ids=str
)
def test_a_pass_waits_for_nothing(case: Case, standin: Standin, tmp_path: Path) -> None:
    bench = Bench(case, tmp_path)
    bench.forward()
    bench.backward()
    for blob in [*bench.bottom, *bench.top, *bench.layer.blobs]:  # the device has the newest values of all
        blob.array, blob.diff_array  # noqa: B018
    checks = Checks()
    running = checks.begin(str)  # as a net does
    before = standin.syncs
    bench.layer.reshape(bench.bottom, bench.top)
    bench.layer.forward(bench.bottom, bench.top)
    bench.layer.backward(bench.top, bench.propagate_down, bench.bottom)
    assert standin.syncs == before
    checks.end(running)
    checks.settle()
