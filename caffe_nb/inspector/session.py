"""One kernel's side of the inspector: requests in, replies and pushes out. How they travel is the caller's business."""

from __future__ import annotations

import time
import traceback
import weakref
from collections.abc import Callable
from typing import Any, assert_never

import msgspec

from caffe_nb import live
from caffe_nb.check import GradientReport, check_node
from caffe_nb.errors import CaffeError, NetError
from caffe_nb.inspector import distribution, messages, tensors, training, training_messages, versions
from caffe_nb.inspector.book import Book, check_message, export_check
from caffe_nb.inspector.control import control_of
from caffe_nb.inspector.describe import find_net, find_node, graph
from caffe_nb.inspector.mailbox import ask
from caffe_nb.inspector.pusher import Pusher, net_list
from caffe_nb.inspector.source import layer_text, source_text
from caffe_nb.inspector.wire import to_wire
from caffe_nb.net.net import Net, live_nets

Answer = tuple[messages.Reply, list[bytes] | None]
"""A reply, and the values of its tensors."""

TIMEOUT = 10.0
"""Seconds that a running net has to come to a question."""
PATIENCE = 30.0
"""Seconds that comparing gradients element by element may take for a panel, which cannot interrupt it."""


class Envelope(msgspec.Struct, forbid_unknown_fields=True):
    """A request as it comes."""

    id: int
    request: messages.Request


class Session:
    """Serves the panels of one kernel.

    Attributes
    ----------
    pusher : Pusher
        Takes watchers.
    on_show : list of callables
        Called without arguments when a net is to be shown: who carries the messages says hello again.
    """

    def __init__(self) -> None:
        self._book = Book()
        self._book.open()
        self.pusher = Pusher(self._book)
        self.on_show: list[Callable[[], object]] = []
        self._shown: weakref.ref[Net] | None = None

    def handle(self, data: object) -> tuple[dict[str, Any], list[bytes]]:
        """Answer one request; never raises for anything that a request or a net may bring.

        Parameters
        ----------
        data : object
            ``{"id": int, "request": Request}``, not yet trusted.

        Returns
        -------
        dict
            ``{"id": int, "version": str, "reply": Reply}``; a `Failed` reply says in words what went wrong.
        list of bytes
            The values of each tensor, little-endian float32; else empty.
        """
        number = data.get("id") if isinstance(data, dict) else None
        number = number if isinstance(number, int) and not isinstance(number, bool) else -1
        values: list[bytes] | None = None
        try:
            envelope = msgspec.convert(data, Envelope)
            reply, values = self._serve(envelope.request)
        except msgspec.ValidationError as error:
            reply = messages.Failed(f"the request is not understood: {error}")
        except Exception as error:
            reply = messages.Failed(_words(error))
        return {
            "id": number,
            "version": messages.VERSION,
            "reply": to_wire(reply),
        }, values or []

    @property
    def book(self) -> Book:
        """What is known about the nets' layers."""
        return self._book

    def show(self, net: Net) -> None:
        """Ask the panel to open and show this net; one that connects later is asked, too."""
        self._shown = weakref.ref(net)
        self._book.record(net)
        self._book.histories.open()
        self.pusher.show(net.id)
        for listener in self.on_show:
            listener()

    def follow(self, old: object, new: Net) -> None:
        """Show the net that took an old one's place, where the old one was to be shown."""
        if old is not None and self._shown is not None and self._shown() is old:
            self._shown = weakref.ref(new)
            self._book.record(new)
            self.pusher.show(new.id)

    def close(self) -> None:
        """Stop listening."""
        self._book.close()

    def _serve(self, request: messages.Request) -> Answer:
        match request:
            case messages.ListNets():
                return self._nets(), None
            case messages.GetGraph():
                net = find_net(request.net)
                return ask(net, lambda: graph(net, self._book), TIMEOUT), None
            case messages.GetTensors():
                return tensors.answer(request, self._book, TIMEOUT)
            case messages.GetDistribution():
                return distribution.answer(request, self._book), None
            case messages.GetSource():
                return source_text(find_node(find_net(request.net), request.layer)), None
            case messages.GetLayerText():
                return layer_text(find_node(find_net(request.net), request.layer)), None
            case messages.SetParamStr():
                net = find_net(request.net)
                note = live.set_param_str(net, request.layer, request.text, TIMEOUT)
                return layer_text(find_node(net, request.layer), note), None
            case messages.CheckLayer():
                return self._check(request), None
            case messages.Drive() | messages.SetBreaks():
                return _drive(request), None
            case messages.ExportCheck():
                net = find_net(request.net)
                path = export_check(self._book.record(net), find_node(net, request.layer))
                return messages.Exported(path=str(path)), None
            case messages.GetVersions() | messages.CompareVersions() | messages.RollBack():
                return versions.answer(request), None
            case (
                training_messages.GetHistory()
                | training_messages.GetHealth()
                | training_messages.GetLayerHealth()
                | training_messages.SetTraining()
                | training_messages.Rewind()
            ):
                return training.answer(request, self._book), None
            case _:
                assert_never(request)

    def _nets(self) -> messages.NetList:
        nets = live_nets()
        for net in nets:
            self._book.record(net)
        shown = self._shown() if self._shown else None
        return net_list(nets, shown.id if shown else None, self._book)

    def _check(self, request: messages.CheckLayer) -> messages.Reply:
        net = find_net(request.net)
        node = find_node(net, request.layer)
        progress = _patience(node.name) if request.full else None
        report = ask(net, lambda: check_node(net, node.index, full=request.full, progress=progress), TIMEOUT)
        return messages.Checked(net=net.id, layer=node.index, check=check_message(report, node))


