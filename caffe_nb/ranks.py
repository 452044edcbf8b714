"""Which of several processes this one is, while they train one net together (Caffe's solver rank and solver count)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from caffe_nb import rng


@dataclass(frozen=True)
class Share:
    """The part of the data that is this process's.

    Attributes
    ----------
    rank : int
        Which process this is, from 0.
    size : int
        How many there are. Item `i` of a global batch is that of rank ``i % size``, as in Caffe.
    seed : int
        The same in all of them: what they draw together (the order of a shuffled database) comes from it.
    """

    rank: int = 0
    size: int = 1
    seed: int = 0

    @property
    def alone(self) -> bool:
        """Whether there is one process only."""
        return self.size == 1


ALONE = Share()
_share = ALONE
_drawn = 0


def share() -> Share:
    """Return this process's share: all of the data, unless several processes train together."""
    return _share


def set_share(new: Share) -> None:
    """Set this process's share; layers that are set up from now on read it."""
    global _share, _drawn
    _share, _drawn = new, 0


def common_generator() -> np.random.Generator:
    """Return a generator that draws the same numbers in all processes, another sequence each time it is asked for.

    All processes set up the same layers in the same order, so each layer finds the generator of its counterparts.
    """
    global _drawn
    if _share.alone:
        return np.random.default_rng(rng.generator().integers(2**63))
    _drawn += 1
    return np.random.default_rng([_share.seed, _drawn])
