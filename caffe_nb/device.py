"""Where layers compute: on the CPU with NumPy, or on a GPU with CuPy.

The mode is one for the whole process. A blob's memory is mirrored (`caffe_nb.core.mirror`): it may live on the host, on
the GPU, or on both, and is copied when somebody asks for it where it is not up to date.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import DTypeLike, NDArray

from caffe_nb.errors import CaffeError

Array = NDArray[Any]

KERNEL_OPTIONS = ("--fmad=false",)
"""Each operation rounds, as on the CPU; a kernel waits for memory, not for its sums."""
THREADS, MOST_BLOCKS = 256, 65535
"""Of a block, and blocks of a launch."""


_HOSTS = (np.ndarray, np.generic, float, int)


class DeviceError(CaffeError, RuntimeError):
    """A GPU that cannot be used: no CuPy, no device of that number, no memory left on it."""


class Event(Protocol):
    """A point in the order of what a device was told."""

    @property
    def done(self) -> bool:
        """Whether the device has come to it."""

    def synchronize(self) -> None:
        """Wait until it has."""


class Device(Protocol):
    """What mirrored memory needs of a device.

    Attributes
    ----------
    xp : module
        The array namespace of its arrays.
    number : int
        Which of its kind, from 0.
    """

    xp: Any
    number: int

    def zeros(self, count: int, dtype: DTypeLike) -> Any:
        """Return a flat array of zeros in the device's memory."""

    def pinned(self, count: int, dtype: DTypeLike) -> Array:
        """Return a flat array on the host that the device can copy from by itself; what lies in it is anything."""

    def upload(self, pinned: Array, array: Any) -> Event:
        """Copy what `pinned` gave to the device, in the order of what the device was told; do not wait for it.

        The pinned array must stay as it is until the event is done.
        """

    def download(self, array: Any, host: Array) -> None:
        """Copy device to host, when all is computed that the device was told before; done when it returns."""

    def launch(self, source: str, kernel: str, count: int, arguments: list[Any]) -> None:
        """Run a kernel of CUDA C++, for so many results, in the order of what the device was told before."""

    def address(self, array: Any) -> int:
        """Return where an array begins in the device's memory."""

    def stream(self) -> int:
        """Return the address of CUDA's stream that the device is told things on."""

    def synchronize(self) -> None:
        """Wait until all is done that the device was told."""

    def active(self) -> AbstractContextManager[object]:
        """Let this thread compute on the device within the block, whatever it has used before."""


