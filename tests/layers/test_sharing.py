"""Which layers hand their bottom's memory on instead of copying it."""

from __future__ import annotations

import pytest

from tests.layers.bench import Bench
from tests.layers.case import Case, labels, normal


@pytest.mark.parametrize(("type_name", "tops"), [("Flatten", 1), ("Split", 3), ("Reshape", 1), ("Slice", 1)])
def test_a_write_into_the_bottom_is_seen_in_the_tops(type_name: str, tops: int) -> None:
    text = "reshape_param { shape { dim: 0 dim: -1 } }" if type_name == "Reshape" else ""
    bench = Bench(Case(type_name, "shared", text, (normal(2, 3, 4),), tops=tops))
    bench.feed(batch=50)  # the bottom moves to larger memory
    bench.forward()
    before = [blob.version for blob in bench.top]
    bench.bottom[0].data[0, 0, 1] = 17
    for blob, version in zip(bench.top, before, strict=True):
        assert blob.const_data.reshape(-1)[1] == 17
        assert blob.version > version


def test_the_second_top_of_a_softmax_loss_is_what_its_gradient_comes_from() -> None:
    bench = Bench(Case("SoftmaxWithLoss", "two tops", bottoms=(normal(6, 5), labels(5, 6)), tops=2, silent_tops=(1,)))
    bench.feed(batch=50)
    _, probabilities = bench.forward()
    diff = bench.backward()[0]
    scale = bench.top[0].const_diff / 50
    one_hot = probabilities - diff / scale
    assert one_hot.sum() == pytest.approx(50)
    assert one_hot.argmax(axis=1).tolist() == bench.bottom[1].const_data.tolist()


def test_a_parameter_is_its_top() -> None:
    bench = Bench(Case("Parameter", "shared", "parameter_param { shape { dim: 2 dim: 3 } }"))
    bench.forward()
    (parameter,), (top,) = bench.layer.blobs, bench.top
    parameter.data[1, 2] = 17
    top.diff[0, 1] = 4
    assert top.const_data[1, 2] == 17
    assert parameter.const_diff[0, 1] == 4
