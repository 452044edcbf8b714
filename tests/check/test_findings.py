"""None of the wrong layers is missed, and each mistake is called by its name."""

from __future__ import annotations

from collections import Counter

import pytest

from caffe_nb.check import check_layer
from caffe_nb.check.findings import KINDS
from tests.check.wrong import IGNORES, SQUARE, SQUARED, WRONG, X, data, dense, diff, loss, made, put, several


@pytest.mark.filterwarnings("ignore:divide by zero:RuntimeWarning", "ignore:invalid value:RuntimeWarning")
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("case", range(len(WRONG)), ids=[f"{i} {case[0]}" for i, case in enumerate(WRONG)])
def test_a_mistake_is_called_by_its_name(case, seed):
    kind, where, layer, bottoms = WRONG[case]
    report = check_layer(layer, bottoms, seed=seed)
    assert not report.ok
    assert (kind, where) in [(finding.kind, finding.where) for finding in report.findings], str(report)
    first = report.findings[0]
    assert len(first.message) > 40
    assert first.message in " ".join(str(report).split()).replace("  ", " ") or first.kind in str(report)


@pytest.mark.parametrize("case", range(len(IGNORES)))
def test_propagate_down_is_heeded(case):
    kind, where, layer, bottoms = IGNORES[case]
    report = check_layer(layer, bottoms, propagate_down=[True, False])
    assert [(finding.kind, finding.where) for finding in report.findings] == [(kind, where)]


def test_every_kind_has_three_layers():
    counts = Counter(kind for kind, *_ in [*WRONG, *IGNORES])
    assert {kind for kind in KINDS if counts[kind] < 3} == {"differs-on-gpu"}  # that is in tests/device/test_check.py


def test_several_mistakes_are_told_side_by_side():
    layer = dense(
        put("bottom[0].diff", "-(top[0].diff @ self.blobs[0].data)"),
        put("self.blobs[0].diff", "top[0].diff.T @ bottom[0].data"),
        put("self.blobs[1].diff", "2 * top[0].diff.sum(axis=0)", "+="),
    )
    findings = {(finding.kind, finding.where) for finding in check_layer(layer, [X]).findings}
    assert findings == {("overwrites-param-diff", "param[0]"), ("sign", "bottom[0]"), ("scale", "param[1]")}


def test_the_factor_is_guessed_and_the_places_are_named():
    mean = made(data("(x**2).sum() / len(x)"), diff("d* 2*x"), shape=loss)
    message = check_layer(mean, [(8, 5)]).findings[0].message
    assert "8 times what it should be" in message
    assert "the batch size (8)" in message
    rows = made(SQUARE, several(SQUARED, lambda s, t, b, f: b[0].diff[2].__imul__(-1)))
    assert "only at index 2 of axis 0" in check_layer(rows, [(8, 5)]).findings[0].message
    leaky = made(data("np.where(x > 0, x, 0.1*x)"), diff("d* (x > 0)"))
    assert "where the value is below 0" in check_layer(leaky, [(8, 5)]).findings[0].message
