"""How long each layer of a net takes, forward and backward."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from caffe_nb import device, rng
from caffe_nb.core.figures import label, table
from caffe_nb.core.layer import Phase
from caffe_nb.errors import NetError

if TYPE_CHECKING:
    from caffe_nb.net.net import Net

Seconds = NDArray[np.float64]
MOST_LINES = 60
"""Most layers in plain text: the slowest are listed."""
BAR = 20
"""Length of the longest bar in plain text, in columns."""


@dataclass(frozen=True, eq=False, repr=False)
class Times:
    """How long the layers of a net took.

    Attributes
    ----------
    net : str
        The net's name.
    layers, types : list of str
        Names and types of the layers, in their order; splits that the net inserted are among them.
    forward, backward : numpy.ndarray
        Seconds, a row an iteration and a column a layer; 0 where a layer has no backward.
    forward_passes, backward_passes : numpy.ndarray
        Seconds of the whole passes, one an iteration: the layers' and what is between them.
    """

    net: str
    layers: list[str]
    types: list[str]
    forward: Seconds
    backward: Seconds
    forward_passes: Seconds
    backward_passes: Seconds

    @property
    def message(self) -> str:
        """The medians of the whole passes, in one line."""
        count = len(self.forward_passes)
        forward, backward = (1e3 * float(np.median(times)) for times in (self.forward_passes, self.backward_passes))
        words = f"{self.net}: forward {_ms(forward)} ms"
        if self.backward.any():
            words += f", backward {_ms(backward)} ms, together {_ms(forward + backward)} ms"
        return f"{words} (median of {count} iteration{'' if count == 1 else 's'})"

    def _rows(self) -> list[tuple[float, list[str]]]:
        """Return, a layer, its share of the time and its cells."""
        forward, backward = (1e3 * np.median(times, axis=0) for times in (self.forward, self.backward))
        both = forward + backward
        share = both / max(float(both.sum()), 1e-12)
        return [
            (float(part), [name, kind, f"{there:,.3f}", f"{back:,.3f}" if back else "", f"{100 * part:.1f} %"])
            for name, kind, there, back, part in zip(self.layers, self.types, forward, backward, share, strict=True)
        ]

    def __repr__(self) -> str:
        """Return the table as plain text, at most 100 columns wide."""
        rows = self._rows()
        more = len(rows) - MOST_LINES
        if more > 0:
            least = sorted(part for part, _ in rows)[more]
            rows = [row for row in rows if row[0] >= least][:MOST_LINES]
        top = max((part for part, _ in rows), default=1.0) or 1.0
        cells = [[label(row[0], 28), label(row[1], 18), *row[2:]] for _, row in rows]
        widths = [max(len(line[column]) for line in [HEADINGS, *cells]) for column in range(len(HEADINGS))]
        lines = [_line(HEADINGS, widths), "  ".join("─" * width for width in widths)]
        lines += [
            f"{_line(line, widths)}  {'█' * round(BAR * part / top)}".rstrip()
            for (part, _), line in zip(rows, cells, strict=True)
        ]
        if more > 0:
            lines.append(f"… and {more:,} faster layers")
        return "\n".join([self.message, "", *lines])

    def _repr_html_(self) -> str:
        rows = self._rows()
        top = max((part for part, _ in rows), default=1.0) or 1.0
        bars = "".join(
            f"<tr><td style='padding:1px 8px 1px 0'>{escape(label(row[0], 40))}</td>"
            f"<td style='width:220px'><div style='height:9px;border-radius:2px;background:#1976d2;"
            f"width:{100 * part / top:.1f}%'></div></td><td style='padding-left:8px'>{row[4]}</td></tr>"
            for part, row in sorted(rows, key=lambda row: -row[0])[:10]
        )
        opened = " open" if len(rows) <= 20 else ""
        return (
            f"<div style='font-size:13px'><b>{escape(label(self.message, 200))}</b>"
            f"<table style='color:inherit;font-size:inherit;margin:6px 0'>{bars}</table>"
            f"<details{opened}><summary>All {len(rows)} layers</summary>"
            f"<div style='overflow:auto;max-height:480px'>{table(HEADINGS, [row for _, row in rows], words=2)}</div>"
            "</details></div>"
        )


HEADINGS = ["layer", "type", "forward ms", "backward ms", "share"]


def measure(
    net: Net,
    iterations: int = 10,
    *,
    backward: bool | None = None,
    after_iteration: Callable[[int, float], object] | None = None,
) -> Times:
    """Run a net and take the time of every layer; in GPU mode each is waited for, which takes longer in all.

    One iteration before the first that counts compiles what is needed and fills the caches.

    Parameters
    ----------
    net : Net
        The net; its parameters, their diffs and the random state are put back at the end, blobs hold the last batch.
    iterations : int, default 10
        How many are timed, at least 1.
    backward : bool, optional
        Whether backward runs too; by default where the net's phase is TRAIN.
    after_iteration : callable, optional
        Called after each with its number and its seconds.

    Returns
    -------
    Times
        The seconds of every layer in every iteration; prints as a table of medians.

    Raises
    ------
    NetError
        For fewer than 1 iteration.
    Exception
        What a layer raises.
    """
    count = operator.index(iterations)
    if count < 1:
        raise NetError(f"cannot time {count} iterations; give a number from 1 up")
    if backward is None:
        backward = net.phase == Phase.TRAIN
    ways = ("forward", "backward") if backward else ("forward",)
    passes = {"forward": net.forward_pass, "backward": net.backward_pass}
    whole: dict[str, Seconds] = {way: np.zeros(count) for way in passes}
    with net.lock:
        kept = _Kept(net)
        watch = _Stopwatch(net, count)
        try:
            for number in range(-1, count):
                watch.row = number
                for way in ways:
                    begun = perf_counter()
                    passes[way]()
                    device.wait()
                    whole[way][number] = perf_counter() - begun  # -1 is overwritten by the last one
                if number >= 0 and after_iteration is not None:
                    after_iteration(number + 1, sum(float(times[number]) for times in whole.values()))
        finally:
            watch.stop()
            kept.put_back()
    types = [type(node.layer).__name__ if node.is_python else node.param.type for node in net.nodes]
    names = [node.name for node in net.nodes]
    return Times(net.name, names, types, *watch.seconds.values(), *whole.values())


class _Kept:
    """The parameters and the random state, to be put back: training is not to notice that somebody took the time."""

    def __init__(self, net: Net) -> None:
        blobs = {id(blob): blob for node in net.nodes for blob in node.layer.blobs}.values()
        self._values = [(blob, blob.const_data.copy(), blob.const_diff.copy()) for blob in blobs]
        self._random = rng.get_state(), np.random.get_state(legacy=False)

    def put_back(self) -> None:
        for blob, data, diff in self._values:
            blob.data = data
            blob.diff = diff
        rng.set_state(self._random[0])
        np.random.set_state(self._random[1])


class _Stopwatch:
    """Takes the seconds of every layer, through the net's hooks."""

    def __init__(self, net: Net, count: int) -> None:
        self.row = 0
        self.seconds: dict[str, Seconds] = {way: np.zeros((count, len(net.nodes))) for way in ("forward", "backward")}
        self._begun = 0.0
        self._hooks: list[tuple[list[Any], Callable[[int], object]]] = [
            (net.hooks.before_forward, self._begin),
            (net.hooks.before_backward, self._begin),
            (net.hooks.after_forward, lambda index: self._end("forward", index)),
            (net.hooks.after_backward, lambda index: self._end("backward", index)),
        ]
        for listeners, listener in self._hooks:
            listeners.append(listener)

    def stop(self) -> None:
        for listeners, listener in self._hooks:
            listeners.remove(listener)

    def _begin(self, _index: int) -> None:
        self._begun = perf_counter()

    def _end(self, way: str, index: int) -> None:
        device.wait()  # a layer has only told it what to do
        self.seconds[way][self.row, index] = perf_counter() - self._begun


def _ms(milliseconds: float) -> str:
    return f"{milliseconds:.3g}" if milliseconds < 1000 else f"{milliseconds:,.0f}"


def _line(cells: list[str], widths: list[int]) -> str:
    return "  ".join(
        cell.ljust(width) if column < 2 else cell.rjust(width)
        for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
    )
