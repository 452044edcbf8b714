"""What the layers that work value by value refuse, and what they do beyond their rows in the table."""

from __future__ import annotations

import numpy as np
import pytest

from caffe_nb.errors import CaffeError, NetError, ShapeError
from caffe_nb.net.net import Net
from tests.layers.bench import Bench
from tests.layers.case import Case, distinct, given, normal, positive

X = normal(2, 3)
REFUSED: list[tuple[Case, type[CaffeError], str]] = [
    (Case("Clip", "no bounds", bottoms=(X,)), NetError, "needs both bounds; min and max missing"),
    (
        Case("Exp", "base 0", "exp_param { base: 0 }", (X,)),
        NetError,
        "base must be a positive number, or -1 for e, got 0",
    ),
    (Case("Log", "base -2", "log_param { base: -2 }", (X,)), NetError, "base must be a positive number, .* got -2"),
    (Case("Log", "base inf", "log_param { base: inf }", (X,)), NetError, "base must be a positive number, .* got inf"),
    (Case("Log", "base 1", "log_param { base: 1 }", (X,)), NetError, "base must not be 1"),
    (Case("PReLU", "one axis", bottoms=(normal(4),)), ShapeError, r"with channels, \(N, C, ...\), got shape \(4,\)"),
]


@pytest.mark.parametrize(("case", "error", "words"), REFUSED, ids=lambda v: str(v) if isinstance(v, Case) else "")
def test_what_is_refused(case: Case, error: type[CaffeError], words: str) -> None:
    with pytest.raises(error, match=words):
        Bench(case)


def test_slopes_are_for_so_many_channels() -> None:
    bench = Bench(Case("PReLU", "channels", bottoms=(X,)))
    bench.bottom[0].reshape(2, 4)
    with pytest.raises(ShapeError, match=r"slopes for 3 channels, but the bottom \(2, 4\) has 4"):
        bench.forward()


def test_a_threshold_has_no_gradient() -> None:
    bench = Bench(Case("Threshold", "gradient", bottoms=(X,)))
    bench.forward()
    with pytest.raises(NetError, match="a threshold has no gradient"):
        bench.backward([True])


def test_force_backward_leaves_a_threshold_out() -> None:
    text = """
    force_backward: true
    layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 2 } } }
    layer { name: "step" type: "Threshold" bottom: "x" top: "y" }
    """
    net = Net.from_text(text)
    net.blobs["x"].data = [-1, 1]
    net.blobs["x"].diff = 3
    assert net.forward()["y"].tolist() == [0, 1]
    net.backward()
    assert net.blobs["x"].const_diff.tolist() == [3, 3]


@pytest.mark.parametrize(
    "case",
    [
        Case("Clip", "in place", "clip_param { min: -1 max: 1 }", (distinct(3, 4, 5),)),
        Case("AbsVal", "in place", bottoms=(distinct(3, 4, 5),)),
        Case("BNLL", "in place", bottoms=(normal(3, 4, 5),)),
        Case("Log", "in place", "log_param { scale: 2 }", (positive(3, 4, 5),)),
        Case("Power", "in place", "power_param { power: 3 }", (normal(3, 4, 5),)),
        Case("PReLU", "in place", bottoms=(distinct(3, 4, 5),)),
        Case("Scale", "in place", bottoms=(normal(3, 4, 5),)),
    ],
    ids=str,
)
def test_the_copy_that_is_kept_in_place_follows_the_batch(case: Case) -> None:
    together = Bench(case, in_place=True)
    for batch in (5, 1, 4):
        together.feed(batch)
        apart = Bench(case, batch=batch)
        np.testing.assert_array_equal(together.forward()[0], apart.forward()[0])
        np.testing.assert_array_equal(together.backward()[0], apart.backward()[0])


def test_bounds_pass_the_gradient_on_and_minima_win() -> None:
    bench = Bench(Case("Clip", "bounds", "clip_param { min: -1 max: 2 }", (given([-1.5, -1, 0, 2, 2.5]),)))
    bench.forward()
    assert (bench.backward()[0] != 0).tolist() == [False, True, True, True, False]
    crossed = Bench(Case("Clip", "crossed", "clip_param { min: 1 max: -1 }", (given([-5.0, 0, 5]),)))
    assert crossed.forward()[0].tolist() == [1, 1, 1]


def test_at_zero_the_gradients_are_caffes() -> None:
    zero = (given(np.zeros((1, 1))),)
    cases = {"AbsVal": 0, "ELU": 1, "PReLU": None}
    for type_name, slope in cases.items():
        bench = Bench(Case(type_name, "zero", bottoms=zero))
        bench.forward()
        wanted = bench.layer.blobs[0].const_data[0] if slope is None else slope
        assert bench.backward()[0] == bench.top[0].const_diff * wanted


def test_a_log_of_nothing_is_infinite_and_a_net_goes_on() -> None:
    text = """
    layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 3 } } }
    layer { name: "log" type: "Log" bottom: "x" top: "y" }
    """
    net = Net.from_text(text)
    net.blobs["x"].data = [-1, 0, 1]
    np.testing.assert_array_equal(net.forward()["y"], np.array([np.nan, -np.inf, 0], np.float32))
