"""The solvers that are alive in this process, and who is told of new ones."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from caffe_nb.solvers.base import Solver

_live: weakref.WeakSet[Solver] = weakref.WeakSet()
on_new: list[Callable[[Solver], object]] = []
"""Called with every solver that is made; empty until somebody wants to know."""


def live_solvers() -> list[Solver]:
    """Return all solvers that are alive in this process."""
    return list(_live)


def announce(solver: Solver) -> None:
    """Take a solver in that has just been made."""
    _live.add(solver)
    for listener in tuple(on_new):
        listener(solver)
