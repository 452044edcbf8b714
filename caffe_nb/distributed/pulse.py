"""Signs of life between processes: a wait that gets long asks the others what they do."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
import traceback
from collections.abc import Iterable
from typing import Any

from caffe_nb.distributed.communicator import gather
from caffe_nb.distributed.faults import Fault, Hung, own_name
from caffe_nb.distributed.mpi import MPICommunicator
from caffe_nb.distributed.supervise import orphaned
from caffe_nb.net import Net

PATIENCE = float(os.environ.get("CAFFE_NB_PATIENCE", "6"))
"""Seconds that one call of a layer may take while others wait for it; more where that layer took long before."""
FIRST = 60.0
"""Seconds for a built-in layer's first call, which may compile its kernels, and for what is done between layers."""
BUILDING = 20 * PATIENCE
"""Seconds for what is done before training: reading the files, building and comparing the nets."""
TIMES = 4.0
"""How many times as long as ever before a layer may take."""
ASK_AFTER, ASK_EVERY, LISTEN = 1.0, 1.0, 0.25
SILENT = 6
"""Questions without an answer after which a process counts as hung: it holds Python's lock, or has stopped."""
_ASK, _ANSWER = 1, 2


class Pulse:
    """Answers and asks, in a thread; `with pulse:` around what it watches.

    Parameters
    ----------
    comm : MPICommunicator
        The processes; its long waits are watched. What is done until `follow` is called counts as building.
    """

    def __init__(self, comm: MPICommunicator) -> None:
        self._comm = comm
        self._names = gather(comm, own_name())
        self._nets: list[Net] = []
        self._longest: dict[tuple[int, int, str], float] = {}
        self._answers: dict[int, tuple[float, dict[str, Any]]] = {}
        self._sent: list[Any] = []
        self._unanswered = dict.fromkeys(self._others(), 0)
        self._asked = 0.0
        self._sign = 0.0  # when the watched thread last began or ended something
        self._end = threading.Event()
        self._thread: threading.Thread | None = None

    def follow(self, nets: Iterable[Net]) -> None:
        """Watch these nets' layers, which the calling thread runs from now on."""
        self._nets = list(nets)
        for net in self._nets:
            for method in ("forward", "backward"):
                _Times(net, method, self)

    def __enter__(self) -> None:
        self._watched = threading.get_ident()
        self._sign = time.perf_counter()
        self._end.clear()
        self._comm.on_long_wait = self._long_wait
        self._thread = threading.Thread(target=self._listen, name="caffe-pulse", daemon=True)
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._comm.on_long_wait = None
        self._end.set()
        if self._thread is not None:
            self._thread.join()

    def ran(self, net: Net, index: int, method: str, seconds: float) -> None:
        """Hear how long a layer took."""
        key = (net.number, index, method)
        self._longest[key] = max(seconds, self._longest.get(key, 0.0))
        self._sign = time.perf_counter()

    # asking

    def _long_wait(self, waited: float) -> None:
        """Ask the others from time to time.

        Raises
        ------
        Hung
            When one of them is stuck, or does not answer.
        """
        now = self._sign = time.perf_counter()
        if waited < ASK_AFTER or now - self._asked < ASK_EVERY:
            return
        faults = [fault for rank in self._others() if (fault := self._fault(rank, now - waited)) is not None]
        if faults:
            raise Hung(faults)
        self._asked = now
        for rank in self._others():
            self._unanswered[rank] += 1
            self._send(b"?", rank, _ASK)

    def _others(self) -> Iterable[int]:
        return (rank for rank in range(self._comm.size) if rank != self._comm.rank)

    def _fault(self, rank: int, began: float) -> Fault | None:
        """Return what is wrong with a process, from what it answered since a wait began."""
        if self._unanswered[rank] >= SILENT:
            seconds = SILENT * ASK_EVERY
            return Fault(rank, self._names[rank], f"gives no sign of life for {seconds:.0f} s")
        when, state = self._answers.get(rank, (0.0, {}))
        if when > began and state.get("stuck"):
            return Fault(rank, self._names[rank], state["message"], state["traceback"])
        return None

    # answering

    def _listen(self) -> None:
        while not self._end.wait(LISTEN):
            if orphaned():
                os._exit(1)
            while (message := self._received()) is not None:
                rank, tag, content = message
                if tag == _ASK:
                    self._send(json.dumps(self._state()).encode(), rank, _ANSWER)
                else:
                    self._answers[rank] = time.perf_counter(), json.loads(content)
                    self._unanswered[rank] = 0

    def _received(self) -> tuple[int, int, bytes] | None:
        from mpi4py import MPI

        with self._comm.lock:
            status = MPI.Status()
            if not self._comm.control.Iprobe(status=status):
                return None
            content = bytearray(status.Get_count(MPI.BYTE))
            self._comm.control.Recv([content, MPI.BYTE], status.Get_source(), status.Get_tag())
        return status.Get_source(), status.Get_tag(), bytes(content)

    def _send(self, content: bytes, rank: int, tag: int) -> None:
        from mpi4py import MPI

        with self._comm.lock:
            self._sent = [request for request in self._sent if not request.Test()]
            self._sent.append(self._comm.control.Isend([content, MPI.BYTE], rank, tag))

    def _state(self) -> dict[str, Any]:
        """Return what the watched thread does, as others are told."""
        seconds, allowed, where = self._at_work()
        if self._comm.waiting or seconds <= allowed:
            return {"stuck": False}
        frames = traceback.format_stack(sys._current_frames().get(self._watched))
        return {
            "stuck": True,
            "message": f"hangs: {where} for {seconds:.0f} s, longer than the {allowed:.0f} s that others wait for it"
            " (CAFFE_NB_PATIENCE sets the seconds)",
            "traceback": "".join(["Its stack:\n", *frames[-12:]]),
        }

    def _at_work(self) -> tuple[float, float, str]:
        """Return for how long the watched thread has been at something, how long it may, and at what."""
        now = time.perf_counter()
        for net in self._nets:
            running = net.running
            if running is not None:
                index, method, began = running
                node = net.nodes[index]
                longest = self._longest.get((net.number, index, method))
                least = FIRST if longest is None and not node.is_python else PATIENCE
                return now - began, max(least, TIMES * (longest or 0.0)), f"{method} of {node.where} runs"
        if not self._nets:
            return now - self._sign, BUILDING, "the net is being built"
        return now - self._sign, max(FIRST, PATIENCE), "something between the layers runs"


class _Times:
    """Tells a pulse how long the layers of a net take."""

    def __init__(self, net: Net, method: str, pulse: Pulse) -> None:
        self._net, self._method, self._pulse = net, method, pulse
        self._began = 0.0
        getattr(net.hooks, f"before_{method}").append(self._before)
        getattr(net.hooks, f"after_{method}").append(self._after)

    def _before(self, _index: int) -> None:
        self._began = time.perf_counter()

    def _after(self, index: int) -> None:
        self._pulse.ran(self._net, index, self._method, time.perf_counter() - self._began)
