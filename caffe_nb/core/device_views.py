"""What a blob gives where layers compute: the device's arrays in GPU mode, the host's otherwise."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from caffe_nb.core.mirror import DEVICE, Mirror
from caffe_nb.device import Array, Device, DeviceError, mode
from caffe_nb.errors import ShapeError

if TYPE_CHECKING:
    from caffe_nb.core.memory import Memory


class DeviceViews:
    """The part of a blob that knows of devices.

    Code that runs on both, on the CPU with NumPy and on the GPU with CuPy, reads `const_array` and `const_diff_array`,
    writes `array` and `diff_array`, and computes with the layer's `xp`. Arrays are live until the values are written on
    the other side; take them anew in every call.
    """

    __slots__ = ("_device_views",)

    memory: Memory
    diff_memory: Memory
    _shape: tuple[int, ...]
    _data: Array
    _diff: Array
    _const_data: Array
    _const_diff: Array
    _device_views: dict[int, Any]

    # Built-in layers take these many times a pass: on the CPU each is one call.

    @property
    def array(self) -> Any:
        """The values where layers compute now, writable; taking it counts as a write."""
        gpu, memory = mode.device, self.memory
        if gpu is not None:
            return self._written_on(gpu, memory)
        memory.version += 1
        if memory.mirror is not None:
            memory.mirror.on_host(write=True)
        return self._data

    @array.setter
    def array(self, value: Any) -> None:
        assign(self.array, value, "data")

    @property
    def const_array(self) -> Any:
        """The values where layers compute now, to be read only; not a write."""
        gpu, memory = mode.device, self.memory
        if gpu is not None:
            return self._on(gpu, memory, write=False)
        if memory.mirror is not None:
            memory.mirror.on_host(write=False)
        return self._const_data

    @property
    def diff_array(self) -> Any:
        """The gradient where layers compute now, writable; taking it counts as a write."""
        gpu, memory = mode.device, self.diff_memory
        if gpu is not None:
            return self._written_on(gpu, memory)
        memory.version += 1
        if memory.mirror is not None:
            memory.mirror.on_host(write=True)
        return self._diff

    @diff_array.setter
    def diff_array(self, value: Any) -> None:
        assign(self.diff_array, value, "diff")

    @property
    def const_diff_array(self) -> Any:
        """The gradient where layers compute now, to be read only; not a write."""
        gpu, memory = mode.device, self.diff_memory
        if gpu is not None:
            return self._on(gpu, memory, write=False)
        if memory.mirror is not None:
            memory.mirror.on_host(write=False)
        return self._const_diff

    def peek(self, part: str = "data") -> Any:
        """Return the values, or with "diff" the gradient, where they were written last: nothing is copied.

        An array of the device where that is newer and layers compute there, NumPy's otherwise; to be read only, and
        not a write.
        """
        memory, gpu = self.memory if part == "data" else self.diff_memory, mode.device
        if gpu is not None and memory.mirror is not None and memory.mirror.newest == DEVICE:
            return self._on(gpu, memory, write=False)
        memory.host()
        return self._const_data if part == "data" else self._const_diff

    @property
    def gpu_data(self) -> Any:
        """The values as a CuPy array, writable; taking it counts as a write.

        Raises
        ------
        DeviceError
            In CPU mode.
        """
        _needed("gpu_data")
        return self.array

    @property
    def gpu_diff(self) -> Any:
        """The gradient as a CuPy array, writable; taking it counts as a write.

        Raises
        ------
        DeviceError
            In CPU mode.
        """
        _needed("gpu_diff")
        return self.diff_array

    @property
    def _gpu_data_ptr(self) -> int:
        """Address of the values on the GPU, as in NVIDIA's pycaffe; taking it counts as a write."""
        return _needed("_gpu_data_ptr").address(self.array)

    @property
    def _gpu_diff_ptr(self) -> int:
        """Address of the gradient on the GPU, as in NVIDIA's pycaffe; taking it counts as a write."""
        return _needed("_gpu_diff_ptr").address(self.diff_array)

    def _written_on(self, gpu: Device, memory: Memory) -> Any:
        array = self._on(gpu, memory, write=True)
        memory.version += 1
        return array

    def _on(self, gpu: Device, memory: Memory, *, write: bool) -> Any:
        mirror = memory.mirror
        if mirror is None or mirror.device != gpu:
            if mirror is not None:
                mirror.on_host(write=True)
            mirror = memory.mirror = Mirror(memory.array, gpu, blank=memory.blank == memory.version)
        flat = mirror.on_device(write=write)
        shape = self._shape
        held = self._device_views.get(id(memory))
        if held is None or held[0] is not flat or held[1].shape != shape:
            if len(self._device_views) > 2:  # of memories that the blob has no more
                self._device_views.clear()
            held = self._device_views[id(memory)] = (flat, flat[: prod(shape)].reshape(shape))
        return held[1]


def assign(view: Any, value: Any, what: str) -> None:
    """Write a value into an array by broadcasting, on the host or on a device.

    Raises
    ------
    ShapeError
        When the shapes do not fit; says both.
    TypeError
        For what is no array of numbers.
    """
    if value is view:  # blob.data += x
        return
    try:
        view[...] = value
    except ValueError:
        if np.asarray(value).dtype.kind not in "biuf":
            raise TypeError(f"the {what} of a blob takes numbers, got {value!r:.80}") from None
        shape = np.shape(value)
        raise ShapeError(
            f"cannot assign an array of shape {shape} to the {what} of a blob of shape {view.shape}"
        ) from None


def _needed(what: str) -> Device:
    gpu = mode.device
    if gpu is None:
        raise DeviceError(
            f"{what} is there in GPU mode only; call caffe.set_mode_gpu() first, or write the layer with"
            " bottom[i].array and self.xp, which run on both"
        )
    return gpu
