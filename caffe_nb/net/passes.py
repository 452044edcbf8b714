"""Running the layers of a net, forward and backward, one after the other."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np

from caffe_nb.core.blob import Blob
from caffe_nb.core.hooks import NetHooks
from caffe_nb.core.layer import Phase
from caffe_nb.errors import CaffeError, NetError, ShapeError
from caffe_nb.layers import changes
from caffe_nb.net import debug, stale
from caffe_nb.net.build import Node
from caffe_nb.net.guard import Guard
from caffe_nb.net.refreshed import Comparison, Refreshed

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


class Passes:
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
    running : (int, str, float) or None
        Layer index, "forward" or "backward", and `time.perf_counter` at the start of the layer that runs now.
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
    learnable_params : list of Blob
        Each parameter once.
    """

    def __init__(self, phase: Phase) -> None:
        self.phase = phase
        self.number = next(_numbers)
        self.nodes: list[Node] = []
        self.hooks = NetHooks()
        self.lock = threading.RLock()
        self.running: tuple[int, str, float] | None = None
        self.awaiting_backward = False
        self.paused: Pause | None = None
        self.interrupted = False
        self._guard: Guard | None = None  # of the Python layer that runs
        self._contents: stale.Contents | None = None  # of the blobs when the pass paused
        self._at = ("", 0, "", 0, 0)  # what `paused` becomes when the layer that runs now raises
        self.revision = 0
        self.debug_info = False
        self.learnable_params: list[Blob] = []

    def forward_pass(self, start: int = 0, end: int | None = None) -> float:
        """Run the layers `start` to `end` (both included) and return the loss, the weighted sum of their weighted tops.

        Raises
        ------
        Exception
            What a layer raises: a user's exception as itself with a note of the layer, our own with the layer's place.
        """
        __tracebackhide__ = True  # IPython shows the user's frames: what they called, and their layer
        last = len(self.nodes) - 1 if end is None else end
        with self.lock:
            self.paused = None
            return self._run_forward(range(start, last + 1), start, last)

    def backward_pass(self, start: int | None = None, end: int = 0) -> None:
        """Run backward from layer `start` down to `end` (both included), where backward is needed.

        Diffs of bottoms are overwritten, diffs of parameters added to; `clear_param_diffs` zeroes those.
        """
        __tracebackhide__ = True
        first = len(self.nodes) - 1 if start is None else start
        with self.lock:
            self.paused = None
            for index in range(first, end - 1, -1):
                node = self.nodes[index]
                if node.needs_backward:
                    self._at = ("backward", index, node.name, end, first)
                    if self.interrupted:
                        self._stop_here()
                    self._backward_node(node)
            self.awaiting_backward = False
            if self.debug_info and debug.enabled() and first == len(self.nodes) - 1 and end == 0:
                debug.totals(self.learnable_params)
            self._notify(self.hooks.between_layers)

    def forward_backward(self) -> float:
        """Run a whole forward and backward and return the loss."""
        __tracebackhide__ = True
        self._notify(self.hooks.safe_point)
        with self.lock:
            loss = self.forward_pass()
            self.backward_pass()
        return loss

    def clear_param_diffs(self) -> None:
        """Zero the diffs of all parameters."""
        for blob in self.learnable_params:
            blob.diff.fill(0)

    # fixing and going on

    @property
    def stale(self) -> list[str]:
        """Names of the layers whose tops are not what a forward would give now, in order.

        Their code, parameters or bottoms changed since they ran, or those of a layer before them; or somebody wrote
        into their tops. What sources (data layers, inputs) hold is the batch, and is never stale once they ran. Taking
        `blob.data` counts as writing it (`blob.const_data` does not); for writes through an array that was taken
        before there is `touch`.
        """
        with self.lock:
            return self._named(stale.stale(self.nodes, self.number))

    def refresh(self) -> Refreshed:
        """Run forward the layers that are stale and those that depend on them, on the batch that is there.

        Every blob is then, bit for bit, what a whole forward gives on the same batch. A layer that draws random numbers
        (Dropout in TRAIN) draws anew where it runs. Where a stale layer reads a blob that was since changed in place,
        the layers that make the blob run too; should that be a data layer, it takes the next batch.

        Returns
        -------
        Refreshed
            Which layers ran (without the splits that the net inserted), and how the tops of those with new code differ.

        Raises
        ------
        Exception
            What a layer raises; `refresh` goes on from there the next time.
        """
        __tracebackhide__ = True
        self._notify(self.hooks.safe_point)
        began = time.perf_counter()
        with self.lock:
            chosen = stale.plan(self.nodes, stale.stale(self.nodes, self.number))
            comparison = Comparison([self.nodes[i] for i in chosen if self.nodes[i].changed and self.nodes[i].ran])
            if self.paused is not None and self.paused.method == "forward":
                self.paused = None
            if chosen:
                self._run_forward(chosen, 0, len(self.nodes) - 1)
        seconds = time.perf_counter() - began
        own = sum(not node.inserted for node in self.nodes)
        return Refreshed(self._named(chosen), own, seconds, comparison.changes())

    def resume(self, *, keep_diffs: bool = False) -> float:
        """Go on with the pass that an exception or an interrupt stopped, from the layer where it stopped.

        Layers before it run again only where they are stale: where the mend was in them.

        Parameters
        ----------
        keep_diffs : bool, default False
            Whether the parameters' diffs hold those of earlier passes too. A backward goes on where it was then, even
            if the mend changed forward values under it; else it begins again at its start, with cleared diffs.

        Returns
        -------
        float
            The loss.

        Raises
        ------
        NetError
            When nothing was stopped.
        Exception
            What a layer raises; `resume` goes on from there again.
        """
        __tracebackhide__ = True
        with self.lock:
            at = self.paused
            if at is None:
                raise NetError("no pass was stopped; there is nothing to go on with")
            if self._contents is not None:
                self._contents.forgive()
            if at.method == "backward":
                if self.refresh().layers and not keep_diffs:
                    self.clear_param_diffs()
                    self.backward_pass(at.start, at.end)
                else:
                    self.backward_pass(at.index, at.end)
            else:
                again = [i for i in stale.stale(self.nodes, self.number) if at.start <= i <= at.end]
                chosen = {i for i in stale.plan(self.nodes, again) if i <= at.end}
                self._run_forward(sorted(chosen | set(range(at.index, at.end + 1))), at.start, at.end)
                self.paused = None
            return sum(map(_loss, self.nodes[min(at.start, at.end) : max(at.start, at.end) + 1]))

    def _named(self, indices: Iterable[int]) -> list[str]:
        """Return layers' names, without those of the splits that the builder inserted."""
        return [self.nodes[i].name for i in indices if not self.nodes[i].inserted]

    def _run_forward(self, indices: Iterable[int], start: int, end: int) -> float:
        __tracebackhide__ = True
        loss = 0.0
        for index in indices:
            node = self.nodes[index]
            self._at = ("forward", index, node.name, end, start)
            if self.interrupted:
                self._stop_here()
            self._forward_node(node)
            loss += _loss(node)
        self.awaiting_backward = self.phase == Phase.TRAIN and end == len(self.nodes) - 1
        return loss

    def _forward_node(self, node: Node) -> None:
        __tracebackhide__ = True
        hooks = self.hooks
        for callback in hooks.before_forward:
            callback(node.index)
        stale.notice(node)
        if node.is_python:
            self._guard = Guard(node, "forward", whole=bool(node.untried))
        self._call(node, "reshape", self._reshape_node, node)
        shapes = [top.shape for top in node.tops]
        self._call(node, "forward", node.layer.forward, node.bottoms, node.tops)
        if [top.shape for top in node.tops] != shapes:  # Python layers may reshape their tops in forward
            node.fill_loss_weights()
            self.revision += 1
        self._guard = None
        stale.ran(node, self.number)
        if self.debug_info and debug.enabled():
            debug.forward(node)
        for callback in hooks.after_forward:
            callback(node.index)
        self._notify(hooks.between_layers)

    def _backward_node(self, node: Node) -> None:
        __tracebackhide__ = True
        hooks = self.hooks
        for callback in hooks.before_backward:
            callback(node.index)
        stale.notice(node)
        if node.is_python:
            self._guard = Guard(node, "backward", whole=bool(node.untried))
        self._call(node, "backward", node.layer.backward, node.tops, list(node.propagate_down), node.bottoms)
        self._guard = None
        stale.settle(node, self.number)
        if self.debug_info and debug.enabled():
            debug.backward(node)
        for callback in hooks.after_backward:
            callback(node.index)
        self._notify(hooks.between_layers)

    def _reshape_node(self, node: Node) -> None:
        __tracebackhide__ = True
        if node.reshape():
            self.revision += 1

    def _call(self, node: Node, method: str, call: Callable[..., None], *args: Any) -> None:
        """Run a layer's method; exceptions leave with the layer's place, and the net stays usable."""
        __tracebackhide__ = True
        first_run = method in node.untried
        self.running = (node.index, "backward" if method == "backward" else "forward", time.perf_counter())
        try:
            with nullcontext() if node.is_python else _quiet():
                call(*args)
        except BaseException as error:
            guard, self._guard = self._guard, None
            if guard is not None:
                guard.put_back()
                stale.settle(node, self.number)
            self._pause(stopped_half=guard is None and method == "backward" and not isinstance(error, Exception))
            raised = placed(error, node, method)
            if first_run and isinstance(error, Exception):
                raised.add_note(FIRST_RUN)
            for listener in self.hooks.layer_error:
                listener(node.index, method, raised)
            if raised is not error:
                raise raised from error
            raise
        finally:
            self.running = None
        if first_run:
            node.untried.discard(method)

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
        method, index, *_ = self._at
        self.nodes[index].ran = 0  # what it wrote is not what a forward should give
        self._pause(stopped_half=anew)
        for listener in self.hooks.layer_error:
            listener(index, method, error)
        raise error

    def _pause(self, *, stopped_half: bool = False) -> None:
        """Note where the pass stops; a built-in layer that was torn out of its backward can only begin anew."""
        self.paused = None if stopped_half else Pause(*self._at)
        self._contents = stale.Contents(self.nodes)

    @staticmethod
    def _notify(listeners: list[Callable[[], object]]) -> None:
        for listener in tuple(listeners):
            listener()


def _loss(node: Node) -> float:
    loss = 0.0
    for top, weight in zip(node.tops, node.loss_weights, strict=False):
        if weight:
            loss += float(np.vdot(top.const_data, top.const_diff))
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
        shapes = ", ".join(f"{n} {b.shape}" for n, b in zip(node.bottom_labels, node.bottoms, strict=True))
        error.add_note(f"in {method} of {node.where}; bottoms: {shapes or 'none'}")
    return error


def _quiet() -> np.errstate:
    """Let built-in layers overflow silently, as they do in Caffe: a net that diverges shows it in its values."""
    return np.errstate(over="ignore", invalid="ignore", divide="ignore", under="ignore")
