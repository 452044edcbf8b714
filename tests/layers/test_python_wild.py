"""Layers in the style of those that people have: each runs as it is, in a net, and gives what it says."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import caffe
from caffe_nb.net import Net

WILD = Path(__file__).parent / "wild"


@pytest.fixture(autouse=True)
def forget_modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    before = set(sys.modules)
    yield
    for key in set(sys.modules) - before:
        if str(getattr(sys.modules[key], "__file__", "")).startswith(str(WILD)):
            del sys.modules[key]


def python(module: str, layer: str, *bottoms: str, tops: str = "out", param_str: str = "", more: str = "") -> str:
    ends = "".join(f' bottom: "{b}"' for b in bottoms) + "".join(f' top: "{t}"' for t in tops.split())
    text = param_str.replace("\n", "\\n").replace('"', '\\"')
    return (
        f'layer {{ name: "mine" type: "Python"{ends} {more} '
        f'python_param {{ module: "{module}" layer: "{layer}" param_str: "{text}" }} }}\n'
    )


def inputs(**shapes: tuple[int, ...]) -> str:
    return "".join(
        f'layer {{ name: "{name}" type: "Input" top: "{name}" '
        f"input_param {{ shape {{ {' '.join(f'dim: {n}' for n in shape)} }} }} }}\n"
        for name, shape in shapes.items()
    )


def build(text: str, phase: int = caffe.TRAIN, **values: Any) -> Net:
    net = Net.from_text("force_backward: true\n" + text, phase=phase, folder=WILD)
    for name, value in values.items():
        net.blobs[name].data[...] = value
    return net


RNG = np.random.default_rng(4)
X = RNG.normal(size=(3, 4)).astype(np.float32)
Y = RNG.normal(size=(3, 4)).astype(np.float32)


def test_a_loss_shaped_1_is_that_of_the_built_in_type() -> None:
    both = inputs(x=(3, 4), y=(3, 4))
    mine = build(both + python("euclid", "EuclideanLossLayer", "x", "y", more="loss_weight: 2"), x=X, y=Y)
    theirs = build(
        both + 'layer { name: "l" type: "EuclideanLoss" bottom: "x" bottom: "y" top: "out" loss_weight: 2 }', x=X, y=Y
    )
    for net in (mine, theirs):
        net.forward()
        net.backward()
    assert mine.blobs["out"].shape == (1,)
    np.testing.assert_allclose(mine.blobs["out"].data[0], theirs.blobs["out"].data, rtol=1e-5)
    for name in "xy":
        np.testing.assert_allclose(mine.blobs[name].diff, theirs.blobs[name].diff, rtol=1e-5)


def test_an_exception_of_its_own_arrives_as_itself() -> None:
    with pytest.raises(Exception, match="Need two inputs to compute distance") as caught:
        build(inputs(x=(3, 4)) + python("euclid", "EuclideanLossLayer", "x"))
    assert type(caught.value) is Exception


def test_a_bottoms_values_are_a_live_view() -> None:
    net = build(inputs(x=(3, 4)) + python("inplace_softmax", "Softmax", "x"), x=X)
    held = net.blobs["x"].data
    out = net.forward()["out"]
    np.testing.assert_allclose(out, np.exp(X) / np.exp(X).sum(1, keepdims=True), rtol=1e-5)
    np.testing.assert_allclose(held, np.exp(X - X.max(1, keepdims=True)), rtol=1e-5)


@pytest.mark.parametrize(("phase", "name"), [(caffe.TRAIN, "TRAIN"), (caffe.TEST, "TEST")])
def test_the_phase_is_a_number_with_a_name(phase: int, name: str) -> None:
    net = build(inputs(x=(1,)) + python("phases", "Phase", "x"), phase)
    layer: Any = net.layers[1]
    assert net.forward()["out"] == phase
    assert net.blobs["out"].shape == ()
    assert (layer.training, layer.same) == (name == "TRAIN", True)


@pytest.mark.parametrize(
    "text",
    [
        "yaml|size: '2,3'\nother: 1",
        'yaml|{"size": "2,3"}',
        'json|{"size": "2,3"}',
        "eval|dict(size='2,3')",
        "literal|{'size': '2,3', 'mean': (104.0, 117)}",
        "hand|size=2,3;other=1",
    ],
)
def test_settings_are_read_in_every_way(text: str) -> None:
    net = build(python("settings", "Settings", param_str=text))
    assert net.blobs["out"].shape == (2, 3)
    assert net.forward()["out"][0, 0] == 2


def test_a_data_layer_shapes_its_tops_in_setup() -> None:
    params = "{'batch_size': 2, 'images': 3, 'im_shape': [2, 2]}"
    net = build(python("multilabel_data", "MultilabelData", tops="data label", param_str=params))
    seen = [net.forward()["data"][:, 0, 0, 0].tolist() for _ in range(3)]
    assert seen == [[0, 4], [8, 0], [4, 8]]
    assert net.blobs["label"].shape == (2, 2)


def test_a_top_shaped_in_forward_reaches_the_layers_below() -> None:
    text = inputs(x=(4,)) + python("proposals", "Proposals", "x", param_str="0.5")
    net = build(text + 'layer { name: "p" type: "Power" bottom: "out" top: "end" power_param { scale: 2 } }')
    for scores, rows in (([1, 0, 1, 1], [0, 2, 3]), ([0, 1, 0, 0], [1])):
        net.blobs["x"].data[...] = scores
        assert net.forward()["end"][:, 1].tolist() == [2 * row for row in rows]


def test_values_of_a_bottom_are_there_in_reshape() -> None:
    net = build(inputs(x=(3, 4), n=(1,)) + python("crop_by_value", "CropByValue", "x", "n"), x=X, n=2)
    for n in (2, 3):
        net.blobs["n"].data[...] = n
        np.testing.assert_array_equal(net.forward()["out"], X[:, :n])


def test_a_parameter_that_is_appended_and_moved_by_the_layer() -> None:
    net = build(inputs(x=(3, 4), y=(3,)) + python("centers", "Centers", "x", "y", more="loss_weight: 1"))
    net.blobs["x"].data[...] = X
    net.blobs["y"].data[...] = [0, 0, 1]
    assert net.params["mine"][0].shape == (2, 4)
    loss = net.forward()["out"][0]
    np.testing.assert_allclose(loss, 0.5 * ((X - 1) ** 2).sum(), rtol=1e-5)
    net.backward()
    np.testing.assert_allclose(net.blobs["x"].diff, X - 1, rtol=1e-5)
    np.testing.assert_allclose(net.params["mine"][0].data[1], 1 + 0.5 * (X[2] - 1), rtol=1e-5)


@pytest.mark.parametrize(("module", "layer"), [("gain", "Gain"), ("adds_up", "AddsUp")])
def test_a_learnable_parameter_and_a_subclass_from_the_module_beside(module: str, layer: str) -> None:
    net = build(inputs(x=(3, 4)) + python(module, layer, "x"), x=X)
    np.testing.assert_array_equal(net.forward()["out"], 2 * X)
    for _ in range(2):
        net.backward(out=Y)
        np.testing.assert_array_equal(net.blobs["x"].diff, 2 * Y)
    if layer == "Gain":  # overwritten, not added up
        np.testing.assert_allclose(net.params["mine"][0].diff[0], (X * Y).sum(0), rtol=1e-4, atol=1e-6)


def test_a_net_inside_a_layer() -> None:
    net = build(inputs(x=(3, 4)) + python("net_inside", "NetInside", "x"), x=X)
    np.testing.assert_allclose(net.forward()["out"], 1 - 3 * X, rtol=1e-5)
    net.backward(out=Y)
    np.testing.assert_allclose(net.blobs["x"].diff, -3 * Y, rtol=1e-5)


def test_names_that_the_engine_uses_too() -> None:
    net = build(inputs(x=(2, 3)) + python("own_names", "OwnNames", "x"))
    layer: Any = net.layers[1]
    for _ in range(2):
        np.testing.assert_array_equal(net.forward()["out"], [[0, 1, 2], [0, 1, 2]])
    net.backward(out=np.ones((2, 3)))
    assert net.blobs["x"].diff.sum() == 6
    assert (layer.type, layer.folder, layer.name, layer.count, layer.made) == ("mine", "images/", "own", 2, True)
    assert layer.labels.tolist() == [0, 1, 2]
    assert str(net.to_proto().layer[1].type) == "Python"


def test_names_of_the_four_axes_and_flat_iterators() -> None:
    net = build(inputs(x=(1, 2, 3, 2)) + python("legacy_axes", "LegacyAxes", "x"), x=3)
    assert set(net.forward()["out"].ravel()) == {6}
    net.backward(out=np.full((1, 2, 3, 2), 5))
    assert set(net.blobs["x"].diff.ravel()) == {10}


def test_a_forward_alone() -> None:
    net = build(inputs(x=(3, 4)) + python("adds_up", "Plain", "x"), x=X)
    np.testing.assert_array_equal(net.forward()["out"], -X)
