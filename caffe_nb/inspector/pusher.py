"""Sending what changes to whoever watches, from a thread of its own: a running net never waits for it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from caffe_nb.inspector.book import Book
from caffe_nb.inspector.describe import failed_layer, net_info
from caffe_nb.inspector.messages import NetList, Push
from caffe_nb.inspector.pieces import FailedLayer
from caffe_nb.inspector.watch import Watch
from caffe_nb.inspector.wire import to_wire
from caffe_nb.net.net import Net, live_nets

log = logging.getLogger("caffe_nb")

INTERVAL = 0.1
"""Least seconds between two pushes about a net."""
SHARE = 400
"""Pushes may take one part in so many of a processor's time, and come more rarely where they would take more."""
LONGEST = 0.4
"""Most seconds between two looks, however long they take."""
SILENCE = 0.5
"""Seconds without a push after which the list of nets is sent again: the number of a push tells that one was lost."""

Send = Callable[[dict[str, Any]], object]


class Pusher:
    """Pushes to any number of watchers.

    Parameters
    ----------
    book : Book
        Where the states of layers are kept.

    Notes
    -----
    While there are watchers, a thread looks at every live net, up to ten times a second, and sends what is new; what
    changed many times in between is sent once, and the last change is always sent. Without watchers there is no thread
    and no hook on any net.
    """

    def __init__(self, book: Book) -> None:
        self._book = book
        self._watchers: dict[Send, int] = {}
        self._watches: dict[str, Watch] = {}
        self._inspect: str | None = None
        self._listed: list[tuple[str, FailedLayer | None]] | None = None
        self._pushed_at = 0.0
        self._guard = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def watched(self) -> bool:
        """Whether anybody watches."""
        return bool(self._watchers)

    def add(self, send: Send) -> None:
        """Begin to push to `send`; it is called with ``{"seq": int, "push": Push}`` from another thread.

        The first push is the list of nets, then comes the state of each.
        """
        self._book.histories.open()
        with self._guard:
            self._watchers[send] = 0
            self._listed = None
            for watch in self._watches.values():
                watch.refresh()
            if self._thread is None:
                self._stop = threading.Event()
                self._thread = threading.Thread(
                    target=self._run, args=(self._stop,), name="caffe_nb pusher", daemon=True
                )
                self._thread.start()

    def remove(self, send: Send) -> None:
        """Push no more to `send`; returns at once, and the hooks go with the last watcher."""
        with self._guard:
            self._watchers.pop(send, None)
            if self._watchers or self._thread is None:
                return
            self._stop.set()
            self._thread = None
            for watch in self._watches.values():
                watch.close()
            self._watches.clear()

    def show(self, net_id: str) -> None:
        """Push the list of nets with the wish that this one be shown."""
        self._inspect = net_id
        self._listed = None

    def _run(self, stop: threading.Event) -> None:
        while True:
            began = time.thread_time()
            try:
                with self._guard:
                    if stop.is_set():
                        return
                    pushes = self._look()
                for push in pushes:
                    self._send(push)
            except Exception:  # a look may fall into the middle of a change; the next one comes soon
                log.debug("a look at the nets failed", exc_info=True)
            if stop.wait(min(LONGEST, max(INTERVAL, SHARE * (time.thread_time() - began)))):
                return

    def _look(self) -> list[Push]:
        nets = live_nets()
        pushes: list[Push] = []
        listed = [(net.id, failed_layer(net, self._book)) for net in nets]
        for gone in self._watches.keys() - {net.id for net in nets}:
            del self._watches[gone]
        for net in nets:
            if net.id not in self._watches:
                self._watches[net.id] = Watch(net, self._book.record(net))
        if listed != self._listed:
            inspect, self._inspect = self._inspect, None
            self._listed = listed
            pushes.append(net_list(nets, inspect, self._book))
        now = time.perf_counter()
        found = [watch.update(now) for watch in self._watches.values()]
        pushes += [update for update in found if update is not None]
        if not pushes and now - self._pushed_at >= SILENCE:
            pushes.append(net_list(nets, None, self._book))
        if pushes:
            self._pushed_at = now
        return pushes

    def _send(self, push: Push) -> None:
        body = to_wire(push)
        for send in tuple(self._watchers):
            number = self._watchers.get(send)
            if number is None:
                continue
            try:
                send({"seq": number + 1, "push": body})
            except Exception:
                log.debug("a watcher is gone", exc_info=True)
                self.remove(send)
            else:
                with self._guard:
                    if send in self._watchers:
                        self._watchers[send] = number + 1


def net_list(nets: list[Net], inspect: str | None, book: Book) -> NetList:
    """Return the list of nets for the panel."""
    return NetList(nets=[net_info(net, book) for net in nets], inspect=inspect)
