"""The layers that move values or add them up, beside NumPy, for shapes and parameters of any kind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from caffe_nb import rng
from caffe_nb.net import Net

SHAPES = st.lists(st.integers(1, 4), min_size=1, max_size=5).map(tuple)


def run(text: str, *bottoms: NDArray[Any]) -> Net:
    """Return a net of one layer after its forward."""
    shapes = " ".join(f"shape {{ {' '.join(f'dim: {length}' for length in x.shape)} }}" for x in bottoms)
    names = " ".join(f'top: "x{i}"' for i in range(len(bottoms)))
    reads = " ".join(f'bottom: "x{i}"' for i in range(len(bottoms)))
    net = Net.from_text(
        f'force_backward: true layer {{ name: "in" type: "Input" {names} input_param {{ {shapes} }} }}'
        f' layer {{ name: "layer" {reads} {text} }}'
    )
    net.forward(**{f"x{i}": x for i, x in enumerate(bottoms)})
    return net


def gradient(net: Net, diff: NDArray[Any]) -> NDArray[Any]:
    """Return the diff of the first bottom for a diff of the only top."""
    net.blobs["y"].diff = diff
    net.backward()
    return net.blobs["x0"].const_diff


def tops(text: str, *bottoms: NDArray[Any]) -> list[NDArray[Any]]:
    """Run one layer; a backward with the tops' values for diffs must give the bottoms' values back."""
    net = run(text, *bottoms)
    for top in net.nodes[-1].tops:
        top.diff = top.const_data
    net.backward()
    assert all((net.blobs[f"x{i}"].const_diff == x).all() for i, x in enumerate(bottoms))
    return [top.const_data for top in net.nodes[-1].tops]


def counting(shape: tuple[int, ...]) -> NDArray[Any]:
    return np.arange(1, 1 + np.prod(shape), dtype=np.float32).reshape(shape)


@given(SHAPES, st.data())
def test_reshape(shape: tuple[int, ...], data: st.DataObject) -> None:
    x = counting(shape)
    first = data.draw(st.integers(0, len(shape)))
    number = data.draw(st.integers(0, len(shape) - first))
    inside = shape[first : first + number]
    new = [*inside, 1] if data.draw(st.booleans()) else [int(np.prod(inside))]
    expected = x.reshape(*shape[:first], *new, *shape[first + number :])
    said = [0 if at < number and new[at] == inside[at] and data.draw(st.booleans()) else n for at, n in enumerate(new)]
    if data.draw(st.booleans()):
        said[data.draw(st.integers(0, len(said) - 1))] = -1
    axis = data.draw(st.sampled_from([first, first - len(shape) - 1]))
    dims = " ".join(f"dim: {n}" for n in said)
    text = f"reshape_param {{ axis: {axis} num_axes: {number} shape {{ {dims} }} }}"
    (top,) = tops(f'type: "Reshape" top: "y" {text}', x)
    np.testing.assert_array_equal(top, expected)


@given(SHAPES, st.data())
def test_flatten(shape: tuple[int, ...], data: st.DataObject) -> None:
    x = counting(shape)
    first = data.draw(st.integers(0, len(shape) - 1))
    last = data.draw(st.integers(first, len(shape) - 1))
    end = data.draw(st.sampled_from([last, last - len(shape)]))
    (top,) = tops(f'type: "Flatten" top: "y" flatten_param {{ axis: {first} end_axis: {end} }}', x)
    np.testing.assert_array_equal(top, x.reshape(*shape[:first], -1, *shape[last + 1 :]))


@given(SHAPES, st.data())
def test_slice_and_concat(shape: tuple[int, ...], data: st.DataObject) -> None:
    x = counting(shape)
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    points = sorted(data.draw(st.sets(st.integers(1, shape[axis] - 1)))) if shape[axis] > 1 else []
    assume(points)
    parts = np.split(x, points, axis)
    names = " ".join(f'top: "y{i}"' for i in range(len(parts)))
    said = " ".join(f"slice_point: {point}" for point in points)
    cut = tops(f'type: "Slice" {names} slice_param {{ axis: {axis} {said} }}', x)
    assert len(cut) == len(parts)
    for got, part in zip(cut, parts, strict=True):
        np.testing.assert_array_equal(got, part)
    (joined,) = tops(f'type: "Concat" top: "y" concat_param {{ axis: {axis} }}', *parts)
    np.testing.assert_array_equal(joined, x)


@given(SHAPES, st.data())
def test_permute(shape: tuple[int, ...], data: st.DataObject) -> None:
    x = counting(shape)
    order = data.draw(st.permutations(range(len(shape))))
    said = " ".join(f"order: {axis}" for axis in order[: data.draw(st.integers(1, len(order)))])
    given_axes = [int(word) for word in said.split()[1::2]]
    whole = [*given_axes, *(axis for axis in range(len(shape)) if axis not in given_axes)]
    (top,) = tops(f'type: "Permute" top: "y" permute_param {{ {said} }}', x)
    np.testing.assert_array_equal(top, x.transpose(whole))


@given(SHAPES, st.data())
def test_crop(shape: tuple[int, ...], data: st.DataObject) -> None:
    x = counting(shape)
    first = data.draw(st.integers(0, len(shape) - 1))
    whole = data.draw(st.tuples(*(st.integers(1, length) for length in shape)))
    room = [length - cut for length, cut in zip(shape[first:], whole[first:], strict=True)]
    if data.draw(st.booleans()):
        offsets = list(data.draw(st.tuples(*(st.integers(0, most) for most in room))))
        said = offsets
    else:
        offsets = [data.draw(st.integers(0, min(room)))] * len(room)
        said = offsets[: data.draw(st.integers(0 if offsets[0] == 0 else 1, 1))]
    axis = data.draw(st.sampled_from([first, first - len(shape)]))
    words = " ".join([f"axis: {axis}", *(f"offset: {offset}" for offset in said)])
    net = run(f'type: "Crop" top: "y" crop_param {{ {words} }}', x, np.zeros(whole, np.float32))
    piece = (..., *(slice(at, at + cut) for at, cut in zip(offsets, whole[first:], strict=True)))
    np.testing.assert_array_equal(net.blobs["y"].const_data, x[piece])
    expected = np.zeros_like(x)
    expected[piece] = -x[piece]
    np.testing.assert_array_equal(gradient(net, -x[piece]), expected)


@given(SHAPES, st.integers(1, 4), st.data())
def test_tile(shape: tuple[int, ...], tiles: int, data: st.DataObject) -> None:
    x = counting(shape)
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    net = run(f'type: "Tile" top: "y" tile_param {{ axis: {axis} tiles: {tiles} }}', x)
    expected = np.concatenate([x] * tiles, axis)
    np.testing.assert_array_equal(net.blobs["y"].const_data, expected)
    diff = counting(expected.shape)
    np.testing.assert_array_equal(gradient(net, diff), sum(np.split(diff, tiles, axis)))


REDUCTIONS: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "SUM": (np.sum, np.ones_like),
    "ASUM": (lambda x, axis: np.abs(x).sum(axis), np.sign),
    "SUMSQ": (lambda x, axis: (x**2).sum(axis), lambda x: 2 * x),
    "MEAN": (np.mean, np.ones_like),
}


@given(SHAPES, st.sampled_from(sorted(REDUCTIONS)), st.sampled_from([-2, 0, 0.5, 1]), st.data())
def test_reduction(shape: tuple[int, ...], operation: str, factor: float, data: st.DataObject) -> None:
    x = data.draw(st.lists(st.integers(-9, 9), min_size=int(np.prod(shape)), max_size=int(np.prod(shape))))
    values = np.array(x, np.float32).reshape(shape)
    first = data.draw(st.integers(0, len(shape) - 1))
    axis = data.draw(st.sampled_from([first, first - len(shape)]))
    text = f"reduction_param {{ operation: {operation} axis: {axis} coeff: {factor} }}"
    net = run(f'type: "Reduction" top: "y" {text}', values)
    forward, slope = REDUCTIONS[operation]
    last = tuple(range(first, len(shape)))
    np.testing.assert_allclose(net.blobs["y"].const_data, factor * forward(values, axis=last), rtol=1e-6)
    diff = counting(shape[:first])
    count = np.prod(shape[first:]) if operation == "MEAN" else 1
    expected = factor * slope(values) * diff.reshape(*shape[:first], *[1] * len(last)) / count
    np.testing.assert_allclose(gradient(net, diff), expected, rtol=1e-6)


EACH_VALUE = [
    *((kind, "") for kind in ("AbsVal", "BNLL", "Dropout", "ELU", "Exp", "Log", "Power", "ReLU", "Sigmoid")),
    *((kind, "") for kind in ("Swish", "TanH", "Threshold")),
    ("Clip", "clip_param { min: 0 max: 1 }"),
    ("Power", "power_param { power: 3 shift: 1 scale: 2 }"),
]


@pytest.mark.parametrize(("kind", "settings"), EACH_VALUE)
def test_a_scalar_goes_through_what_works_on_each_value(kind: str, settings: str) -> None:
    results = []
    for shape in ((), (1,)):
        rng.set_random_seed(1)
        net = run(f'type: "{kind}" top: "y" {settings}', np.full(shape, 0.5, np.float32))
        results.append((net.blobs["y"].const_data.item(), gradient(net, np.full(shape, 2, np.float32)).item()))
    assert results[0] == results[1]