@dataclass
class CupyDevice:
    """A CUDA GPU through CuPy: its memory pool, its current stream.

    Parameters
    ----------
    number : int
        Which one, from 0.

    Raises
    ------
    DeviceError
        When CuPy is not installed, and when there is no such device.
    """

    number: int = 0

    def __post_init__(self) -> None:
        self.xp: Any = _cupy()
        count = _device_count(self.xp)
        if not 0 <= self.number < count:
            raise DeviceError(
                f"there is no GPU {self.number}: CUDA counts {count} here, from 0; caffe.set_device chooses"
            )
        self.xp.cuda.Device(self.number).use()
        self._kernels: dict[tuple[str, str], Any] = {}

    def zeros(self, count: int, dtype: DTypeLike) -> Any:
        """Return a flat array of zeros from CuPy's pool."""
        try:
            return self.xp.zeros(count, dtype)
        except self.xp.cuda.memory.OutOfMemoryError as error:
            raise DeviceError(
                f"GPU {self.number} has no memory for {count * np.dtype(dtype).itemsize / 2**20:,.0f} MiB more;"
                " make the batch smaller, or let nets go that are no longer needed"
            ) from error

    def pinned(self, count: int, dtype: DTypeLike) -> Array:
        """Return page-locked memory from CuPy's pool."""
        wanted = np.dtype(dtype)
        return np.frombuffer(self.xp.cuda.alloc_pinned_memory(count * wanted.itemsize), wanted, count)

    def upload(self, pinned: Array, array: Any) -> Event:
        """Copy to the device on the current stream."""
        stream = self.xp.cuda.get_current_stream()
        array.set(pinned, stream)
        event: Event = stream.record()
        return event

    def download(self, array: Any, host: Array) -> None:
        """Copy device to host on the current stream, and wait for it."""
        array.get(out=host)

    def launch(self, source: str, kernel: str, count: int, arguments: list[Any]) -> None:
        """Run a kernel on the current stream; at its first call it is compiled, or found in CuPy's cache on disk."""
        function = self._kernels.get((source, kernel))
        if function is None:
            module = self.xp.RawModule(code=source, options=KERNEL_OPTIONS)
            function = self._kernels[source, kernel] = module.get_function(kernel)
        function((min(-(-count // THREADS), MOST_BLOCKS),), (THREADS,), tuple(arguments))

    def address(self, array: Any) -> int:
        """Return the array's address."""
        return int(array.data.ptr)

    def stream(self) -> int:
        """Return the address of CuPy's current stream."""
        return int(self.xp.cuda.get_current_stream().ptr)

    def synchronize(self) -> None:
        """Wait for the current stream."""
        self.xp.cuda.get_current_stream().synchronize()

    def active(self) -> AbstractContextManager[object]:
        """Make it this thread's current device within the block."""
        made: AbstractContextManager[object] = self.xp.cuda.Device(self.number)
        return made


class Mode:
    """Where this process computes.

    Attributes
    ----------
    device : Device or None
        The device that layers compute on; None is the CPU.
    """

    __slots__ = ("device",)

    def __init__(self) -> None:
        self.device: Device | None = None


mode = Mode()
_number = 0


def current() -> Device | None:
    """Return the device that layers compute on; None is the CPU."""
    return mode.device


def namespace() -> Any:
    """Return the array namespace of the mode: NumPy, or CuPy in GPU mode."""
    return np if mode.device is None else mode.device.xp


def namespace_of(array: Any) -> Any:
    """Return the namespace that an array belongs to."""
    return mode.device.xp if mode.device is not None and holds(array) else np


def holds(array: Any) -> bool:
    """Whether an array is in a device's memory, where compiled code of the host cannot reach it; no number is."""
    return not isinstance(array, _HOSTS)


def on_host(array: Any) -> Array:
    """Return an array as NumPy's; one that is on a device is copied, and waited for."""
    copied: Array = array.get() if holds(array) else np.asarray(array)
    return copied


def here(array: Any) -> Any:
    """Return an array where layers compute now: itself, or a copy where the mode has changed since it was made.

    What is no array (a number, None) is returned as it is.
    """
    if mode.device is None:
        return on_host(array) if array is not None and holds(array) else array
    return mode.device.xp.asarray(array) if isinstance(array, np.ndarray) else array


def active() -> AbstractContextManager[object]:
    """Let any thread compute where layers do, within the block: CUDA's current device is a thread's own."""
    return nullcontext() if mode.device is None else mode.device.active()


def wait() -> None:
    """Wait for the device that layers compute on; on the CPU there is nothing to wait for."""
    if mode.device is not None:
        mode.device.synchronize()


def set_mode_cpu() -> None:
    """Compute on the CPU from now on; what a GPU computed last comes over when it is asked for."""
    use(None)


def gpu() -> Device:
    """Return the device that layers compute on, in CPU mode the GPU that `set_device` has chosen.

    Raises
    ------
    DeviceError
        When there is none; says what to install.
    """
    return CupyDevice(_number) if mode.device is None else mode.device


def set_mode_gpu() -> None:
    """Compute on the GPU from now on, in nets that are there as in new ones.

    Raises
    ------
    DeviceError
        When CuPy or a CUDA device is missing; says what to install. The mode stays as it was.
    """
    use(CupyDevice(_number))


def set_device(device: int) -> None:
    """Choose the GPU to use, by its number from 0; in CPU mode it is remembered for `set_mode_gpu`.

    Raises
    ------
    DeviceError
        For a negative number; and in GPU mode, when there is no such device; the one that was used stays. In CPU mode
        `set_mode_gpu` says so.
    TypeError
        For what is no whole number.
    """
    global _number
    try:
        number = device.__index__()
    except AttributeError:
        raise TypeError(
            f"set_device takes the number of a GPU, from 0, got {device!r}; caffe device_query lists them"
        ) from None
    if number < 0:
        raise DeviceError(
            f"there is no GPU {number}: they are numbered from 0, and caffe device_query lists them; to compute on the"
            " CPU, call set_mode_cpu()"
        )
    if mode.device is not None:
        use(CupyDevice(number))
    _number = number


def use(device: Device | None) -> None:
    """Compute on this device from now on; None is the CPU."""
    mode.device = device


@contextmanager
def using(device: Device | None) -> Iterator[None]:
    """Compute on this device within the block."""
    before = mode.device
    use(device)
    try:
        yield
    finally:
        use(before)


def _cupy() -> Any:
    try:
        return importlib.import_module("cupy")
    except ImportError as error:
        broken = f" (it is installed, but: {error})" if "cupy" in sys.modules or error.name != "cupy" else ""
        raise DeviceError(
            f"computing on a GPU needs CuPy{broken}; install the package for your CUDA: pip install 'caffe-nb[gpu]'"
            " for CUDA 12 (cupy-cuda12x), pip install 'caffe-nb[gpu-cuda13]' for CUDA 13 (cupy-cuda13x); nvidia-smi"
            " says which your driver has. Or compute on the CPU: leave out set_mode_gpu()"
        ) from error


def _device_count(cupy: Any) -> int:
    try:
        return int(cupy.cuda.runtime.getDeviceCount())
    except cupy.cuda.runtime.CUDARuntimeError as error:
        raise DeviceError(
            f"CuPy {cupy.__version__} finds no CUDA device here ({error}); nvidia-smi says whether there is one and"
            " which CUDA its driver has. Or compute on the CPU: leave out set_mode_gpu()"
        ) from error
