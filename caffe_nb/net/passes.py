"""Running the layers of a net, forward and backward, one after the other."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import numpy as np

from caffe_nb.core.blob import Blob
from caffe_nb.core.hooks import NetHooks
from caffe_nb.core.layer import Phase
from caffe_nb.errors import CaffeError, ShapeError
from caffe_nb.layers import changes
from caffe_nb.net import debug
from caffe_nb.net.build import Node


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
    revision : int
        Grows when a pass changes the shape of a blob.
    debug_info : bool
        Whether passes log the mean absolute value of what every layer writes (logger "caffe_nb", level INFO).
    learnable_params : list of Blob
        Each parameter once.
    """

    def __init__(self, phase: Phase) -> None:
        self.phase = phase
        self.nodes: list[Node] = []
        self.hooks = NetHooks()
        self.lock = threading.RLock()
        self.running: tuple[int, str, float] | None = None
        self.awaiting_backward = False
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
            loss = 0.0
            for node in self.nodes[start : last + 1]:
                loss += self._forward_node(node)
            self.awaiting_backward = self.phase == Phase.TRAIN and last == len(self.nodes) - 1
        return loss

    def backward_pass(self, start: int | None = None, end: int = 0) -> None:
        """Run backward from layer `start` down to `end` (both included), where backward is needed.

        Diffs of bottoms are overwritten, diffs of parameters added to; `clear_param_diffs` zeroes those.
        """
        __tracebackhide__ = True
        first = len(self.nodes) - 1 if start is None else start
        with self.lock:
            for node in reversed(self.nodes[end : first + 1]):
                if node.needs_backward:
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

    def _forward_node(self, node: Node) -> float:
        __tracebackhide__ = True
        hooks = self.hooks
        for callback in hooks.before_forward:
            callback(node.index)
        self._call(node, "reshape", self._reshape_node, node)
        shapes = [top.shape for top in node.tops]
        self._call(node, "forward", node.layer.forward, node.bottoms, node.tops)
        if [top.shape for top in node.tops] != shapes:  # Python layers may reshape their tops in forward
            node.fill_loss_weights()
            self.revision += 1
        if self.debug_info and debug.enabled():
            debug.forward(node)
        for callback in hooks.after_forward:
            callback(node.index)
        self._notify(hooks.between_layers)
        loss = 0.0
        for top, weight in zip(node.tops, node.loss_weights, strict=False):
            if weight:
                loss += float(np.vdot(top.const_data, top.const_diff))
        return loss

    def _backward_node(self, node: Node) -> None:
        __tracebackhide__ = True
        hooks = self.hooks
        for callback in hooks.before_backward:
            callback(node.index)
        self._call(node, "backward", node.layer.backward, node.tops, list(node.propagate_down), node.bottoms)
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
        self.running = (node.index, "backward" if method == "backward" else "forward", time.perf_counter())
        try:
            with nullcontext() if node.is_python else _quiet():
                call(*args)
        except BaseException as error:
            raised = placed(error, node, method)
            for listener in self.hooks.layer_error:
                listener(node.index, method, raised)
            if raised is not error:
                raise raised from error
            raise
        finally:
            self.running = None

    @staticmethod
    def _notify(listeners: list[Callable[[], object]]) -> None:
        for listener in tuple(listeners):
            listener()


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
