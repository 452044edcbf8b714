"""The loop over the layers of a net: who listens, what is put back when a layer raises, where the pass stops."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextvars import Token, copy_context
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from caffe_nb import device
from caffe_nb.core.deferred import Checks
from caffe_nb.core.hooks import Callback, NetHooks
from caffe_nb.core.layer import Phase
from caffe_nb.core.memory import layout
from caffe_nb.errors import CaffeError, ShapeError
from caffe_nb.layers import changes
from caffe_nb.net import debug, stale
from caffe_nb.net.build import Node
from caffe_nb.net.guard import OURS, Guard, randoms

if TYPE_CHECKING:
    from caffe_nb.net.chains import Chains

_numbers = itertools.count(1)
FIRST_RUN = (
    "this is the first run of new code: what it had touched is as before. Save a mended version and run again, or go"
    " back with %caffe_reload --rollback"
)


@dataclass(frozen=True)
class Pause:
    """Where a pass stopped.

    Attributes
    ----------
    method : str
        "forward" or "backward".
    index : int
        Index of the layer that did not run through.
    layer : str
        Its name.
    end : int
        Index of the layer that the pass was to end with.
    start : int
        Index of the layer that it began with.
    """

    method: str
    index: int
    layer: str
    end: int
    start: int


class Running:
    """What a net is while it runs: its layers in their places, who listens, who holds it.

    Attributes
    ----------
    phase : Phase
        TRAIN or TEST.
    nodes : list of Node
        The layers in their places.
    hooks : NetHooks
        Where others listen.
    lock : threading.RLock
        Held by whoever runs a pass; a solver holds it while it steps.
    awaiting_backward : bool
        A forward ran through whose backward has not.
    paused : Pause or None
        Where the last pass was stopped by an exception or an interrupt; `resume` goes on from there.
    interrupted : bool
        Set from a signal handler: the running pass raises KeyboardInterrupt before its next layer.
    number : int
        What tells the nets of this process apart, from 1.
    revision : int
        Grows when a pass changes the shape of a blob.
    debug_info : bool
        Whether passes log the mean absolute value of what every layer writes (logger "caffe_nb", level INFO).
    """

    def __init__(self, phase: Phase) -> None:
        self.phase = phase
        self.number = next(_numbers)
        self.nodes: list[Node] = []
        self.hooks = NetHooks()
        self.lock = threading.RLock()
        self.awaiting_backward = False
        self.paused: Pause | None = None
        self.interrupted = False
        self.revision = 0
        self.debug_info = False
        self._guard = Guard()  # of the Python layer that runs
        self._contents: stale.Contents | None = None  # of the blobs when the pass paused
        self._node: Node | None = None  # what runs, or ran last
        self._pass = ("", 0, 0)  # its direction, and the layers that the pass was to begin and to end with
        self._since = 0.0  # by `time.perf_counter`, while a layer runs; else 0
        self._memories = stale.Memories()
        self._checks = Checks()
        self._heard = False  # a listener was called in this pass: it may have written
        self._chains: Chains | None = None  # found at the first pass

    @property
    def running(self) -> tuple[int, str, float] | None:
        """Layer index, "forward" or "backward", and `time.perf_counter` at the start of the layer that runs now."""
        node, since = self._node, self._since
        return (node.index, self._pass[0], since) if node is not None and since else None

    @property
    def last(self) -> tuple[int, str] | None:
        """Index and direction of the layer that runs now, or ran last; None before the first."""
        return None if self._node is None else (self._node.index, self._pass[0])

    # The two loops take what a layer costs beside its own work to the least: what does not change from layer to layer
    # is done before, and what depends on shapes, sharing and code is worked out anew when `layout` says that it may
    # have changed.

    def _run_forward(self, nodes: Sequence[Node], start: int, end: int) -> Any:
        __tracebackhide__ = True
        checks = self._begin("forward", start, end)
        hooks, guard, debugging, quietly = self.hooks, self._guard, self.debug_info and debug.enabled(), _quietly()
        before, after, between, timed = hooks.before_forward, hooks.after_forward, hooks.between_layers, hooks.timed
        now, tick, own, method = time.perf_counter, stale.clock, len(OURS), ""
        loss: Any = 0.0
        try:
            for node in self._chained(nodes, debugging):
                self._node = node
                if self.interrupted:
                    self._stop_here()
                if before or self._heard:
                    self._tell_before(before, node)
                layer, bottoms, tops = node.layer, node.bottoms, node.tops
                if node.is_python:
                    if (
                        guard.simple is not randoms.states
                        or randoms.last.value != randoms.seen
                        or not (node.lone and node.layout == layout.changes and len(layer.__dict__) == own)
                    ):
                        guard.take(node, "forward")
                    self._since, method = now(), "reshape"
                    layer.reshape(bottoms, tops)
                    method = "forward"
                    layer.forward(bottoms, tops)
                else:
                    self._since, method = now(), "reshape"
                    if node.reshapes:
                        quietly(layer.reshape, bottoms, tops)
                    method = "forward"
                    quietly(layer.forward, bottoms, tops)
                since, self._since, method = self._since, 0.0, ""
                if node.layout != layout.changes and node.look():
                    self.revision += 1
                for memory in node.memories:  # what it took or wrote is its own doing
                    memory.known = memory.version
                node.ran, node.changed = tick(), False
                if not node.plain:
                    stale.settle(node, self.number)
                    node.tried("reshape", "forward")
                    loss += weighted_sum(node)
                if debugging:
                    debug.forward(node)
                if after or between or timed:
                    self._tell_after(after, node, now() - since)
        except BaseException as error:
            if method:  # else it is an interrupt between layers, or a listener's
                self._failed(node, method, error, guarded=node.is_python)
            raise
        finally:
            self._checks.end(checks)
        self.awaiting_backward = self.phase == Phase.TRAIN and end == len(self.nodes) - 1
        return loss

    def _run_backward(self, nodes: Sequence[Node], start: int, end: int) -> None:
        __tracebackhide__ = True
        checks = self._begin("backward", start, end)
        hooks, guard, debugging, quietly = self.hooks, self._guard, self.debug_info and debug.enabled(), _quietly()
        before, after, between, timed = hooks.before_backward, hooks.after_backward, hooks.between_layers, hooks.timed
        now, own, method = time.perf_counter, len(OURS), ""
        try:
            for node in self._chained(nodes, debugging):
                if not node.needs_backward:
                    continue
                self._node = node
                if self.interrupted:
                    self._stop_here()
                if before or self._heard:
                    self._tell_before(before, node)
                if node.is_python:
                    if (
                        guard.simple is not randoms.states
                        or randoms.last.value != randoms.seen
                        or not (node.lone and node.layout == layout.changes and len(node.layer.__dict__) == own)
                    ):
                        guard.take(node, "backward")
                    self._since, method = now(), "backward"
                    node.layer.backward(node.tops, node.propagate_down[:], node.bottoms)
                else:
                    self._since, method = now(), "backward"
                    quietly(node.layer.backward, node.tops, node.propagate_down[:], node.bottoms)
                since, self._since, method = self._since, 0.0, ""
                if node.layout != layout.changes and node.look():
                    self.revision += 1
                for memory in node.memories:
                    memory.known = memory.version
                if not node.plain:
                    stale.settle(node, self.number)
                    node.tried("backward")
                if debugging:
                    debug.backward(node)
                if after or between or timed:
                    self._tell_after(after, node, now() - since)
        except BaseException as error:
            if method:
                self._failed(node, method, error, guarded=node.is_python)
            raise
        finally:
            self._checks.end(checks)

    def _chained(self, nodes: Sequence[Node], debugging: bool) -> Iterable[Node]:
        """Return the layers of a pass, with those as one that can be while nobody looks between them."""
        if self._chains is None:
            from caffe_nb.net.chains import Chains  # at the first pass: it needs the layer types that can be in one

            self._chains = Chains(self.nodes)
        if debugging or not self._chains or device.current() is not None:
            return nodes
        hooks = self.hooks
        if self._pass[0] == "forward":
            return self._chains.forward(
                nodes, lambda: bool(hooks.before_forward or hooks.after_forward or hooks.between_layers)
            )
        return self._chains.backward(
            nodes, lambda: bool(hooks.before_backward or hooks.after_backward or hooks.between_layers)
        )

    def settle(self) -> None:
        """Wait for the device, and raise what a layer has refused there since the last time.

        Raises
        ------
        CaffeError
            With the layer's place. On the CPU there is never anything: a layer raises while it runs.
        """
        __tracebackhide__ = True
        self._checks.settle()

    def _begin(self, direction: str, start: int, end: int) -> Token[Checks | None]:
        """Before a pass: what was written until now, others wrote; what a device checks is this net's."""
        self._pass = (direction, start, end)
        self._heard = False
        randoms.look()
        stale.notice(self._memories.of(self.nodes))
        return self._checks.begin(self._where)

    def _where(self) -> str:
        return "" if self._node is None else self._node.where

    def _tell_before(self, listeners: Iterable[Callback], node: Node) -> None:
        """Tell listeners that a layer is about to run; what any of them wrote since the pass began, others wrote."""
        self._heard = True
        for listener in tuple(listeners):
            listener(node.index)
        stale.notice(stale.memories([node]))

    def _tell_after(self, listeners: Sequence[Callback], node: Node, seconds: float) -> None:
        for timer in tuple(self.hooks.timed):
            timer(node.indices, self._pass[0], seconds)
        if listeners or self.hooks.between_layers:
            self._heard = True
            for listener in tuple(listeners):
                listener(node.index)
            self._notify(self.hooks.between_layers)

    @staticmethod
    def _notify(listeners: Iterable[Callable[[], object]]) -> None:
        for listener in tuple(listeners):
            listener()

    def _call(self, node: Node, method: str, call: Callable[..., None], *args: Any) -> None:
        """Run a layer's method outside of a pass; exceptions leave with the layer's place, and the net stays usable."""
        __tracebackhide__ = True
        self._node, self._pass, self._since = node, ("forward", node.index, node.index), time.perf_counter()
        try:
            if node.is_python:
                call(*args)
            else:
                _quietly()(call, *args)
        except BaseException as error:
            self._failed(node, method, error, guarded=False)
            raise
        self._since = 0.0
        node.tried(method)

    def _failed(self, node: Node, method: str, error: BaseException, *, guarded: bool) -> None:
        """Put back what a layer's method left half done, pause before the layer, and say where in the exception.

        The exception is raised by who calls, unless another one goes in its place.
        """
        __tracebackhide__ = True
        self._since = 0.0
        first_run = method in node.untried
        if method == "forward":
            node.tried("reshape")
        if guarded:
            self._guard.put_back(node.layer)
            stale.settle(node, self.number)
        self._pause(stopped_half=not guarded and method == "backward" and not isinstance(error, Exception))
        raised = placed(error, node, method)
        if first_run and isinstance(error, Exception):
            raised.add_note(FIRST_RUN)
        for listener in self.hooks.layer_error:
            listener(node.index, method, raised)
        if raised is not error:
            raise raised from error

    def _stop_here(self) -> None:
        self.interrupted = False
        self._pause()
        raise KeyboardInterrupt

    def stop_at(self, error: BaseException, *, anew: bool = False) -> NoReturn:
        """Raise at the layer that has just run, and pause there as if it had raised itself: it is to run again.

        For listeners that are called after a layer.

        Parameters
        ----------
        error : BaseException
            What is raised.
        anew : bool, default False
            Whether there is no going on: the next pass begins at its start.
        """
        __tracebackhide__ = True
        node = self._node
        assert node is not None
        node.ran = 0  # what it wrote is not what a forward should give
        self._pause(stopped_half=anew)
        for listener in self.hooks.layer_error:
            listener(node.index, self._pass[0], error)
        raise error

    def _pause(self, *, stopped_half: bool = False) -> None:
        """Note where the pass stops; a built-in layer that was torn out of its backward can only begin anew."""
        direction, start, end = self._pass
        node = self._node
        self.paused = None if stopped_half or node is None else Pause(direction, node.index, node.name, end, start)
        self._contents = stale.Contents(self.nodes)


