"""Running the layers of a net, forward and backward, one after the other."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from caffe_nb.core.blob import Blob
from caffe_nb.core.layer import Phase
from caffe_nb.errors import NetError
from caffe_nb.net import debug, stale
from caffe_nb.net.build import Node
from caffe_nb.net.refreshed import Comparison, Refreshed
from caffe_nb.net.running import Running, weighted_sum


class Passes(Running):
    """The passes of a net, whole or in part.

    Attributes
    ----------
    learnable_params : list of Blob
        Each parameter once.

    What they run, and who may listen, is described in `Running`.
    """

    def __init__(self, phase: Phase) -> None:
        super().__init__(phase)
        self.learnable_params: list[Blob] = []

    def forward_pass(self, start: int = 0, end: int | None = None) -> float:
        """Run the layers `start` to `end` (both included) and return the loss, the weighted sum of their weighted tops.

        Raises
        ------
        Exception
            What a layer raises: a user's exception as itself with a note of the layer, our own with the layer's place.
        """
        __tracebackhide__ = True  # IPython shows the user's frames: what they called, and their layer
        loss = self.forward_loss(start, end)
        self.settle()
        return float(loss)

    def forward_loss(self, start: int = 0, end: int | None = None) -> Any:
        """Run as `forward_pass`, but do not wait for a device: the loss is an array of its own without axes there.

        Labels and the like that a layer refuses there raise in the next `settle`.
        """
        __tracebackhide__ = True
        last = len(self.nodes) - 1 if end is None else end
        with self.lock:
            self.paused = None
            return self._run_forward(self.nodes[start : last + 1], start, last)

    def backward_pass(self, start: int | None = None, end: int = 0) -> None:
        """Run backward from layer `start` down to `end` (both included), where backward is needed.

        Diffs of bottoms are overwritten, diffs of parameters added to; `clear_param_diffs` zeroes those.
        """
        __tracebackhide__ = True
        first = len(self.nodes) - 1 if start is None else start
        with self.lock:
            self.paused = None
            self._run_backward(self.nodes[end : first + 1][::-1], first, end)
            self.awaiting_backward = False
            if self.debug_info and debug.enabled() and first == len(self.nodes) - 1 and end == 0:
                debug.totals(self.learnable_params)
            self._notify(self.hooks.between_layers)

    def forward_backward(self) -> float:
        """Run a whole forward and backward and return the loss."""
        __tracebackhide__ = True
        self._notify(self.hooks.safe_point)
        with self.lock:
            loss = self.forward_loss()
            self.backward_pass()
        self.settle()
        return float(loss)

    def clear_param_diffs(self) -> None:
        """Zero the diffs of all parameters."""
        for blob in self.learnable_params:
            blob.diff_array.fill(0)

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
                self._run_forward([self.nodes[i] for i in chosen], 0, len(self.nodes) - 1)
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
                chosen |= set(range(at.index, at.end + 1))
                self._run_forward([self.nodes[i] for i in sorted(chosen)], at.start, at.end)
                self.paused = None
            self.settle()
            return float(sum(map(weighted_sum, self.nodes[min(at.start, at.end) : max(at.start, at.end) + 1])))

    def _named(self, indices: Iterable[int]) -> list[str]:
        """Return layers' names, without those of the splits that the builder inserted."""
        return [self.nodes[i].name for i in indices if not self.nodes[i].inserted]

    def _reshape_node(self, node: Node) -> None:
        __tracebackhide__ = True
        if node.reshape():
            self.revision += 1
