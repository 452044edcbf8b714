"""What every layer type promises, for each row of the table in cases.py."""

from __future__ import annotations

import contextlib
from pathlib import Path

import numpy as np
import pytest

from caffe_nb.core.registry import layer_class, layer_types
from caffe_nb.errors import CaffeError
from tests.layers.bench import Bench
from tests.layers.case import Case
from tests.layers.cases import CASES, EXEMPT


def rows(cases: list[Case]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", cases, ids=str)


def in_place_allowed(case: Case) -> bool:
    cls = layer_class(case.type)
    return cls is not None and cls.in_place


WITH_BOTTOMS = [case for case in CASES if case.bottoms]
IN_PLACE = [case for case in CASES if in_place_allowed(case)]
OTHER_BATCH = [case for case in WITH_BOTTOMS if case.other_batch]


def test_every_type_has_a_row() -> None:
    assert set(layer_types()) - set(EXEMPT) == {case.type for case in CASES}


def test_no_two_rows_have_the_same_name() -> None:
    assert len({str(case) for case in CASES}) == len(CASES)


@rows(CASES)
def test_every_type_says_what_it_is(case: Case) -> None:
    cls = layer_class(case.type)
    assert cls is not None
    assert cls.__doc__, "a layer's docstring says what it computes"
    least, most = cls.bottoms_needed
    assert least <= len(case.bottoms) <= (most or len(case.bottoms))
    least, most = cls.tops_allowed
    assert least <= case.tops
    assert most is None or case.tops <= most


@rows(CASES)
def test_the_tops_have_their_shapes_and_values(case: Case, tmp_path: Path) -> None:
    bench = Bench(case, tmp_path)
    tops = bench.forward()
    if case.shapes is not None:
        assert [top.shape for top in tops] == list(case.shapes)
    assert all(np.isfinite(top).all() for top in tops)
    if case.reference is not None:
        inputs = [blob.const_data for blob in (*bench.bottom, *bench.layer.blobs)]
        wanted = case.reference(*inputs)
        for top, want in zip(tops, wanted if isinstance(wanted, tuple) else (wanted,), strict=True):
            np.testing.assert_allclose(top, want, rtol=1e-9, atol=1e-12, strict=False)
            assert top.shape == np.shape(want)


@rows([case for case in WITH_BOTTOMS if case.derivative])
def test_the_backward_is_the_derivative_of_the_forward(case: Case, tmp_path: Path) -> None:
    bench = Bench(case, tmp_path)
    bench.forward()
    bottom_diffs = bench.backward()
    param_diffs = [blob.const_diff.copy() for blob in bench.layer.blobs]
    for index, blob in enumerate(bench.bottom):
        if bench.propagate_down[index]:
            np.testing.assert_allclose(
                bottom_diffs[index], bench.numeric(blob), rtol=1e-5, atol=1e-7, err_msg=f"bottom {index}"
            )
    for index, blob in enumerate(bench.layer.blobs):
        np.testing.assert_allclose(
            param_diffs[index], bench.numeric(blob), rtol=1e-5, atol=1e-7, err_msg=f"param {index}"
        )


@rows(WITH_BOTTOMS)
def test_a_backward_before_any_forward_is_no_accident(case: Case, tmp_path: Path) -> None:
    bench = Bench(case, tmp_path)
    with contextlib.suppress(CaffeError), np.errstate(all="ignore"):  # what has no gradient says so
        bench.backward()


@rows(WITH_BOTTOMS)
def test_param_diffs_are_added_to_and_bottom_diffs_are_overwritten(case: Case, tmp_path: Path) -> None:
    bench = Bench(case, tmp_path)
    bench.forward()
    first = bench.backward()
    once = [blob.const_diff.copy() for blob in bench.layer.blobs]
    for blob in bench.bottom:
        blob.diff = 1e6
    second = bench.backward()
    for index, wanted in enumerate(bench.propagate_down):
        if wanted:
            np.testing.assert_array_equal(first[index], second[index])
    for blob, diff in zip(bench.layer.blobs, once, strict=True):
        np.testing.assert_allclose(blob.const_diff, 2 * diff, rtol=1e-12, atol=1e-12)


@rows(WITH_BOTTOMS)
def test_a_diff_that_nobody_asks_for_stays_as_it_is(case: Case, tmp_path: Path) -> None:
    bench = Bench(case, tmp_path)
    bench.forward()
    for unasked in range(len(bench.bottom)):
        for blob in bench.bottom:
            blob.diff = 3.25
        asked = [wanted and index != unasked for index, wanted in enumerate(bench.propagate_down)]
        diffs = bench.backward(asked)
        assert (diffs[unasked] == 3.25).all()
    for blob in bench.layer.blobs:
        blob.diff = 3.25
    bench.layer.param_propagate_down = [False] * len(bench.layer.blobs)
    bench.backward()
    for blob in bench.layer.blobs:
        assert (blob.const_diff == 3.25).all(), "param_propagate_down is false"


@rows(WITH_BOTTOMS)
def test_neither_pass_writes_what_it_only_reads(case: Case, tmp_path: Path) -> None:
    bench = Bench(case, tmp_path)
    before = [blob.version for blob in bench.bottom]
    bench.layer.forward(bench.bottom, bench.top)
    bench.set_top_diffs()
    diffs = [blob.const_diff.copy() for blob in bench.top]
    bench.layer.backward(bench.top, bench.propagate_down, bench.bottom)
    assert [blob.version for blob in bench.bottom] == before
    for blob, diff in zip(bench.top, diffs, strict=True):
        np.testing.assert_array_equal(blob.const_diff, diff)


@rows(OTHER_BATCH)
@pytest.mark.parametrize("batch", [1, 3, 5])
def test_a_batch_of_another_size_gives_what_a_new_layer_gives(case: Case, batch: int, tmp_path: Path) -> None:
    bench = Bench(case, tmp_path)
    bench.forward()
    bench.backward()
    bench.feed(batch)
    fresh = Bench(case, tmp_path, batch=batch)
    for old, new in zip(bench.forward(), fresh.forward(), strict=True):
        np.testing.assert_array_equal(old, new)
    for index, (old, new) in enumerate(zip(bench.backward(), fresh.backward(), strict=True)):
        if bench.propagate_down[index]:
            np.testing.assert_array_equal(old, new)


@rows(IN_PLACE)
def test_in_place_gives_the_same_as_two_blobs(case: Case, tmp_path: Path) -> None:
    apart, together = Bench(case, tmp_path), Bench(case, tmp_path, in_place=True)
    np.testing.assert_array_equal(together.forward()[0], apart.forward()[0])
    if apart.propagate_down[0]:
        np.testing.assert_array_equal(together.backward()[0], apart.backward()[0])


@rows([case for case in CASES if not case.random])
def test_float32_is_near_float64(case: Case, tmp_path: Path) -> None:
    single, double = Bench(case, tmp_path, np.float32), Bench(case, tmp_path, np.float64)
    for top32, top64 in zip(single.forward(), double.forward(), strict=True):
        assert top32.dtype == np.float32
        np.testing.assert_allclose(top32, top64, rtol=1e-4, atol=1e-5)
    if case.bottoms:
        for diff32, diff64 in zip(single.backward(), double.backward(), strict=True):
            np.testing.assert_allclose(diff32, diff64, rtol=1e-4, atol=1e-5)