def weighted_sum(node: Node) -> Any:
    """Return what a layer's tops add to the net's loss; on a device, for which nobody waits, an array without axes."""
    loss: Any = 0.0
    for top, weight in zip(node.tops, node.loss_weights, strict=False):
        if weight:
            part = np.vdot(top.const_array, top.const_diff_array)
            loss += part if device.holds(part) else float(part)
    return loss


def placed(error: BaseException, node: Node, method: str) -> BaseException:
    """Say in an exception where it comes from; a built-in layer that finds no memory says so in words."""
    if isinstance(error, MemoryError) and not node.is_python:
        return ShapeError(f"{method} needs more memory than there is: {error}", where=node.where)
    if isinstance(error, CaffeError):
        error.where = error.where or node.where
    elif isinstance(error, Exception):
        if node.is_python:
            changes.explain(error)
        ends = ((node.bottom_labels, node.bottoms), (node.top_names, node.tops))
        bottoms, tops = (", ".join(f"{n} {b.shape}" for n, b in zip(*end, strict=False)) or "none" for end in ends)
        error.add_note(f"in {method} of {node.where}; bottoms: {bottoms}; tops: {tops}")
    return error


def _quietly() -> Callable[..., None]:
    """Return what calls the built-in layers of a pass, which overflow silently, as in Caffe: it shows in their values.

    They run in a context where NumPy says nothing: to make one for a pass is faster than to do so for each layer.
    """
    with np.errstate(over="ignore", invalid="ignore", divide="ignore", under="ignore"):
        return copy_context().run
