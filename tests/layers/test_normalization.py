"""What BatchNorm, Scale, Bias, LRN and MVN do beyond their rows in the table."""

from __future__ import annotations

import re

import numpy as np
import pytest

from caffe_nb.errors import CaffeError, NetError, ShapeError
from caffe_nb.net.net import Net
from tests.layers.bench import Bench
from tests.layers.case import TEST, Case, given, normal

X = (2, 3, 4, 5)
BOTTOM = normal(*X)


def batch_norm(text: str = "", phase: int = 0) -> Bench:
    param = f"batch_norm_param {{ {text} }}" if text else ""
    bench = Bench(Case("BatchNorm", "bench", param, (BOTTOM,), phase=TEST if phase else Case.phase))
    for blob, values in zip(bench.layer.blobs, ([0.5, -1, 2], [2, 0.5, 4], [0.5]), strict=True):
        blob.data = values
    return bench


def test_training_moves_the_stored_statistics() -> None:
    bench = batch_norm("moving_average_fraction: 0.75")
    bench.forward()
    x = bench.bottom[0].const_data
    mean, variance, weight = (blob.const_data for blob in bench.layer.blobs)
    np.testing.assert_allclose(mean, 0.75 * np.array([0.5, -1, 2]) + x.mean((0, 2, 3)))
    np.testing.assert_allclose(variance, 0.75 * np.array([2, 0.5, 4]) + x.var((0, 2, 3), ddof=1))
    np.testing.assert_allclose(weight, [1.375])


def test_a_variance_of_one_value_is_stored_as_it_is() -> None:
    bench = Bench(Case("BatchNorm", "one", bottoms=(given([[3.0, 4.0]]),)))
    bench.layer.blobs[1].data = 8
    bench.forward()
    np.testing.assert_allclose(bench.layer.blobs[1].const_data, np.float32(0.999) * 8)


@pytest.mark.parametrize("text", ["", "use_global_stats: true"])
def test_stored_statistics_are_used_and_stay(text: str) -> None:
    bench = batch_norm(text, phase=0 if text else 1)
    before = [blob.const_data.copy() for blob in bench.layer.blobs]
    (y,) = bench.forward()
    mean, deviation = np.array([1.0, -2, 4]), np.sqrt(np.array([4.0, 1, 8]) + np.float32(1e-5))
    np.testing.assert_allclose(
        y, (bench.bottom[0].const_data - mean[:, None, None]) / deviation[:, None, None], rtol=1e-12
    )
    for blob, values in zip(bench.layer.blobs, before, strict=True):
        np.testing.assert_array_equal(blob.const_data, values)
    (dx,) = bench.backward()
    np.testing.assert_allclose(dx, bench.top[0].const_diff / deviation[:, None, None], rtol=1e-12)
    np.testing.assert_allclose(dx, bench.numeric(bench.bottom[0]), rtol=1e-5)


def test_fresh_statistics_are_zero() -> None:
    bench = batch_norm(phase=1)
    for blob in bench.layer.blobs:
        blob.data = 0
    np.testing.assert_allclose(bench.forward()[0], bench.bottom[0].const_data / np.sqrt(np.float32(1e-5)), rtol=1e-6)


def test_a_gradient_does_not_need_the_top_that_a_later_layer_wrote_over() -> None:
    for case in (
        Case("BatchNorm", "later", bottoms=(BOTTOM,)),
        Case("MVN", "later", bottoms=(BOTTOM,)),
        Case("LRN", "later", bottoms=(BOTTOM,)),
    ):
        bench = Bench(case)
        bench.forward()
        (before,) = bench.backward()
        bench.top[0].data = 17
        np.testing.assert_array_equal(bench.backward()[0], before)


NET = """
layer {{ name: "in" type: "Input" top: "x" input_param {{ shape {{ dim: 2 dim: 3 dim: 4 dim: 5 }} }} }}
layer {{ name: "bn" type: "BatchNorm" bottom: "x" top: "x" {params} }}
layer {{ name: "scale" type: "Scale" bottom: "x" top: "x" scale_param {{ bias_term: true }} }}
layer {{ name: "lrn" type: "LRN" bottom: "x" top: "{lrn}" }}
"""


@pytest.mark.parametrize("params", ["", "param { lr_mult: 0 }"])
def test_no_solver_learns_the_statistics(params: str) -> None:
    net = Net.from_text(NET.format(params=params, lrn="y"))
    assert net.params_lr == [0, 0, 0, 1, 1]
    assert net.layer_dict["bn"].param_propagate_down == [False] * 3
    assert [blob.const_data.tolist() for blob in net.params["scale"]] == [[1] * 3, [0] * 3]


def test_a_learning_rate_for_statistics_is_refused() -> None:
    words = re.escape("layer 'bn' (BatchNorm), line 3 of <string>: the statistics cannot be learned, but param 1 has")
    with pytest.raises(NetError, match=words):
        Net.from_text(NET.format(params="param { lr_mult: 1 }", lrn="y"))


def test_lrn_is_not_done_in_place() -> None:
    with pytest.raises(NetError, match="LRN cannot work in place"):
        Net.from_text(NET.format(params="", lrn="x"))


