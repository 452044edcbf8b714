"""The engine's random numbers: one generator, seeded by any whole number."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import caffe
from caffe_nb import rng


def drawn(seed: Any) -> list[float]:
    caffe.set_random_seed(seed)
    return list(rng.generator().random(3))


@pytest.mark.parametrize("seed", [0, -1, 2**70, np.int32(3)])
def test_any_whole_number_is_a_seed(seed: Any) -> None:
    assert drawn(seed) == drawn(seed)
    assert drawn(seed) != drawn(int(seed) + 1)


@pytest.mark.parametrize("seed", ["a", "3", 1.5, 2.0, None])
def test_what_is_no_whole_number_is_refused_and_changes_nothing(seed: Any) -> None:
    expected = drawn(3)
    caffe.set_random_seed(3)
    with pytest.raises(TypeError, match=r"a random seed is a whole number, got .*; the generator is as it was"):
        caffe.set_random_seed(seed)
    assert list(rng.generator().random(3)) == expected
