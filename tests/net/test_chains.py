"""Layers in place run as one with those before: as if each had run by itself, bit for bit, whoever looks and when.

BatchNorm with Scale and ReLU; a convolution with its ReLU; a sum with its ReLU.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import caffe_nb
from caffe_nb.core.layer import Phase
from caffe_nb.net import Net

HEAD = """
force_backward: true
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 3 dim: 4 dim: 5 dim: 7 } } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "x" convolution_param { num_output: 6 kernel_size: 1
  weight_filler { type: "gaussian" std: 1 } } }
"""
NORM = 'layer { name: "norm" type: "BatchNorm" bottom: "x" top: "x" }'
SCALE = """
layer { name: "scale" type: "Scale" bottom: "x" top: "x" scale_param { bias_term: true } }
"""
RELU = 'layer { name: "relu" type: "ReLU" bottom: "x" top: "x" }'
TAIL = """
layer { name: "mine" type: "Python" bottom: "x" top: "y" python_param { module: "chain_layers" layer: "Mine" } }
layer { name: "loss" type: "Reduction" bottom: "y" top: "l" loss_weight: 1 reduction_param { operation: SUMSQ } }
"""
CHAIN = HEAD + NORM + SCALE + RELU + TAIL
PLAIN = "num_output: 6 kernel_size: 1"
SUM = (
    HEAD
    + 'layer { name: "split" type: "Split" bottom: "x" top: "x1" top: "x2" top: "x3" }'
    + 'layer { name: "power" type: "Power" bottom: "x2" top: "p" power_param { power: 2 shift: -2 } }'
    + 'layer { name: "rest" type: "Silence" bottom: "x3" }'
    + 'layer { name: "sum" type: "Eltwise" bottom: "x1" bottom: "p" top: "s" }'
    + RELU.replace('"x"', '"s"')
    + TAIL.replace('"x"', '"s"')
)
RECTIFIED = {
    "convolution": HEAD + RELU + TAIL,
    "convolution without bias": HEAD.replace(PLAIN, f"{PLAIN} bias_term: false") + RELU + TAIL,
    "convolution, leaky relu": HEAD + RELU[:-1] + "relu_param { negative_slope: 0.1 } }" + TAIL,
    "convolution over columns, in groups": (HEAD + RELU + TAIL).replace(PLAIN, f"{PLAIN[:-1]}3 pad: 1 group: 2"),
    "convolution of tiles": (HEAD + RELU + TAIL)
    .replace("dim: 3 dim: 4 dim: 5 dim: 7", "dim: 4 dim: 16 dim: 17 dim: 19")
    .replace(PLAIN, "num_output: 18 kernel_size: 3"),
    "convolution of channels by themselves": (HEAD + RELU + TAIL).replace(
        PLAIN, "num_output: 4 group: 4 kernel_size: 3"
    ),
    "convolution of inputs without gradient": (HEAD + RELU + TAIL).replace("force_backward: true", ""),
    "convolution, bias fixed": (HEAD + RELU + TAIL).replace(
        'name: "conv"', 'name: "conv" param { lr_mult: 1 } param { lr_mult: 0 }'
    ),
    "sum": SUM,
    "sum of three": SUM.replace('bottom: "p" top: "s"', 'bottom: "p" bottom: "x3" top: "s"').replace(
        'layer { name: "rest" type: "Silence" bottom: "x3" }', ""
    ),
    "sum, of one of which no gradient is asked": SUM.replace(
        'top: "s" }', 'top: "s" propagate_down: true propagate_down: false }', 1
    ),
    "sum with coefficients": SUM.replace('top: "s" }', 'top: "s" eltwise_param { coeff: 1 coeff: -2 } }', 1),
    "product": SUM.replace('top: "s" }', 'top: "s" eltwise_param { operation: PROD } }', 1),
}
TEXTS = {
    "all three": CHAIN,
    "no relu": HEAD + NORM + SCALE + TAIL,
    "leaky relu": HEAD + NORM + SCALE + RELU[:-1] + "relu_param { negative_slope: 0.1 } }" + TAIL,
    "no bias": CHAIN.replace("bias_term: true", "bias_term: false"),
    "own top": CHAIN.replace('"BatchNorm" bottom: "x" top: "x"', '"BatchNorm" bottom: "w" top: "x"').replace(
        'bottom: "data" top: "x"', 'bottom: "data" top: "w"'
    ),
    "stored statistics": CHAIN.replace(
        '"BatchNorm" bottom: "x" top: "x"',
        '"BatchNorm" bottom: "x" top: "x" batch_norm_param { use_global_stats: true }',
    ),
    "scale along another axis": CHAIN.replace("bias_term: true", "axis: 2 bias_term: true"),
    "scale fixed": CHAIN.replace('name: "scale"', 'name: "scale" param { lr_mult: 0 } param { lr_mult: 0 }').replace(
        "force_backward: true", ""
    ),
}


class Mine(caffe_nb.Layer):
    """Weighs every value otherwise; calls what it is given before it goes back."""

    before_backward: Callable[[], object] | None = None

    def reshape(self, bottom: Any, top: Any) -> None:
        """Shape the top."""
        top[0].reshape(*bottom[0].shape)

    def _weights(self, count: int) -> Any:
        return np.linspace(-1, 2, count, dtype=np.float32)

    def forward(self, bottom: Any, top: Any) -> None:
        """Weigh."""
        top[0].data[...] = bottom[0].data * self._weights(bottom[0].count).reshape(bottom[0].shape)

    def backward(self, top: Any, propagate_down: Any, bottom: Any) -> None:
        """Weigh."""
        if Mine.before_backward:
            Mine.before_backward()
        bottom[0].diff[...] = top[0].diff * self._weights(bottom[0].count).reshape(bottom[0].shape)


@pytest.fixture(autouse=True)
def layers() -> Iterator[None]:
    module = ModuleType("chain_layers")
    module.Mine = Mine  # type: ignore[attr-defined]
    sys.modules["chain_layers"] = module
    yield
    Mine.before_backward = None
    del sys.modules["chain_layers"]


def net_of(text: str = CHAIN, phase: Phase = Phase.TRAIN) -> Net:
    """Return a net whose parameters and input are always the same; the stored statistics are not 0."""
    net = Net.from_text(text, phase)
    random = np.random.default_rng(5)
    for blobs in net.params.values():
        for blob in blobs:
            blob.data = random.uniform(0.5, 2, blob.shape) * random.choice([-1, 1], blob.shape)
    for statistic in net.params["norm"][1:] if "norm" in net.params else ():
        np.abs(statistic.data, out=statistic.data)
    net.blobs["data"].data = random.normal(size=net.blobs["data"].shape)
    return net


def watched(net: Net) -> Net:
    """Let somebody look between all layers."""
    net.hooks.between_layers.append(lambda: None)
    return net


def assert_same(net: Net, other: Net) -> None:
    for name, blob in net.blobs.items():
        np.testing.assert_array_equal(blob.const_data, other.blobs[name].const_data, err_msg=name)
        np.testing.assert_array_equal(blob.const_diff, other.blobs[name].const_diff, err_msg=f"{name}, diff")
    for name, blobs in net.params.items():
        for blob, others in zip(blobs, other.params[name], strict=True):
            np.testing.assert_array_equal(blob.const_data, others.const_data, err_msg=name)
            np.testing.assert_array_equal(blob.const_diff, others.const_diff, err_msg=f"{name}, diff")


@pytest.mark.parametrize("phase", list(Phase), ids=str)
@pytest.mark.parametrize("text", (TEXTS | RECTIFIED).values(), ids=TEXTS | RECTIFIED)
def test_everything_is_as_if_each_layer_had_run_by_itself(text: str, phase: Phase) -> None:
    net, other = net_of(text, phase), watched(net_of(text, phase))
    for _ in range(2):
        assert net.forward_backward() == other.forward_backward()
        assert_same(net, other)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (CHAIN, ("norm", "scale", "relu")),
        (TEXTS["stored statistics"], ("norm", "scale", "relu")),
        (RECTIFIED["convolution"], ("conv", "relu")),
        (SUM, ("sum", "relu")),
    ],
    ids=["batch norm", "stored statistics", "convolution", "sum"],
)
@pytest.mark.parametrize("look", [False, True])
def test_the_layers_themselves_run_when_somebody_looks_only(
    look: bool, text: str, names: tuple[str, ...], monkeypatch: Any
) -> None:
    net = watched(net_of(text)) if look else net_of(text)
    ran = []
    for name in names:
        layer: Any = net.layer_dict[name]
        for method in ("forward", "backward"):
            call = getattr(layer, method)
            monkeypatch.setattr(layer, method, lambda *blobs, call=call: ran.append(call(*blobs)))
    net.forward_backward()
    assert len(ran) == (2 * len(names) if look else 0)


def test_whoever_takes_times_does_not_look_and_hears_of_each_layer_once(monkeypatch: pytest.MonkeyPatch) -> None:
    net, times = net_of(), list[tuple[tuple[int, ...], str, float]]()
    net.hooks.timed.append(lambda *told: times.append(told))
    monkeypatch.setattr(net.layer_dict["scale"], "forward", lambda *_: pytest.fail("it ran by itself"))
    net.forward_backward()
    together = tuple(node.index for node in net.nodes if node.name in ("norm", "scale", "relu"))
    for direction in ("forward", "backward"):
        told = [indices for indices, way, _ in times if way == direction]
        assert together in told
        ran = [node.index for node in net.nodes if direction == "forward" or node.needs_backward]
        assert sorted(index for indices in told for index in indices) == ran
    assert all(seconds > 0 for *_, seconds in times)


def test_images_larger_than_a_piece_and_many_channels_are_the_same_too() -> None:
    text = CHAIN.replace("dim: 3 dim: 4 dim: 5 dim: 7", "dim: 2 dim: 3 dim: 51 dim: 53").replace(
        "output: 6", "output: 33"
    )
    net, other = net_of(text), watched(net_of(text))
    net.forward_backward()
    other.forward_backward()
    assert_same(net, other)


def test_who_comes_between_forward_and_backward_changes_nothing() -> None:
    net, other = net_of(), watched(net_of())
    for one in (net, other):
        one.forward()
    watched(net).backward()
    other.backward()
    assert_same(net, other)


def test_who_leaves_between_forward_and_backward_changes_nothing() -> None:
    net, other = watched(net_of()), watched(net_of())
    for one in (net, other):
        one.forward()
    net.hooks.between_layers.clear()
    net.backward()
    other.backward()
    assert_same(net, other)


def test_a_listener_hears_of_every_layer() -> None:
    net = net_of()
    before: list[int] = []
    after: list[int] = []
    net.hooks.before_forward.append(before.append)
    net.hooks.after_backward.append(after.append)
    net.forward_backward()
    assert before == list(range(7))
    assert after == list(reversed(range(7)))


def test_a_pass_may_begin_and_end_within_a_chain() -> None:
    net, other = net_of(), watched(net_of())
    for one in (net, other):
        one.forward()
        one.forward(end="norm")
    assert_same(net, other)
    for one in (net, other):
        one.forward(start="scale")
        one.backward()
    assert_same(net, other)


@pytest.mark.parametrize("text", [RECTIFIED["convolution"], SUM], ids=["convolution", "sum"])
def test_nothing_is_stale_after_a_convolution_or_a_sum_and_its_relu(text: str) -> None:
    net = net_of(text)
    net.forward()
    assert net.stale == []


def test_nothing_is_stale_afterwards_and_a_written_factor_makes_the_chain_so() -> None:
    net, other = net_of(), watched(net_of())
    net.forward()
    other.forward()
    assert net.stale == []
    for one in (net, other):
        one.params["scale"][0].data = 2
    assert net.stale == other.stale
    assert net.refresh().layers == other.refresh().layers
    assert_same(net, other)


def test_a_blob_that_somebody_wrote_is_made_again_from_where_it_is_not_in_place() -> None:
    net, other = net_of(TEXTS["own top"]), watched(net_of(TEXTS["own top"]))
    for one in (net, other):
        one.forward()
        one.blobs["x"].data[...] = 0
    assert net.refresh().layers == other.refresh().layers
    assert_same(net, other)


def test_an_interrupted_backward_goes_on_with_the_whole_chain() -> None:
    net, other = net_of(), net_of()
    other.forward_backward()
    net.forward()
    Mine.before_backward = lambda: setattr(net, "interrupted", True)
    with pytest.raises(KeyboardInterrupt):
        net.backward()
    Mine.before_backward = None
    net.resume()
    assert_same(net, other)


def test_an_input_of_another_shape_goes_through() -> None:
    net, other = net_of(), watched(net_of())
    for one in (net, other):
        one.forward_backward()
        one.blobs["data"].reshape(5, 4, 3, 3)
        one.blobs["data"].data = np.random.default_rng(1).normal(size=(5, 4, 3, 3))
        one.clear_param_diffs()
        one.forward_backward()
    assert net.blobs["x"].shape == (5, 6, 3, 3)
    assert_same(net, other)