def _patience(layer: str) -> Callable[[int, int], None]:
    """Return a progress that ends a check as soon as it is seen to take too long."""
    began = time.monotonic()

    def tick(done: int, total: int) -> None:
        spent = time.monotonic() - began
        if spent > PATIENCE / 60 and spent * total / max(done, 1) > PATIENCE:
            raise NetError(
                f"comparing {total} elements one by one would take about {spent * total / max(done, 1):.0f} s, and the"
                f" panel waits {PATIENCE:.0f} s: %caffe_check NET {layer} --full in the notebook shows a progress bar"
            )

    return tick


_serving: Session | None = None


def serving() -> Session:
    """Return the session that serves this process's panels."""
    global _serving
    if _serving is None:
        _serving = Session()
    return _serving


def show(net: Net) -> None:
    """Ask the panel to open on a net; what `%caffe_inspect` calls.

    Parameters
    ----------
    net : Net
        The net to look into. A panel that connects later opens on it, too.
    """
    serving().show(net)


def follow(old: object, new: Net) -> None:
    """Let the panel go on to a net that was built anew.

    Parameters
    ----------
    old : object
        What had the name before; nothing happens unless it is the net that the panel was asked to show.
    new : Net
        The net that took its place.
    """
    serving().follow(old, new)


def last_reports(net: Net) -> list[GradientReport]:
    """Return the last gradient checks of the net's layers that the inspector has seen, in the layers' order."""
    if _serving is None:
        return []
    reports = _serving.book.record(net).reports
    return [reports[index] for index in sorted(reports)]


def _drive(request: messages.Drive | messages.SetBreaks) -> messages.Driven:
    control = control_of(find_net(request.net))
    if isinstance(request, messages.Drive):
        control.act(request.action, request.layer)
    else:
        control.set_breaks(request.breaks)
    return messages.Driven(request.net)


def _words(error: Exception) -> str:
    if isinstance(error, CaffeError):
        return str(error)
    text = "".join(traceback.format_exception_only(error)).strip()
    return f"the request could not be served: {text}"
