"""The live output of a run: a bar, the loss so far and its curve; text where there is no front end."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html import escape
from typing import Any

from tqdm import tqdm

REFRESH = 0.2
"""Seconds between two refreshes of the output, at least."""
PATIENCE = 1.0
"""Seconds of work before a bar is worth showing."""
_CURVE_POINTS = 240

Output = tuple[Callable[[], object], Callable[[], object]]
"""How to refresh what is shown, and how to end it."""


class Progress:
    """What a run has to show.

    Parameters
    ----------
    title : str
        The net's name.
    start, end : int
        First and last iteration of the run.
    """

    def __init__(self, title: str, start: int, end: int) -> None:
        self.title = title
        self.start, self.end = start, end
        self.iteration = start
        self.loss: float | None = None
        self.rate: float | None = None
        self.tests: list[str] = []
        self.notes: list[str] = []
        self.state = "running"
        self.began = time.perf_counter()
        self.seconds = 0.0
        self.changed: list[tuple[int, float]] = []
        self._every = 1
        self.refresh: Callable[[], object] = _nothing

    def advance(self, iteration: int, loss: float | None, rate: float | None) -> None:
        """Say that an iteration is done."""
        self.iteration, self.loss, self.rate = iteration, loss, rate
        self.seconds = time.perf_counter() - self.began
        if loss is not None and math.isfinite(loss) and iteration % self._every == 0:
            self.changed.append((iteration, loss))
            if len(self.changed) > _CURVE_POINTS:
                self.changed = self.changed[::2]
                self._every *= 2
        self.refresh()

    def test(self, iteration: int, index: int, outputs: dict[str, float]) -> None:
        """Say what a test net gave."""
        values = ", ".join(f"{name} {value:.4g}" for name, value in outputs.items())
        self.tests.append(f"test net {index} at iteration {iteration}: {values}")
        self.refresh()

    def note(self, text: str) -> None:
        """Add a line that stays: an edit that was taken up, an interrupt."""
        self.notes.append(text)
        self.refresh()

    def status(self) -> str:
        """Return the state in one line."""
        done = self.iteration - self.start
        words = [f"iteration {self.iteration} of {self.end}"]
        if self.loss is not None:
            words.append(f"loss {self.loss:.4g}")
        if self.rate is not None:
            words.append(f"lr {self.rate:.3g}")
        if done:
            took = f"{self.seconds:.1f} s" if self.seconds >= 1 else f"{1e3 * self.seconds:.0f} ms"
            words.append(f"{took}, {1e3 * self.seconds / done:.1f} ms an iteration")
        return ", ".join(words)

    def __repr__(self) -> str:
        lines = [f"{self.title}: {self.state}, {self.status()}", *self.tests[-3:], *self.notes]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        share = (self.iteration - self.start) / max(1, self.end - self.start)
        colour = {"running": "#1976d2", "done": "#2e7d32"}.get(self.state, "#c77700")
        lines = "".join(f"<div style='opacity:.85'>{escape(line)}</div>" for line in [*self.tests[-3:], *self.notes])
        return (
            "<div style='font-size:13px;max-width:640px'>"
            f"<div><b>{escape(self.title)}</b> <span style='color:{colour}'>{escape(self.state)}</span>"
            f" <span>{escape(self.status())}</span></div>"
            "<div style='height:6px;border-radius:3px;background:rgba(128,128,128,.25);margin:5px 0'>"
            f"<div style='height:6px;border-radius:3px;width:{100 * share:.1f}%;background:{colour}'></div></div>"
            f"{self._curve()}{lines}</div>"
        )

    def _curve(self) -> str:
        if len(self.changed) < 3:
            return ""
        losses = [loss for _, loss in self.changed]
        low, high = min(losses), max(losses)
        span = (high - low) or 1.0
        first, width = self.changed[0][0], self.changed[-1][0] - self.changed[0][0]
        points = " ".join(f"{572 * (x - first) / width:.1f},{52 - 48 * (y - low) / span:.1f}" for x, y in self.changed)
        return (
            f"<svg viewBox='0 0 640 56' style='width:100%;height:56px' role='img' aria-label='loss curve, from"
            f" {losses[0]:.4g} to {losses[-1]:.4g}'>"
            f"<polyline points='{points}' fill='none' stroke='#1976d2' stroke-width='1.5'/>"
            f"<text x='578' y='12' font-size='11' fill='currentColor' opacity='.7'>{high:.3g}</text>"
            f"<text x='578' y='54' font-size='11' fill='currentColor' opacity='.7'>{low:.3g}</text></svg>"
        )


@contextmanager
def shown(progress: Progress, *, quiet: bool = False) -> Iterator[None]:
    """Show a run while it goes on: as a live output in a notebook, as a text bar elsewhere."""
    refresh, close = (_nothing, _nothing) if quiet else _live_output(progress) or _text_bar(progress)
    last = 0.0

    def throttled() -> None:
        nonlocal last
        now = time.perf_counter()
        if now - last >= REFRESH:
            last = now
            refresh()

    progress.refresh = throttled
    try:
        yield
        progress.state = "done" if progress.iteration >= progress.end else "stopped"
    except BaseException as error:
        progress.state = "interrupted" if isinstance(error, KeyboardInterrupt) else f"stopped by {type(error).__name__}"
        raise
    finally:
        refresh()
        close()


@contextmanager
def ticking(title: str) -> Iterator[Callable[[int, int], None]]:
    """Show how far work has come that reports (done, total), once it takes longer than a moment; gone when it ends."""
    began = last = time.perf_counter()
    bar: tqdm[Any] | None = None

    def tick(done: int, total: int) -> None:
        nonlocal bar, last
        now = time.perf_counter()
        if now - began < PATIENCE or now - last < REFRESH:
            return
        last = now
        if bar is None:
            bar = tqdm(total=total, desc=title, leave=False, file=sys.stdout)
        bar.n = done
        bar.refresh()

    try:
        yield tick
    finally:
        if bar is not None:
            bar.close()


def _nothing() -> None:
    return


def _live_output(progress: Progress) -> Output | None:
    from IPython.core.getipython import get_ipython
    from IPython.display import display

    if getattr(get_ipython(), "kernel", None) is None:
        return None
    handle = display(progress, display_id=True)
    return (lambda: handle.update(progress)), _nothing


def _text_bar(progress: Progress) -> Output:
    bar = tqdm(total=progress.end - progress.start, desc=progress.title, leave=True)

    def refresh() -> None:
        bar.n = progress.iteration - progress.start
        bar.set_postfix_str("" if progress.loss is None else f"loss {progress.loss:.4g}", refresh=False)
        for text in (*progress.tests, *progress.notes):
            if text not in written:
                written.add(text)
                bar.write(text)
        bar.refresh()

    written: set[str] = set()
    return refresh, bar.close
