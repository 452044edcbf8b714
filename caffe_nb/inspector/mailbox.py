"""Asking a net that may be running: a question is answered between two of its layers."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar
from weakref import WeakSet

from caffe_nb.errors import CaffeError
from caffe_nb.net.net import Net

Result = TypeVar("Result")

POLL = 0.02
"""Seconds between looks at whether the net has come free; a running net answers without them."""
SHORT = 0.2
"""Seconds to wait for a layer that may never return: other questions wait behind this one."""
PATIENCE = 2.0
"""Seconds that a question waits for its moment, as one about gradients for the end of a pass; then any will do."""


held: WeakSet[Net] = WeakSet()
"""Nets that are stopped between two layers, and answer there: nothing changes for the one who waits."""


class BusyError(CaffeError):
    """A net did not get to a question in time; the message says what it is doing."""


class _Letter(Generic[Result]):
    """A question; whoever claims it first answers it, or gives it up."""

    def __init__(self, question: Callable[[], Result]) -> None:
        self._question = question
        self._claim = threading.Lock()
        self._result: Result | None = None
        self._error: Exception | None = None
        self.done = threading.Event()

    def claim(self) -> bool:
        return self._claim.acquire(blocking=False)

    def answer(self) -> None:
        """Call the question, unless somebody did or it was given up."""
        if not self.claim():
            return
        try:
            self._result = self._question()
        except Exception as error:
            self._error = error
        except BaseException:  # an interrupt, meant for the thread that happened to answer
            self._error = BusyError("the answer was interrupted; ask again")
            raise
        finally:
            self.done.set()

    def result(self) -> Result:
        if self._error is not None:
            raise self._error
        return self._result  # type: ignore[return-value]


class _AtItsMoment:
    """Answers when what is asked for is there; gradients are when a net has just come to the end of a backward pass."""

    def __init__(self, net: Net, letter: _Letter[Result], ready: Callable[[], bool], about_gradients: bool) -> None:
        self._net, self._letter, self._ready, self._about_gradients = net, letter, ready, about_gradients
        self._backward = False
        self._until = time.monotonic() + PATIENCE

    def __call__(self) -> None:
        was, self._backward = self._backward, self._net.awaiting_backward
        ended = (was and not self._backward) or not self._about_gradients
        if (ended and self._ready()) or self._net in held or time.monotonic() > self._until:
            self._letter.answer()


def ask(
    net: Net,
    question: Callable[[], Result],
    timeout: float = 10.0,
    *,
    about_gradients: bool = False,
    ready: Callable[[], bool] = lambda: True,
) -> Result:
    """Return what `question` returns, called at a moment when no layer of the net runs.

    When nobody runs the net, that is at once, in the calling thread and under the net's lock. Otherwise the thread that
    runs the net answers on its way from one layer to the next; it looks only while somebody asks.

    Parameters
    ----------
    net : Net
        The net that the question looks into.
    question : callable
        Called without arguments, in this thread or in the net's.
    timeout : float, default 10
        Seconds to wait for such a moment, far less where one layer has been running for as long; an answer that has
        begun is waited for.
    about_gradients : bool, default False
        Whether a running net should answer at the end of a backward pass: at other times its solver has cleared the
        parameters' diffs, or only some of them are there. A net that does not run backward answers a little later.
    ready : callable, optional
        Says between two layers of a running net, and where nobody runs it, whether what is asked for is there; it is
        waited for a little.

    Raises
    ------
    BusyError
        When there was no such moment; says which layer is running, and since when.
    Exception
        What `question` raises.
    """
    letter = _Letter(question)
    if ready() and _answer_here(net, letter):
        return letter.result()
    hooks = net.hooks.between_layers  # the net goes through a copy of it
    answer = _AtItsMoment(net, letter, ready, about_gradients)
    hooks.append(answer)
    try:
        asked, before = time.perf_counter(), _moved(net)
        while not letter.done.wait(POLL):
            now = _moved(net)
            stands, before = now == before, now  # else somebody runs pass after pass in a loop of their own
            if (stands or ready()) and _answer_here(net, letter):
                break
            if _is_vain(net, asked, timeout) and letter.claim():
                raise BusyError(_doing(net, timeout))
    finally:
        hooks.remove(answer)
    return letter.result()


def _answer_here(net: Net, letter: _Letter[Result]) -> bool:
    if not net.lock.acquire(blocking=False):
        return False
    try:
        letter.answer()
    finally:
        net.lock.release()
    return letter.done.is_set()


def _moved(net: Net) -> tuple[object, int]:
    """Return what changes with every layer that runs."""
    last = net.last
    return last, net.nodes[last[0]].ran if last else 0


def _is_vain(net: Net, asked: float, timeout: float) -> bool:
    """Whether to give up: after `timeout`, or soon where one layer has already been running for as long."""
    now, running = time.perf_counter(), net.running
    return now - asked > timeout or (running is not None and now - running[2] > timeout and now - asked > SHORT)


def _doing(net: Net, timeout: float) -> str:
    running = net.running
    if running is None:
        return f"net '{net.name}' is in use and gave no answer within {timeout:.0f} s; try again"
    index, direction, since = running
    where = net.nodes[index].where if index < len(net.nodes) else f"layer {index}"
    return (
        f"{where} has been running {direction} for {time.perf_counter() - since:.0f} s;"
        " the net answers when the layer is done, or interrupt the kernel"
    )
