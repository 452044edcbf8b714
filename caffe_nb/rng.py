"""The random numbers of fillers and random layers, reproducible from `set_random_seed`.

Python layers draw from NumPy's global generator as they always did; this one is the engine's own.
"""

from __future__ import annotations

from typing import Any

import numpy as np

_generator = np.random.default_rng()
asked = 0
"""How often the generator was asked for or changed: while this stays, nobody has drawn."""


def set_random_seed(seed: int) -> None:
    """Seed the engine's generator, as `caffe.set_random_seed`.

    Parameters
    ----------
    seed : int
        Any integer; the same seed gives the same fillers and the same dropout masks.
    """
    global _generator, asked
    asked += 1
    _generator = np.random.default_rng(seed & 0xFFFFFFFFFFFFFFFF)


def generator() -> np.random.Generator:
    """Return the generator to draw from; do not keep it, `set_random_seed` replaces it."""
    global asked
    asked += 1
    return _generator


def get_state() -> Any:
    """Return the generator's state, to be given to `set_state`."""
    return _generator.bit_generator.state


def set_state(state: Any) -> None:
    """Put the generator back to a state that `get_state` returned."""
    global asked
    asked += 1
    _generator.bit_generator.state = state
