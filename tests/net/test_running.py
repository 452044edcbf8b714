"""The loop over layers: what is called before each, what is left alone, what a layer that raises finds again."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import caffe_nb
from caffe_nb.net import Net

TEXT = """
layer { name: "data" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 } } }
layer { name: "ip" type: "InnerProduct" bottom: "x" top: "y" inner_product_param { num_output: 3 } }
layer { name: "mine" type: "Python" bottom: "y" top: "z" python_param { module: "running_layers" layer: "Mine" } }
layer { name: "relu" type: "ReLU" bottom: "z" top: "out" }
"""


class Mine(caffe_nb.Layer):
    """Draws, remembers, and raises when told to."""

    fails = False
    calls: list[str] = []
    net: Any = None

    def reshape(self, bottom: Any, top: Any) -> None:
        """Shape the top."""
        self.calls.append("reshape")
        top[0].reshape(*bottom[0].shape)

    def forward(self, bottom: Any, top: Any) -> None:
        """Write random numbers."""
        self.calls.append(f"forward while running {Mine.net.running[:2]}" if Mine.net else "forward")
        top[0].data[...] = np.random.rand(*top[0].shape)
        if Mine.fails:
            self.left = "half done"
            self.blobs.add_blob(3)
            raise ValueError("told to")


@pytest.fixture
def net() -> Iterator[Net]:
    module = ModuleType("running_layers")
    module.Mine = Mine  # type: ignore[attr-defined]
    sys.modules["running_layers"] = module
    net = Net.from_text(TEXT)
    Mine.calls.clear()
    yield net
    Mine.net, Mine.fails = None, False
    del sys.modules["running_layers"]


def count_reshapes(net: Net, name: str) -> list[str]:
    """Note the reshapes of a built-in layer."""
    layer: Any = net.nodes[net._layer_index(name)].layer
    reshape, calls = layer.reshape, []

    def counted(bottom: Any, top: Any) -> None:
        calls.append(name)
        reshape(bottom, top)

    layer.reshape = counted
    return calls


def test_a_python_layer_is_reshaped_before_every_forward_a_built_in_one_when_shapes_changed(net: Net) -> None:
    net.forward()
    Mine.calls.clear()
    calls = count_reshapes(net, "relu")
    for _ in range(3):
        net.forward()
    assert Mine.calls == ["reshape", "forward"] * 3
    assert calls == []
    net.blobs["x"].reshape(5, 3)
    assert net.forward()["out"].shape == (5, 3)
    assert calls == ["relu"]


def test_a_layer_that_raises_finds_its_attributes_parameters_and_random_numbers_again(net: Net) -> None:
    np.random.seed(1)
    wanted = net.forward()["out"].copy()
    np.random.seed(1)
    Mine.fails = True
    for _ in range(2):
        with pytest.raises(ValueError, match="told to"):
            net.forward()
    layer = net.nodes[2].layer
    assert not hasattr(layer, "left")
    assert list(layer.blobs) == []
    Mine.fails = False
    net.resume()
    np.testing.assert_array_equal(net.blobs["out"].data, wanted)


def test_another_global_generator_is_put_back_too(net: Net) -> None:
    before = np.random.get_bit_generator()
    try:
        np.random.set_bit_generator(np.random.PCG64(3))
        wanted = net.forward()["out"].copy()
        np.random.set_bit_generator(np.random.PCG64(3))
        Mine.fails = True
        with pytest.raises(ValueError, match="told to"):
            net.forward()
        Mine.fails = False
        net.resume()
        np.testing.assert_array_equal(net.blobs["out"].data, wanted)
    finally:
        np.random.set_bit_generator(before)


def test_running_names_the_layer_while_it_runs(net: Net) -> None:
    Mine.net = net
    seen: list[object] = []
    net.after_forward(lambda _index: seen.append(net.running))
    net.forward()
    assert Mine.calls[-1] == "forward while running (2, 'forward')"
    assert seen == [None] * 4
    assert net.running is None


def test_what_a_listener_writes_counts_as_written_by_others(net: Net) -> None:
    def write(index: int) -> None:
        if index == 3:
            net.blobs["z"].data[...] = 1

    net.before_forward(write)
    net.forward()
    assert net.stale == ["mine", "relu"]


def test_who_comes_and_goes_while_a_pass_runs_is_heard_from_the_next_layer_on(net: Net) -> None:
    heard: list[tuple[str, int]] = []

    def late(index: int) -> None:
        heard.append(("late", index))

    def first(index: int) -> None:
        heard.append(("first", index))
        if index == 1:
            net.hooks.after_forward.remove(first)
            net.hooks.before_forward.append(late)

    net.after_forward(first)
    net.forward()
    assert heard == [("first", 0), ("first", 1), ("late", 2), ("late", 3)]


def test_only_built_in_layers_overflow_silently(net: Net, monkeypatch: pytest.MonkeyPatch) -> None:
    states: list[Any] = []
    monkeypatch.setattr(Mine, "forward", lambda layer, bottom, top: states.append(np.geterr()))
    net.after_forward(lambda _index: states.append(np.geterr()))
    net.params["ip"][1].data[...] = np.inf
    with np.errstate(all="raise"):
        mine = np.geterr()
        net.forward()
    assert states == [mine] * 5


def test_a_net_that_a_layer_runs_may_draw_and_the_layer_finds_its_random_numbers_again(net: Net) -> None:
    outer = Net.from_text(TEXT)
    inner = outer.layer_dict["mine"]

    def forward(bottom: Any, top: Any) -> None:
        net.forward()  # its layer draws
        if Mine.fails:
            raise ValueError("told to")

    inner.forward = forward
    outer.forward()
    np.random.seed(3)
    expected = np.random.get_state()[1].copy()
    Mine.fails = True
    for _ in range(2):
        with pytest.raises(ValueError, match="told to"):
            outer.forward()
        np.testing.assert_array_equal(np.random.get_state()[1], expected)
