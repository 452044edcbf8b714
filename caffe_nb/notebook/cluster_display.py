"""What a cluster shows: its ranks, and how a run goes on them."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

from caffe_nb.distributed.overview import RankRow
from caffe_nb.notebook.display import Progress

MOST = 16
"""Most ranks that are shown one by one."""


class ClusterStatus:
    """The ranks of a cluster.

    Parameters
    ----------
    ranks : sequence of dict
        Rank and name of each.
    running : bool
        Whether they are there.
    """

    def __init__(self, ranks: Sequence[dict[str, Any]], running: bool) -> None:
        self.ranks = list(ranks)
        self.running = running

    def __repr__(self) -> str:
        state = "running" if self.running else "stopped"
        lines = [f"  rank {each['rank']}: {each['name']}" for each in self.ranks[:MOST]]
        more = [f"  and {len(self.ranks) - MOST} more"] if len(self.ranks) > MOST else []
        return "\n".join([f"cluster of {len(self.ranks)}, {state}", *lines, *more])


class ClusterProgress(Progress):
    """What a run on a cluster has to show: one bar, and losses, time and imbalance of its ranks.

    Parameters
    ----------
    title : str
        The net's name.
    start, end : int
        First and last iteration of the run.
    ranks : sequence of dict
        Rank and name of each.
    """

    def __init__(self, title: str, start: int, end: int, ranks: Sequence[dict[str, Any]]) -> None:
        super().__init__(title, start, end)
        self._names = [each["name"] for each in ranks]
        self.losses: list[float] = []
        self.worked: list[float] = []
        self.waited: list[float] = []

    def ranks_did(self, losses: list[float], seconds: list[float], waits: list[float]) -> None:
        """Say what each rank did in the last iteration: its loss, seconds of work, and seconds of waiting."""
        self.losses, self.worked, self.waited = losses, seconds, waits

    def overview(self) -> list[RankRow]:
        """Return what each rank did, for the panel."""
        return list(map(RankRow, self._names, self.losses, self.worked, self.waited))

    @property
    def imbalance(self) -> float:
        """How much longer than the mean rank the slowest one works, 0 where all work alike."""
        mean = sum(self.worked) / len(self.worked) if self.worked else 0.0
        return max(self.worked) / mean - 1 if mean else 0.0

    def rows(self) -> list[tuple[str, str, str, str]]:
        """Return rank, loss, milliseconds of work and of waiting, for the table; the slowest first where many."""
        order = range(len(self.worked))
        if len(self.worked) > MOST:
            order = sorted(order, key=lambda rank: -self.worked[rank])[:MOST]  # type: ignore[assignment]
        return [
            (
                f"{rank} ({self._names[rank]})",
                f"{self.losses[rank]:.4g}",
                f"{1e3 * self.worked[rank]:.1f} ms",
                f"{1e3 * self.waited[rank]:.1f} ms",
            )
            for rank in order
        ]

    def __repr__(self) -> str:
        if not self.worked:
            return super().__repr__()
        lines = [f"  rank {rank}: loss {loss}, work {work}, wait {wait}" for rank, loss, work, wait in self.rows()]
        return "\n".join([super().__repr__(), f"imbalance {self.imbalance:.0%}", *lines])

    def _repr_html_(self) -> str:
        if not self.worked:
            return super()._repr_html_()
        cells = [
            "<tr>" + "".join(f"<td style='padding:0 12px 0 0;text-align:left'>{escape(c)}</td>" for c in row) + "</tr>"
            for row in self.rows()
        ]
        heads = ("rank", "loss", "at work", "waiting for others")
        head = "".join(f"<th style='padding:0 12px 0 0;text-align:left'>{each}</th>" for each in heads)
        return (
            f"{super()._repr_html_()}<table style='font-size:12px'><caption style='text-align:left;caption-side:top'>"
            f"last iteration, {len(self.worked)} ranks, imbalance {self.imbalance:.0%}</caption>"
            f"<tr>{head}</tr>{''.join(cells)}</table>"
        )
