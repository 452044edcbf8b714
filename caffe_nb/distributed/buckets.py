"""Gradients averaged over processes, in buckets that are under way while backward runs on."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from caffe_nb import device
from caffe_nb.core.blob import Array, Blob
from caffe_nb.distributed.communicator import Communicator, Pending
from caffe_nb.net import Net

BUCKET = 4 << 20
"""Bytes of a bucket: small parameters share one, and large ones are cut into pieces of this size."""


@dataclass
class Bucket:
    """Parameters whose diffs are averaged together.

    Attributes
    ----------
    layer : int
        Index of the layer after whose backward all their diffs are there.
    blobs : list of Blob
        The parameters, all of one type of numbers.
    """

    layer: int
    blobs: list[Blob] = field(default_factory=list)

    @property
    def size(self) -> int:
        """Bytes of all diffs."""
        return sum(blob.count * blob.dtype.itemsize for blob in self.blobs)


@dataclass
class Spent:
    """Where an iteration's communication spent its time, in seconds.

    Attributes
    ----------
    starting : float
        Scaling and packing diffs and starting their sums, between layers of backward.
    moving : float
        Moving on what is under way, between layers of backward.
    waiting : float
        After backward, until all sums were there: what was not hidden.
    """

    starting: float = 0.0
    moving: float = 0.0
    waiting: float = 0.0


class Buckets:
    """Averages the diffs of a net's parameters over all processes.

    Parameters
    ----------
    net : Net
        The net that is trained.
    comm : Communicator
        The processes.

    Attributes
    ----------
    spent : Spent
        Of the last iteration.
    bytes : int
        What one iteration averages.
    """

    def __init__(self, net: Net, comm: Communicator) -> None:
        self._net = net
        self._comm = comm
        self._params: list[Blob] = []
        self._plan: list[Bucket] = []
        self._buffers: dict[int, Array] = {}
        self._next = 0
        self._under_way: list[tuple[Pending, Bucket, Array | None]] = []
        self.spent = Spent()

    @property
    def bytes(self) -> int:
        """What one iteration averages."""
        return sum(bucket.size for bucket in self._plan)

    def begin(self) -> None:
        """Get ready for an iteration; the plan follows the net's parameters."""
        rates = zip(self._net.learnable_params, self._net.params_lr, strict=True)
        # What is not learned has no gradient (BatchNorm's means), or one that changes nothing.
        params = [blob for blob, rate in rates if rate] if self._comm.size > 1 else []
        if [id(blob) for blob in params] != [id(blob) for blob in self._params]:
            self._params, self._plan, self._buffers = params, plan(self._net, params), {}
        self._next = 0
        self._under_way = []
        self.spent = Spent()

    def layer_done(self, index: int) -> None:
        """Start the sums whose diffs are there now that a layer's backward has run, and move on those under way."""
        began = time.perf_counter()
        while self._next < len(self._plan) and self._plan[self._next].layer >= index:
            self._start(self._plan[self._next])
        middle = time.perf_counter()
        for pending, _, _ in self._under_way:
            pending.ready()
        self.spent.starting += middle - began
        self.spent.moving += time.perf_counter() - middle

    def finish(self) -> None:
        """Start what is left, and wait until all diffs are averages."""
        began = time.perf_counter()
        while self._next < len(self._plan):
            self._start(self._plan[self._next])
        middle = time.perf_counter()
        for pending, bucket, buffer in self._under_way:
            pending.wait()
            if buffer is not None:
                for blob, part in _parts(bucket, buffer):
                    self._diff(blob)[...] = part
        self._under_way = []
        self.spent.starting += middle - began
        self.spent.waiting = time.perf_counter() - middle

    def _diff(self, blob: Blob) -> Array:
        """Return a diff, to be read and written, from where the processes sum."""
        return blob.diff_array if self._comm.takes_device_arrays else blob.diff

    def _start(self, bucket: Bucket) -> None:
        share = 1 / self._comm.size
        if len(bucket.blobs) == 1:
            diff = self._diff(bucket.blobs[0]).reshape(-1)
            step = BUCKET // diff.itemsize
            for start in range(0, diff.size, step):
                piece = diff[start : start + step]
                np.multiply(piece, share, out=piece)
                self._under_way.append((self._comm.allreduce(piece), bucket, None))
        else:
            buffer = self._buffers.get(self._next)
            if buffer is None:
                count = sum(blob.count for blob in bucket.blobs)
                xp = device.namespace() if self._comm.takes_device_arrays else np
                buffer = self._buffers[self._next] = xp.empty(count, bucket.blobs[0].dtype)
            for blob, part in _parts(bucket, buffer):
                np.multiply(self._diff(blob), share, out=part)
            self._under_way.append((self._comm.allreduce(buffer), bucket, buffer))
        self._next += 1


def plan(net: Net, params: Sequence[Blob]) -> list[Bucket]:
    """Divide parameters into buckets, in the order in which backward finishes their diffs.

    Parameters
    ----------
    net : Net
        Whose layers have them; a parameter that several layers share is there after the first of them.
    params : sequence of Blob
        The parameters.
    """
    found = [(at, blob) for blob in params if (at := _done_after(net, blob)) is not None]
    found.sort(key=lambda pair: -pair[0])
    buckets: list[Bucket] = []
    for at, blob in found:
        large = blob.count * blob.dtype.itemsize >= BUCKET
        last = buckets[-1] if buckets else None
        if large or last is None or last.size >= BUCKET or last.blobs[0].dtype != blob.dtype:
            buckets.append(Bucket(at, [blob]))
        else:
            last.layer = at
            last.blobs.append(blob)
    return buckets


def _done_after(net: Net, blob: Blob) -> int | None:
    """Return the index of the layer after whose backward a parameter's diff is there; None where none computes it."""
    users = (
        node.index
        for node in net.nodes
        if node.needs_backward and any(each is blob or each.shares_diff(blob) for each in node.layer.blobs)
    )
    return min(users, default=None)


def _parts(bucket: Bucket, buffer: Array) -> Iterator[tuple[Blob, Array]]:
    start = 0
    for blob in bucket.blobs:
        yield blob, buffer[start : start + blob.count].reshape(blob.shape)
        start += blob.count
