"""Layered drawing of a directed acyclic graph: ranks, order within a rank, coordinates.

The method of Sugiyama, Tagawa and Toda (1981) in its plainest form: longest-path ranks, dummy nodes where an edge
passes a rank, barycentre sweeps for the order, and a few passes that pull nodes over their neighbours.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from itertools import pairwise

SWEEPS = 6


@dataclass
class Layout:
    """Where everything goes, in columns and ranks: `x` counts node widths, `rank` rows from the top.

    Attributes
    ----------
    x : dict of int to float
        Column of each node; dummies have negative keys.
    rank : dict of int to int
        Row of each.
    routes : list of list of int
        For each edge, the nodes and dummies that it runs through, ends included.
    """

    x: dict[int, float] = field(default_factory=dict)
    rank: dict[int, int] = field(default_factory=dict)
    routes: list[list[int]] = field(default_factory=list)

    @property
    def columns(self) -> float:
        """Width of the drawing in node widths."""
        return max(self.x.values(), default=0.0) + 1

    @property
    def rows(self) -> int:
        """Number of ranks."""
        return max(self.rank.values(), default=0) + 1


def layered(nodes: list[int], edges: list[tuple[int, int]]) -> Layout:
    """Lay out a graph whose edges all go from an earlier to a later node of the list.

    Parameters
    ----------
    nodes : list of int
        Non-negative keys in a topological order.
    edges : list of (int, int)
        Source and target.

    Returns
    -------
    Layout
    """
    layout = Layout(rank=_ranks(nodes, edges))
    links: list[tuple[int, int]] = []
    for source, target in edges:
        route = [source]
        for between in range(layout.rank[source] + 1, layout.rank[target]):
            dummy = -len(layout.rank) - 1
            layout.rank[dummy] = between
            route.append(dummy)
        route.append(target)
        layout.routes.append(route)
        links += pairwise(route)
    rows: list[list[int]] = [[] for _ in range(layout.rows)]
    for node, rank in layout.rank.items():
        rows[rank].append(node)
    above: defaultdict[int, list[int]] = defaultdict(list)
    below: defaultdict[int, list[int]] = defaultdict(list)
    for a, b in links:
        above[b].append(a)
        below[a].append(b)
    for row in rows:
        for column, node in enumerate(row):
            layout.x[node] = float(column)
    for sweep in range(SWEEPS):
        _sweep(rows, above if sweep % 2 == 0 else below, layout.x, down=sweep % 2 == 0)
    _place(rows, above, below, layout.x)
    return layout


def _ranks(nodes: list[int], edges: list[tuple[int, int]]) -> dict[int, int]:
    targets: defaultdict[int, list[int]] = defaultdict(list)
    rank = dict.fromkeys(nodes, 0)
    incoming = set()
    for source, target in edges:
        targets[source].append(target)
        incoming.add(target)
    for node in nodes:
        for target in targets[node]:
            rank[target] = max(rank[target], rank[node] + 1)
    for node in nodes:  # a source goes right above what reads it, not to the very top
        if node not in incoming and targets[node]:
            rank[node] = min(rank[target] for target in targets[node]) - 1
    return rank


def _sweep(rows: list[list[int]], neighbours: dict[int, list[int]], x: dict[int, float], *, down: bool) -> None:
    for row in rows if down else rows[::-1]:
        row.sort(key=lambda node: _mean([x[n] for n in neighbours[node]], x[node]))
        for column, node in enumerate(row):
            x[node] = float(column)


def _place(
    rows: list[list[int]], above: dict[int, list[int]], below: dict[int, list[int]], x: dict[int, float]
) -> None:
    for row in rows:  # centre the rows on one another
        shift = (len(row) - 1) / 2
        x.update({node: column - shift for column, node in enumerate(row)})
    for turn in range(8):
        for row in rows if turn % 2 == 0 else rows[::-1]:
            neighbours = above if turn % 2 == 0 else below
            wanted = [_mean([x[n] for n in neighbours[node]], x[node]) for node in row]
            x.update(zip(row, _spread(wanted), strict=True))
    left = min(x.values(), default=0.0)
    x.update({node: place - left for node, place in x.items()})


def _spread(wanted: list[float]) -> list[float]:
    """Move places apart to at least 1 while keeping their order and, on average, where they want to be."""
    groups: list[list[float]] = []  # each: sum of (wanted - offset), count
    for place in wanted:
        groups.append([place, 1])
        while len(groups) > 1 and groups[-2][0] / groups[-2][1] + groups[-2][1] > groups[-1][0] / groups[-1][1]:
            total, count = groups.pop()
            groups[-1][0] += total - count * groups[-1][1]
            groups[-1][1] += count
    places: list[float] = []
    for total, count in groups:
        places += [total / count + offset for offset in range(int(count))]
    return places


def _mean(values: list[float], default: float) -> float:
    return sum(values) / len(values) if values else default
