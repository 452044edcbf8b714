"""Views of tensors for the panel: what is asked for together is of one moment, and the net waits only for copies."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from caffe_nb import device
from caffe_nb.errors import CaffeError
from caffe_nb.inspector import messages, sample
from caffe_nb.inspector.book import Book, checked_array
from caffe_nb.inspector.describe import find_blob, find_net
from caffe_nb.inspector.in_place import Values
from caffe_nb.inspector.mailbox import ask
from caffe_nb.inspector.pieces import Look, Part
from caffe_nb.net.net import Net

COPIED_BYTES = 4 << 20
"""Largest blob that is copied while its net stands still, so that the net need not wait for the view."""

Result = TypeVar("Result")

View = tuple[messages.Tensor | messages.Failed, bytes]
"""What is said of a view, and its values: little-endian float32."""


class _Room:
    """Memory for a copy, kept from one answer to the next: fresh memory takes longer than the copying."""

    def __init__(self) -> None:
        self._array: NDArray[Any] = np.empty(0)

    def copy_of(self, array: NDArray[Any]) -> NDArray[Any]:
        """Return a copy, which holds until the next one."""
        if (self._array.shape, self._array.dtype) != (array.shape, array.dtype):
            self._array = np.empty(array.shape, array.dtype)
        np.copyto(self._array, array)
        return self._array


_kept = threading.local()


def _rooms_of_thread(count: int) -> list[_Room]:
    rooms: list[_Room] = [*getattr(_kept, "rooms", ())][:count]
    _kept.rooms = rooms + [_Room() for _ in range(count - len(rooms))]
    return list(_kept.rooms)


def answer(request: messages.GetTensors, book: Book, timeout: float) -> tuple[messages.Tensors, list[bytes]]:
    """Return the views that a request asks for, and the values of each.

    Parameters
    ----------
    request : GetTensors
        A look at a blob that is not there gets its words, and the others their views.
    book : Book
        Where the gradients of checks are.
    timeout : float
        Seconds that a running net has to come to the question.

    Raises
    ------
    CaffeError
        When the net is gone or does not come to the question.
    """
    net = find_net(request.net)
    rooms = _rooms_of_thread(len(request.looks))
    spent = 0.0

    def timed(act: Callable[[], Result]) -> Result:
        nonlocal spent
        began = time.thread_time()
        try:
            return act()
        finally:
            spent += 1000 * (time.thread_time() - began)

    def read() -> list[Callable[[], View]]:
        return timed(lambda: [_read(net, look, book, room) for look, room in zip(request.looks, rooms, strict=True)])

    if all(look.ref.startswith("check:") for look in request.looks):
        makers = read()  # of a check that was made, whatever the net does
    else:
        passing = book.record(net).passing
        before = passing.spent
        makers = ask_about(net, book, [(look.ref, look.part) for look in request.looks], read, timeout)
        spent += 1000 * (passing.spent - before)
    views = timed(lambda: [make() for make in makers])
    return messages.Tensors(net.id, [view for view, _ in views], round(spent, 3)), [values for _, values in views]


def _read(net: Net, look: Look, book: Book, room: _Room) -> Callable[[], View]:
    """Return what makes the view of a blob; reading the blob does not count as a write.

    Called while the net stands still, so it only copies the blob, and the view is made when the net is running again;
    of a blob too large to copy, and on a device, it is made at once.
    """
    try:
        if look.ref.startswith("check:"):
            return partial(_view, net, checked_array(book.record(net), look.ref), look, 0)
        blob = find_blob(net, look.ref)
        version = blob.version if look.part == "data" else blob.diff_version
        values = values_of(net, look.ref, look.part, book)
        array, note = values.array, values.note
        if not device.holds(array):
            if values.copied:
                return partial(_view, net, array, look, version)
            if array.nbytes <= COPIED_BYTES:
                return partial(_view, net, room.copy_of(array), look, version, note)
        with device.active():
            made = _view(net, array, look, version, note)
    except CaffeError as error:
        made = messages.Failed(str(error)), b""
    return lambda: made


def ask_about(
    net: Net, book: Book, blobs: Sequence[tuple[str, Part]], question: Callable[[], Result], timeout: float
) -> Result:
    """Ask a net when the values of blobs are there; see `mailbox.ask`.

    Parameters
    ----------
    blobs : sequence of tuples
        A `BlobInfo.ref` and "data" or "diff".
    """
    passing = book.record(net).passing
    moments = [moment for ref, part in blobs if (moment := passing.moment(ref, part)) is not None]
    with passing.wanted(moments):
        return ask(
            net,
            question,
            timeout,
            about_gradients=any(part == "diff" for _, part in blobs),
            ready=lambda: passing.ready(moments, net.last),
        )


def values_of(net: Net, ref: str, part: Part, book: Book) -> Values:
    """Return what a blob holds, or held when it passed the layer that `ref` names; called while the net stands still.

    Raises
    ------
    NetError
        For one that the net does not have.
    """
    blob, passing = find_blob(net, ref), book.record(net).passing
    moment = passing.moment(ref, part)
    return Values(blob.peek(part), copied=False) if moment is None else passing.values(moment, net.last)


def _view(net: Net, array: NDArray[Any], look: Look, version: int, note: str = "") -> View:
    statistics = sample.statistics(array)
    picked = bool(statistics.categories)
    view = sample.view(array, look.index, axes=look.axes, picture=look.picture, picked=picked)
    planes, rows, cols = view.values.shape
    tensor = messages.Tensor(
        net=net.id,
        ref=look.ref,
        part=look.part,
        shape=list(array.shape),
        dtype=str(array.dtype),
        axes=view.axes,
        channels=view.channels,
        index=view.index,
        tiles=planes // max(view.channels, 1),
        rows=rows,
        cols=cols,
        reduced=view.reduced,
        block=list(view.block),
        statistics=statistics,
        version=version,
        note=note,
    )
    return tensor, view.values.astype("<f4", copy=False).tobytes()