def test_fillers_of_scale_and_bias() -> None:
    text = """
    layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 } } }
    layer { name: "s" type: "Scale" bottom: "x" top: "s"
            scale_param { bias_term: true filler { value: 3 } bias_filler { value: -1 } } }
    layer { name: "b" type: "Bias" bottom: "s" top: "b" bias_param { filler { value: 0.5 } } }
    layer { name: "p" type: "PReLU" bottom: "b" top: "p" prelu_param { filler { value: 0.75 } } }
    layer { name: "q" type: "PReLU" bottom: "p" top: "q" }
    """
    net = Net.from_text(text)
    first = {name: [blob.const_data[0] for blob in blobs] for name, blobs in net.params.items()}
    assert first == {"s": [3, -1], "b": [0.5], "p": [0.75], "q": [0.25]}


def test_mvn_gives_vectors_four_axes() -> None:
    bench = Bench(Case("MVN", "vectors", "mvn_param { across_channels: true }", (normal(3, 6),)))
    (y,) = bench.forward()
    assert y.shape == (3, 6, 1, 1)
    np.testing.assert_allclose(y.mean((1, 2, 3)), 0, atol=1e-12)
    np.testing.assert_allclose(y.std((1, 2, 3)), 1)
    np.testing.assert_allclose(bench.backward()[0], bench.numeric(bench.bottom[0]), rtol=1e-5, atol=1e-7)


def test_mvn_leaves_eps_out_of_its_gradient_as_caffe_does() -> None:
    bench = Bench(Case("MVN", "eps", "mvn_param { eps: 0.5 }", (BOTTOM,)))
    (y,) = bench.forward()
    (dx,) = bench.backward()
    dy = bench.top[0].const_diff
    mean = dy.mean((2, 3), keepdims=True) + y * (y * dy).mean((2, 3), keepdims=True)
    deviation = bench.bottom[0].const_data.std((2, 3), keepdims=True) + 0.5
    np.testing.assert_allclose(dx, (dy - mean) / deviation, rtol=1e-9)


def test_no_items_are_no_trouble() -> None:
    for type_name in ("BatchNorm", "MVN", "LRN", "Scale", "Bias"):
        bench = Bench(Case(type_name, "empty", bottoms=(BOTTOM,)))
        bench.feed(batch=0)
        bench.forward()
        assert bench.backward()[0].shape == (0, 3, 4, 5)


REFUSED: list[tuple[Case, type[CaffeError], str]] = [
    (Case("BatchNorm", "scalar", bottoms=(normal(),)), ShapeError, "batch axis, got a scalar"),
    (
        Case("Scale", "too many axes", "scale_param { axis: 2 num_axes: 3 }", (BOTTOM,)),
        ShapeError,
        r"3 axes from axis 2 on do not exist in a bottom of shape \(2, 3, 4, 5\); num_axes can be up to 2",
    ),
    (
        Case("Bias", "num_axes", "bias_param { num_axes: -2 }", (BOTTOM,)),
        NetError,
        "num_axes must be at least 0, or -1 for all axes from axis 1 on, got -2",
    ),
    (Case("Bias", "axis", "bias_param { axis: 4 }", (BOTTOM,)), ShapeError, "axis 4 does not exist"),
    (
        Case("Scale", "other shape", bottoms=(BOTTOM, normal(4, 3))),
        ShapeError,
        r"bottom\[1\] has shape \(4, 3\), which must be the shape of bottom\[0\] \(2, 3, 4, 5\) from axis 1 on",
    ),
    (
        Case("Bias", "past the end", "bias_param { axis: 3 }", (BOTTOM, normal(5, 1))),
        ShapeError,
        r"bottom\[1\] has shape \(5, 1\)",
    ),
    (Case("LRN", "even", "lrn_param { local_size: 4 }", (BOTTOM,)), NetError, "local_size must be odd, got 4"),
    (Case("LRN", "axes", bottoms=(normal(2, 3),)), ShapeError, r"4 axes, \(N, C, H, W\), got shape \(2, 3\)"),
    (Case("MVN", "axes", bottoms=(normal(2, 3, 2, 2, 2),)), ShapeError, "up to 4 axes"),
]


@pytest.mark.parametrize(("case", "error", "words"), REFUSED, ids=lambda v: str(v) if isinstance(v, Case) else "")
def test_what_is_refused(case: Case, error: type[CaffeError], words: str) -> None:
    with pytest.raises(error, match=words):
        Bench(case)


@pytest.mark.parametrize(
    ("type_name", "words"),
    [
        ("BatchNorm", r"statistics are for 3 channels, but the bottom \(2, 4, 5\) has 4"),
        ("Scale", r"the scale has shape \(3,\), which must be .* \(2, 4, 5\) from axis 1"),
        ("Bias", r"the bias has shape \(3,\)"),
    ],
)
def test_channels_stay_as_many(type_name: str, words: str) -> None:
    bench = Bench(Case(type_name, "channels", bottoms=(BOTTOM,)))
    bench.bottom[0].reshape(2, 4, 5)
    with pytest.raises(ShapeError, match=words):
        bench.forward()
