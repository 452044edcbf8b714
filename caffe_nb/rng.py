"""The random numbers of fillers and random layers, reproducible from `set_random_seed`.

Python layers draw from NumPy's global generator as they always did; this one is the engine's own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

_generator = np.random.default_rng()
before_draw: list[Callable[[], object]] = []
"""Called when the generator is asked for or changed."""


def set_random_seed(seed: int) -> None:
    """Seed the engine's generator, as `caffe.set_random_seed`.

    Parameters
    ----------
    seed : int
        Any integer; the same seed gives the same fillers and the same dropout masks.

    Raises
    ------
    TypeError
        For what is no whole number.
    """
    global _generator
    try:
        whole = seed.__index__()
    except AttributeError:
        raise TypeError(f"a random seed is a whole number, got {seed!r}; the generator is as it was") from None
    _tell()
    _generator = np.random.default_rng(whole & 0xFFFFFFFFFFFFFFFF)


def generator() -> np.random.Generator:
    """Return the generator to draw from; do not keep it, `set_random_seed` replaces it."""
    _tell()
    return _generator


def get_state() -> Any:
    """Return the generator's state, to be given to `set_state`."""
    return _generator.bit_generator.state


def set_state(state: Any) -> None:
    """Put the generator back to a state that `get_state` returned."""
    _tell()
    _generator.bit_generator.state = state


def _tell() -> None:
    for listener in before_draw:
        listener()
