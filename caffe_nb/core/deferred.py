"""Checks of values that a device makes while the host goes on.

On the host a value that a layer refuses is refused at once. On a device, seeing it would make the host wait in the
middle of a pass; what was found stays there until somebody asks the net for a value, and is raised then.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar, Token
from dataclasses import dataclass
from typing import Any

import numpy as np

from caffe_nb import device
from caffe_nb.errors import CaffeError

Index = tuple[int, ...]
Describe = Callable[[float, Index, int], CaffeError]
MOST = 256
"""Most checks that wait before the host looks."""


@dataclass(frozen=True)
class _Check:
    """What one check found: arrays of the device without axes, but for the shape."""

    count: Any
    first: Any
    value: Any
    shape: Index
    describe: Describe
    where: str

    def error(self) -> CaffeError:
        at = tuple(int(i) for i in np.unravel_index(int(self.first), self.shape))
        error = self.describe(float(self.value), at, int(self.count) - 1)
        error.where = error.where or self.where
        return error


class Checks:
    """The checks of one net that nobody has looked at."""

    def __init__(self) -> None:
        self._place: Callable[[], str] = str
        self._waiting: list[_Check] = []

    def begin(self, place: Callable[[], str]) -> Token[Checks | None]:
        """Take in the checks of the layers that run from now on in this thread, until `end`.

        Parameters
        ----------
        place : callable
            Returns the place of the layer that runs.
        """
        if len(self._waiting) > MOST:
            self.settle()
        self._place = place
        return _running.set(self)

    def end(self, token: Token[Checks | None]) -> None:
        """Take in no more."""
        self._place = str  # the net's own method is not kept: the net is to go when nobody holds it
        _running.reset(token)

    def add(self, wrong: Any, values: Any, describe: Describe) -> None:
        """Take a check in; nobody waits for it."""
        first = wrong.reshape(-1).argmax()
        found = np.count_nonzero(wrong), first, values.reshape(-1)[first]
        self._waiting.append(_Check(*found, tuple(wrong.shape), describe, self._place()))

    def settle(self) -> None:
        """Look at all checks, which waits for the device.

        Raises
        ------
        CaffeError
            What the first layer that refused something says; the others' are forgotten.
        """
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return
        counts = device.on_host(device.namespace_of(waiting[0].count).stack([each.count for each in waiting]))
        if counts.any():
            raise waiting[int(counts.argmax())].error()


_running: ContextVar[Checks | None] = ContextVar("_running", default=None)


def refuse(wrong: Any, values: Any, describe: Describe) -> None:
    """Raise if any value is wrong: at once on the host, when the net is asked for a value on a device.

    Parameters
    ----------
    wrong : array of bool
        Which values are.
    values : array of that shape
        The values, which may be other ones when the error is raised.
    describe : callable
        Returns the error for the first wrong value, its index, and how many more there are.
    """
    if not wrong.size:
        return
    checks = _running.get()
    if checks is not None and device.holds(wrong):
        checks.add(wrong, values, describe)
    elif wrong.any():
        first = int(wrong.reshape(-1).argmax())
        at = tuple(int(i) for i in np.unravel_index(first, wrong.shape))
        raise describe(float(values[at]), at, int(np.count_nonzero(wrong)) - 1)
