"""Batches are made ahead in the background, in order, and errors arrive where they belong."""

from __future__ import annotations

import gc
import threading
import time
from itertools import count

import pytest

from caffe_nb.data.prefetch import Prefetcher


def wait_for(condition: object) -> None:
    end = time.monotonic() + 10
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < end
        time.sleep(0.005)


def test_batches_come_in_order_and_are_made_ahead_but_not_further() -> None:
    made: list[int] = []
    numbers = count()

    def make() -> int:
        made.append(next(numbers))
        return made[-1]

    batches = Prefetcher(make, 3)
    assert not made, "nothing is made before it is asked for"
    assert batches.next() == 0
    wait_for(lambda: len(made) == 4)
    time.sleep(0.05)
    assert len(made) == 4
    assert [batches.next() for _ in range(5)] == [1, 2, 3, 4, 5]


def test_all_are_made_in_one_thread_that_is_not_the_callers() -> None:
    batches = Prefetcher(threading.get_ident, 2)
    threads = {batches.next() for _ in range(6)}
    assert len(threads) == 1
    assert threading.get_ident() not in threads


def test_an_error_arrives_as_itself_in_its_place_and_the_next_batch_follows() -> None:
    numbers = count()
    error = ValueError("the second")

    def make() -> int:
        number = next(numbers)
        if number == 1:
            raise error
        return number

    batches = Prefetcher(make, 4)
    assert batches.next() == 0
    with pytest.raises(ValueError, match="the second") as caught:
        batches.next()
    assert caught.value is error
    assert batches.next() == 2


def test_a_depth_of_0_counts_as_1() -> None:
    numbers = count()
    batches = Prefetcher(lambda: next(numbers), 0)
    assert [batches.next() for _ in range(3)] == [0, 1, 2]


def test_the_thread_ends_with_the_prefetcher() -> None:
    threads: list[threading.Thread] = []

    def make() -> None:
        threads.append(threading.current_thread())

    batches = Prefetcher(make, 2)
    batches.next()
    thread = threads[0]
    del batches
    gc.collect()
    thread.join(10)
    assert not thread.is_alive()
