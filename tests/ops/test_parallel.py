"""Work shared out to threads: the same results, whoever computes them."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from caffe_nb.ops import parallel
from caffe_nb.ops.convolution import add_weight_gradient, convolve, input_gradient
from caffe_nb.ops.window import Window


@pytest.fixture(autouse=True)
def default() -> Iterator[None]:
    yield
    parallel.set_threads(None)


def blas_threads() -> list[int]:
    """Of NumPy's BLAS; other packages may have loaded their own."""
    found = [library for library in threadpool_info() if library["user_api"] == "blas"]
    return [library["num_threads"] for library in found if "numpy" in library["filepath"]]


@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_the_parts_cover_everything_once_and_come_back_in_order(count: int) -> None:
    parallel.set_threads(count)
    parts = parallel.run(lambda start, stop: list(range(start, stop)), 10, work=1e9)
    assert [i for part in parts for i in part] == list(range(10))
    assert len(parts) == min(count, 10)


def test_little_work_stays_with_the_caller_and_so_does_work_inside_work() -> None:
    parallel.set_threads(4)
    here = threading.get_ident()
    assert parallel.run(lambda start, stop: threading.get_ident(), 8, work=10) == [here]

    def nested(start: int, stop: int) -> int:
        return len(parallel.run(lambda a, b: None, 8, work=1e9))

    assert parallel.run(nested, 4, work=1e9) == [1, 1, 1, 1]


def test_an_exception_comes_out_when_all_parts_have_ended() -> None:
    parallel.set_threads(2)
    ended = []

    def part(start: int, stop: int) -> None:
        if start == 0:
            raise ValueError("the first part")
        time.sleep(0.05)
        ended.append(start)

    with pytest.raises(ValueError, match="the first part"):
        parallel.run(part, 2, work=1e9)
    assert ended == [1]


def test_the_blas_has_one_thread_inside_and_its_own_number_after() -> None:
    before = blas_threads()
    parallel.set_threads(2)
    inside = parallel.run(lambda start, stop: blas_threads(), 2, work=1e9)
    assert all(number == 1 for numbers in inside for number in numbers)
    assert blas_threads() == [2] * len(before)
    parallel.set_threads(None)
    assert blas_threads() == [parallel.threads()] * len(before)


def test_overflow_is_as_silent_as_in_the_callers_thread() -> None:
    parallel.set_threads(2)

    def overflow(start: int, stop: int) -> None:
        np.multiply(np.float32(1e38), np.full(stop - start, 1e38, np.float32))

    with np.errstate(over="ignore"):
        parallel.run(overflow, 4, work=1e9)
    with np.errstate(over="raise"), pytest.raises(FloatingPointError):
        parallel.run(overflow, 4, work=1e9)


def test_there_is_no_less_than_one_thread() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        parallel.set_threads(0)


def test_a_convolution_does_not_depend_on_the_number_of_threads() -> None:
    random = np.random.default_rng(0)
    images = random.standard_normal((6, 8, 20, 20)).astype(np.float32)
    weight = random.standard_normal((16, 8, 3, 3)).astype(np.float32)
    gradient = random.standard_normal((6, 16, 20, 20)).astype(np.float32)
    window = Window((3, 3), (1, 1), (1, 1), (1, 1))
    results = []
    for count in (1, 2, 4):
        parallel.set_threads(count)
        out, dw, dx = np.empty_like(gradient), np.zeros_like(weight), np.empty_like(images)
        convolve(images, weight, None, window, 1, out)
        add_weight_gradient(images, gradient, window, 1, dw)
        input_gradient(gradient, weight, window, 1, dx)
        results.append((out, dw, dx))
    for other in results[1:]:
        np.testing.assert_allclose(other[0], results[0][0], rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(other[1], results[0][1], rtol=1e-4, atol=1e-3)
        np.testing.assert_allclose(other[2], results[0][2], rtol=1e-5, atol=1e-5)
