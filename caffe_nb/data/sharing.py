"""Which items of a round of data are a process's own, where several train together."""

from __future__ import annotations

from caffe_nb import ranks
from caffe_nb.core.layer import Phase
from caffe_nb.errors import NetError
from caffe_nb.ranks import Share


def share_of(phase: Phase | int) -> Share:
    """Return a data layer's share: training data is divided among the processes, test data is not."""
    return ranks.share() if phase == Phase.TRAIN else ranks.ALONE


def from_start(first: int, count: int, share: Share) -> tuple[range, int]:
    """Return the places that are ours in a round of so many items, and the first of the round that follows.

    Parameters
    ----------
    first : int
        The first place that is ours; it may lie beyond this round.
    count : int
        How many items a round has.
    share : Share
        Every `size`-th item is ours, through all rounds.
    """
    ours = range(first, count, share.size)
    return ours, (first + len(ours) * share.size) - count


def check_enough(count: int, share: Share, what: str, items: str) -> None:
    """Refuse data that has not an item for each process.

    Raises
    ------
    NetError
        With both numbers.
    """
    if count < share.size:
        raise NetError(
            f"{what} has {count} {items}, fewer than the {share.size} processes that are to share them;"
            f" start at most {count}"
        )
