"""Saying that kernels are being compiled, which happens once on a machine: a bar on a terminal and in a notebook."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

PATIENCE = 1.5
"""Seconds after the last kernel until the bar goes: the next one mostly comes within them."""


class _Bar:
    """How many kernels were compiled in this go; shown where somebody looks, and gone afterwards."""

    def __init__(self) -> None:
        self.quiet = 0
        self.compiled = 0
        self._lock = threading.Lock()
        self._bar: Any = None
        self._timer: threading.Timer | None = None

    def begin(self, name: str) -> None:
        """Show that a kernel is about to be compiled."""
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
            if self._bar is None and not self.quiet:
                self._bar = bar("caffe_nb compiles kernels, once on this machine")
            if self._bar is not None:
                self._bar.set_postfix_str(name)

    def end(self) -> None:
        """Show that it is compiled."""
        with self._lock:
            self.compiled += 1
            if self._bar is not None:
                self._bar.update()
                self._timer = threading.Timer(PATIENCE, self.close)
                self._timer.daemon = True
                self._timer.start()

    def close(self) -> None:
        """Take the bar away."""
        with self._lock:
            if self._bar is not None:
                self._bar.close()
            self._bar = None


_progress = _Bar()


def bar(title: str, total: int | None = None) -> Any:
    """Return a tqdm bar that a terminal or a notebook shows, and nothing else does: no log, no pipe.

    Parameters
    ----------
    title : str
        What is going on.
    total : int, optional
        How many kernels, or steps, it will be.
    """
    from tqdm import tqdm
    from tqdm.auto import tqdm as suitable

    plain = suitable.__mro__[1] is tqdm  # of a terminal; a notebook's has its own kind between
    hidden = (None if plain else False) if sys.stderr is not None else True  # None: unless it is a terminal
    return suitable(desc=title, total=total, unit="kernel", leave=False, disable=hidden)


@cache
def listen() -> None:
    """Hear of the kernels that Numba compiles; not of those that it finds on the disk. Numba is imported already."""
    from numba.core import event

    class Listener(event.Listener):
        def on_start(self, event: Any) -> None:
            if _ours(event):
                _progress.begin(event.data["dispatcher"].py_func.__name__.lstrip("_"))

        def on_end(self, event: Any) -> None:
            if _ours(event):
                _progress.end()

    event.register("numba:compile", Listener())  # type: ignore[no-untyped-call]


def _ours(event: Any) -> bool:
    return str(event.data["dispatcher"].py_func.__module__).startswith("caffe_nb.")


@contextmanager
def quietly() -> Iterator[None]:
    """Let somebody else show what goes on inside the block."""
    _progress.quiet += 1
    try:
        yield
    finally:
        _progress.quiet -= 1


def compiled() -> int:
    """Return how many kernels this process has compiled, not counting those found on the disk."""
    return _progress.compiled
