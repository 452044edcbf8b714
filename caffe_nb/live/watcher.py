"""Watching the folders that the live Python layers' code comes from."""

from __future__ import annotations

import atexit
import logging
import threading
from pathlib import Path

from watchfiles import Change, watch

from caffe_nb.live.host import Host

log = logging.getLogger("caffe_nb.live")

QUIET = 25
"""Milliseconds without a further change after which a burst of saves is over."""
LOOK = 1000
"""Milliseconds between two looks at the files where the system reports nothing (network drives)."""


class Watcher:
    """A daemon thread that tells the host when a Python file changes beside one that it tracks.

    Parameters
    ----------
    host : Host
        Takes the edits up.
    """

    def __init__(self, host: Host) -> None:
        self._host = host
        self._thread: threading.Thread | None = None
        self._wake = threading.Event()  # set: the folders may have changed, or it is over
        self._idle = threading.Event()
        self._running = False

    def start(self) -> None:
        """Start watching; once is enough."""
        if self._running:
            return
        self._running = True
        atexit.register(self.stop)
        self._wake.clear()
        self._thread = threading.Thread(target=self._run, name="caffe_nb.live", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop watching and wait for the thread."""
        self._running = False
        atexit.unregister(self.stop)
        self._wake.set()
        self._idle.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(5)
        self._thread = None

    def look(self) -> None:
        """Say that there may be other folders to watch now."""
        if self._running:
            self._wake.set()
            self._idle.set()

    def _run(self) -> None:
        while self._running:
            self._wake.clear()
            self._idle.clear()
            try:
                self._watch()
            except Exception:  # a folder vanished, or the system has no watches left
                log.debug("watching starts again", exc_info=True)
                self._host.take_up_quietly()
                self._idle.wait(LOOK / 1000)

    def _watch(self) -> None:
        folders = self._host.folders()
        if not folders:
            self._idle.wait(LOOK / 1000)
            return
        self._host.take_up_quietly()  # what was saved before the watch began
        for changes in watch(
            *folders,
            watch_filter=_is_python,
            step=QUIET,
            debounce=8 * QUIET,
            stop_event=self._wake,
            rust_timeout=LOOK,
            yield_on_timeout=True,
            raise_interrupt=False,
            recursive=False,
            ignore_permission_denied=True,
        ):
            self._host.take_up_quietly(retry=bool(changes))
            if self._host.folders() != folders:
                return


def _is_python(change: Change, path: str) -> bool:  # noqa: ARG001
    return Path(path).suffix == ".py"
