"""Memory on a device beside the host's, copied when somebody asks for it where it is not up to date.

The states are those of Caffe's SyncedMemory (`src/caffe/syncedmem.cpp`); here every copy is counted, too.

What goes to a device is put into pinned memory first, from which the device takes it by itself while the host goes on:
the host may write its own buffer at once, and a piece of pinned memory is used again only when its event is done. What
comes to the host is waited for. Both are in the order of what the device was told (of its current stream), so that no
read sees half a write.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import Any

from numpy.typing import NDArray

from caffe_nb.device import Device, Event

HOST, DEVICE, BOTH = 1, 2, 3
PIECE = 1 << 24
"""Elements that go to a device at once: large blobs are not pinned whole."""
UNDERWAY = 8
"""Most pieces that are on their way."""


class Mirror:
    """The device's side of one memory.

    Parameters
    ----------
    host : array
        The flat buffer on the host, which is up to date.
    device : Device
        Where to mirror it.
    blank : bool, default False
        Whether the host's buffer holds nothing but zeros, which need not be copied.

    Attributes
    ----------
    array : array
        The flat buffer on the device.
    device : Device
        Where it lives.
    newest : int
        HOST, DEVICE or BOTH: where the values are up to date.
    to_device, to_host : int
        How often it was copied.
    """

    __slots__ = ("_host", "array", "device", "newest", "to_device", "to_host")

    def __init__(self, host: NDArray[Any], device: Device, *, blank: bool = False) -> None:
        self._host = host
        self.device = device
        self.array = device.zeros(host.size, host.dtype)
        self.newest = BOTH if blank else HOST
        self.to_device = self.to_host = 0

    def on_host(self, *, write: bool) -> None:
        """Bring the host's buffer up to date; `write` says that it is going to be written."""
        if self.newest == DEVICE:
            self.device.download(self.array, self._host)
            self.to_host += 1
            self.newest = BOTH
        if write:
            self.newest = HOST

    def on_device(self, *, write: bool) -> Any:
        """Return the device's buffer, up to date; `write` says that it is going to be written."""
        if self.newest == HOST:
            _upload(self._host, self.array, self.device)
            self.to_device += 1
            self.newest = BOTH
        if write:
            self.newest = DEVICE
        return self.array


_underway: deque[tuple[Event, NDArray[Any]]] = deque()
_lock = threading.Lock()


def _upload(host: NDArray[Any], array: Any, device: Device) -> None:
    """Copy host to device through pinned memory; `host` may be written again when this returns."""
    for start in range(0, host.size, PIECE):
        part = slice(start, start + PIECE)
        with _lock:
            while _underway and (_underway[0][0].done or len(_underway) >= UNDERWAY):
                _underway[0][0].synchronize()
                _underway.popleft()  # its memory goes back to the pool
            pinned = device.pinned(host[part].size, host.dtype)
            pinned[...] = host[part]
            _underway.append((device.upload(pinned, array[part]), pinned))
