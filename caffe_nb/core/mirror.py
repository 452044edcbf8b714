"""Memory on a device beside the host's, copied when somebody asks for it where it is not up to date.

The states are those of Caffe's SyncedMemory (`src/caffe/syncedmem.cpp`); here every copy is counted, too.
"""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from caffe_nb.device import Device

HOST, DEVICE, BOTH = 1, 2, 3


class Mirror:
    """The device's side of one memory.

    Parameters
    ----------
    host : array
        The flat buffer on the host, which is up to date.
    device : Device
        Where to mirror it.

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

    def __init__(self, host: NDArray[Any], device: Device) -> None:
        self._host = host
        self.device = device
        self.array = device.zeros(host.size, host.dtype)
        self.newest = HOST
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
            self.device.upload(self._host, self.array)
            self.to_device += 1
            self.newest = BOTH
        if write:
            self.newest = DEVICE
        return self.array
