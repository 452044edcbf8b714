"""Every layer type passes its own gradient check, on the rows of the table that drives the types' tests."""

from __future__ import annotations

import pytest

from caffe_nb.check import check_layer
from tests.layers.case import Case
from tests.layers.cases import CASES

ROWS = [case for case in CASES if case.bottoms and case.files is None and case.prepare is None]


@pytest.mark.parametrize("case", ROWS, ids=str)
@pytest.mark.parametrize("full", [False, True], ids=["fast", "one by one"])
def test_it_passes_its_own_check(case: Case, full: bool) -> None:
    for seed in range(2):
        report = check_layer(
            f'name: "layer" type: "{case.type}" {case.text}',
            [draw(10 * seed + index) for index, draw in enumerate(case.bottoms)],
            tops=case.tops,
            phase=case.phase,
            propagate_down=case.propagate_down,
            seed=seed,
            full=full,
        )
        assert report.ok, str(report)
        if not full:
            assert report.forwards <= 12
            assert report.backwards <= 4
