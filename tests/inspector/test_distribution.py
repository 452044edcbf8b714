"""The spread of a whole blob: every element is counted once, and the largest are found where they stand."""

from __future__ import annotations

import math
import time

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from caffe_nb.inspector import messages
from caffe_nb.inspector.distribution import BINS, LARGEST, NOT_FINITE, Spread, distribution
from caffe_nb.inspector.pieces import Statistics
from caffe_nb.inspector.sample import statistics
from caffe_nb.inspector.session import Session
from caffe_nb.net.net import Net


def spread(array: np.ndarray) -> Spread:
    return distribution(array, statistics(array))


@given(arrays.arrays(np.float32, st.integers(0, 200), elements=st.floats(width=32)), st.integers(1, 1000))
@settings(max_examples=100, deadline=None)
def test_every_finite_element_is_counted_once_and_the_largest_are_listed(values: np.ndarray, repeats: int) -> None:
    array = np.tile(values, repeats)
    found = spread(array)
    finite = array[np.isfinite(array)]
    assert sum(found.counts) + found.below + found.above == finite.size
    assert found.below == (finite.astype(np.float64) < found.low).sum()
    assert found.above == (finite.astype(np.float64) > found.high).sum()
    listed = [abs(each.value) for each in found.largest if each.value is not None]
    assert listed == sorted(np.abs(finite).tolist(), reverse=True)[:LARGEST]
    assert sum(each.value is None for each in found.largest) == min(NOT_FINITE, array.size - finite.size)
    for each in found.largest:
        value = array[tuple(each.index)]
        assert value == each.value if each.value is not None else not math.isfinite(value)


def test_bins_are_of_equal_width_and_reach_three_root_mean_squares() -> None:
    array = np.random.default_rng(0).standard_normal(100_000)
    array[7] = 40.0
    found = spread(array)
    rms = math.sqrt((array**2).mean())
    assert (found.low, found.high) == (pytest.approx(-3 * rms), pytest.approx(3 * rms))
    expected, _ = np.histogram(array, BINS, (found.low, found.high))
    np.testing.assert_allclose(found.counts, expected, atol=1)  # a value at an edge may fall on either side
    assert found.above == (array > found.high).sum() > 0
    assert found.largest[0].index == [7]


def test_bins_do_not_reach_beyond_the_extremes() -> None:
    found = spread(np.linspace(2, 3, 1000))
    assert (found.low, found.high, found.below, found.above) == (2, 3, 0, 0)


def test_a_constant_blob_is_in_one_bin_and_an_empty_one_in_none() -> None:
    assert sorted(spread(np.full(9, 0.5)).counts)[-2:] == [0, 9]
    empty = spread(np.zeros((3, 0)))
    assert (sum(empty.counts), empty.largest) == (0, [])


def test_categories_are_counted_each() -> None:
    found = spread(np.array([3, 0, 3, 255.0]))
    assert (found.low, found.high, found.counts) == (0, 255, [1, 2, 1])


def test_elements_that_are_not_finite_come_first_with_their_places() -> None:
    array = np.zeros((2, 3, 4), np.float32)
    array[1, 2, 3], array[0, 1, 1], array[1, 0, 0], array[0, 0, 2] = np.nan, -np.inf, np.inf, -5
    found = [(each.index, each.sign, each.value) for each in spread(array).largest[:4]]
    assert found == [
        ([0, 1, 1], "-inf", None),
        ([1, 0, 0], "+inf", None),
        ([1, 2, 3], "nan", None),
        ([0, 0, 2], "", -5),
    ]


def test_a_blob_of_nothing_but_nan_has_places_and_no_bins() -> None:
    found = spread(np.full(100_000, np.nan))
    assert sum(found.counts) == 0
    assert [each.sign for each in found.largest] == ["nan"] * NOT_FINITE


def test_the_largest_floats_there_are_do_no_harm() -> None:
    found = spread(np.array([1.7e308, -1.7e308, 0.25]))
    assert sum(found.counts) == 3


def test_a_number_has_one_element_without_an_index() -> None:
    assert [(each.index, each.value) for each in spread(np.float32(2.5).reshape(())).largest] == [([], 2.5)]


def test_a_hundred_megabytes_are_not_gone_through_in_python() -> None:
    array = np.random.default_rng(0).standard_normal((16, 64, 160, 160), dtype=np.float32)
    start = time.process_time()
    spread(array)
    assert time.process_time() - start < 5  # half a second; with a few steps of Python for each, over ten


@pytest.mark.parametrize("part", ["data", "diff"])
def test_the_panel_gets_it_of_either_part(session: Session, net: Net, part: messages.Part) -> None:
    net.forward()
    net.backward()
    request = messages.GetDistribution(net=net.id, ref="blob:data", part=part)
    data, buffers = session.handle({"id": 1, "request": msgspec.to_builtins(request)})
    reply = msgspec.convert(data["reply"], messages.Distribution)
    assert buffers == []
    blob = net.blobs["data"]
    array = blob.const_data if part == "data" else blob.const_diff
    assert isinstance(reply.statistics, Statistics)
    assert sum(reply.counts) + reply.below + reply.above == array.size
    assert reply.largest[0].value == pytest.approx(float(array[tuple(reply.largest[0].index)]))
    assert reply.version == (blob.version if part == "data" else blob.diff_version)


def test_a_blob_that_is_not_there_is_said_in_words(session: Session, net: Net) -> None:
    request = messages.GetDistribution(net=net.id, ref="blob:dada", part="data")
    data, _ = session.handle({"id": 1, "request": msgspec.to_builtins(request)})
    assert "no blob 'dada'" in data["reply"]["message"]
