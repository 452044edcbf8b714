"""What each rank made of its last iteration, for who shows a training."""

from __future__ import annotations

import weakref
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from caffe_nb.solvers import Solver


@dataclass(frozen=True)
class RankRow:
    """One rank.

    Attributes
    ----------
    name : str
        Its process and machine.
    loss : float
        Of its share.
    seconds : float
        That it computed.
    wait : float
        Seconds that it then waited for the others' gradients.
    """

    name: str
    loss: float
    seconds: float
    wait: float


_rows: weakref.WeakKeyDictionary[Solver, list[RankRow]] = weakref.WeakKeyDictionary()


def tell(solver: Solver, rows: list[RankRow]) -> None:
    """Keep what the ranks that train a solver's net did."""
    _rows[solver] = rows


def overview(solver: Solver) -> list[RankRow]:
    """Return what the ranks did, by rank; nothing for a solver that trains in one process."""
    return _rows.get(solver, [])
