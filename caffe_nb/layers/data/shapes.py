"""The shapes that data layers are given: one for all tops, or one for each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from caffe_nb.errors import NetError

Item = TypeVar("Item")


def one_for_each(items: Sequence[Item], tops: int, what: str) -> list[Item]:
    """Return one item for each top, from a single one for all or from as many as there are tops.

    Raises
    ------
    NetError
        For any other number.
    """
    if len(items) not in (1, tops):
        given = f"{len(items)} times" if items else "not at all"
        raise NetError(f"{what} must be given once, or once for each of the {tops} tops; it is given {given}")
    return list(items) * (tops if len(items) == 1 else 1)
