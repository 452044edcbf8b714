"""Blob: an array of any rank with its gradient, as in Caffe.

`Blob.data` and `Blob.diff` are live views into memory that stays in place as long as it is large enough: an array that
somebody holds sees every later pass, and writing into it is writing into the net.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from math import prod
from typing import Any, SupportsIndex

import numpy as np
from numpy.typing import DTypeLike, NDArray

from caffe_nb.core.device_views import DeviceViews, assign
from caffe_nb.core.memory import Memory, check_shape, layout
from caffe_nb.errors import ShapeError

Array = NDArray[Any]


class Blob(DeviceViews):
    """Data and diff of one shape.

    Parameters
    ----------
    *shape : int
        The lengths of the axes; none gives a scalar (0-d) blob.
    dtype : dtype, default float32
        Type of data and diff.

    Attributes
    ----------
    memory, diff_memory : Memory
        The memory of the values and of the gradient; blobs that share them have the same.

    Notes
    -----
    `data` and `diff` are writable and count as a write each time they are taken; `const_data` and `const_diff` are
    read-only views of the same memory and count as none.
    """

    __slots__ = (
        "__weakref__",
        "_const_data",
        "_const_diff",
        "_data",
        "_diff",
        "_shape",
        "diff_memory",
        "dtype",
        "memory",
    )

    def __init__(self, *shape: int, dtype: DTypeLike = np.float32) -> None:
        self.dtype = np.dtype(dtype)
        self._device_views = {}
        self._shape: tuple[int, ...] = ()
        self.memory = Memory(1, self.dtype)
        self.diff_memory = Memory(1, self.dtype, counted=False)
        self._take_views()
        if shape:
            self.reshape(*shape)

    # shape

    def reshape(self, *shape: SupportsIndex | Iterable[SupportsIndex]) -> None:
        """Give the blob another shape; contents stay as far as the count allows, memory grows only when it must.

        Parameters
        ----------
        *shape : int
            The lengths of the axes, each at least 0; one sequence of them is taken too.

        Raises
        ------
        ShapeError
            For a negative or a fractional length, for more elements than Caffe takes (2³¹ - 1), and for more than
            the machine's memory; the blob stays as it was.
        """
        try:
            # nearly always; the sum tells whole numbers from others
            if shape == self._shape and type(sum(shape)) is int:  # type: ignore[arg-type]
                return
        except ValueError:  # an array of lengths, which is neither true nor false
            pass
        new = _as_shape(shape)
        if new == self._shape:
            return
        check_shape(new)
        count = prod(new)
        data = Memory(count, self.dtype) if count > self.memory.array.size else self.memory
        if count > self.diff_memory.array.size:
            self.diff_memory = Memory(count, self.dtype, counted=False)
        self.memory = data
        self._shape = new
        self._take_views()
        self.memory.renew()
        layout.changes += 1

    def reshape_like(self, other: Blob) -> None:
        """Take the shape of another blob."""
        self.reshape(*other._shape)

    @property
    def shape(self) -> tuple[int, ...]:
        """The lengths of the axes."""
        return self._shape

    @property
    def count(self) -> int:
        """The number of elements."""
        return prod(self._shape)

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self._shape)

    def axis(self, index: int) -> int:
        """Return `index` as a non-negative axis of this blob; negative ones count from the end.

        Raises
        ------
        ShapeError
            When there is no such axis.
        """
        if not -self.ndim <= index < self.ndim:
            raise ShapeError(f"axis {index} does not exist in a blob of shape {self._shape}")
        return index % self.ndim

    def _legacy_axis(self, index: int) -> int:
        if self.ndim > 4:
            raise ShapeError(f"num, channels, height and width are for up to 4 axes; this blob has shape {self._shape}")
        return self._shape[index] if index < self.ndim else 1

    @property
    def num(self) -> int:
        """Length of axis 0 (1 where there is none)."""
        return self._legacy_axis(0)

    @property
    def channels(self) -> int:
        """Length of axis 1 (1 where there is none)."""
        return self._legacy_axis(1)

    @property
    def height(self) -> int:
        """Length of axis 2 (1 where there is none)."""
        return self._legacy_axis(2)

    @property
    def width(self) -> int:
        """Length of axis 3 (1 where there is none)."""
        return self._legacy_axis(3)

    # values

    def _take_views(self) -> None:
        """Make the arrays that `data` and `diff` give, and their read-only twins."""
        self._data = self.memory.array[: prod(self._shape)].reshape(self._shape)
        self._diff = self.diff_memory.array[: prod(self._shape)].reshape(self._shape)
        self._const_data, self._const_diff = self._data.view(), self._diff.view()
        self._const_data.flags.writeable = self._const_diff.flags.writeable = False

    @property
    def data(self) -> Array:
        """The values, writable and live; taking it counts as a write. Assigning broadcasts into it."""
        memory = self.memory
        memory.version += 1
        if memory.mirror is not None:
            memory.mirror.on_host(write=True)
        return self._data

    @data.setter
    def data(self, value: Any) -> None:
        assign(self.data, value, "data")

    @property
    def diff(self) -> Array:
        """The gradient, writable and live; taking it counts as a write. Assigning broadcasts into it."""
        memory = self.diff_memory
        memory.version += 1
        if memory.mirror is not None:
            memory.mirror.on_host(write=True)
        return self._diff

    @diff.setter
    def diff(self, value: Any) -> None:
        assign(self.diff, value, "diff")

    @property
    def const_data(self) -> Array:
        """The values, read-only and live; not a write."""
        if self.memory.mirror is not None:
            self.memory.mirror.on_host(write=False)
        return self._const_data

    @property
    def const_diff(self) -> Array:
        """The gradient, read-only and live; not a write."""
        if self.diff_memory.mirror is not None:
            self.diff_memory.mirror.on_host(write=False)
        return self._const_diff

    def views(self) -> tuple[Array, Array, Array, Array]:
        """Return what `data`, `const_data`, `diff` and `const_diff` give, for who compares; it counts as no write."""
        return self._data, self._const_data, self._diff, self._const_diff

    @property
    def version(self) -> int:
        """How many times the values were written (or taken for writing)."""
        return self.memory.version

    @property
    def diff_version(self) -> int:
        """How many times the gradient was written (or taken for writing)."""
        return self.diff_memory.version

    def touch(self) -> None:
        """Say that the values were written through an array that somebody held."""
        self.memory.version += 1

    # sharing

    def share_data(self, other: Blob) -> None:
        """Use the other blob's memory for the values (same count).

        Raises
        ------
        ShapeError
            When the counts differ.
        """
        self._check_same_count(other)
        if self.memory is not other.memory:
            self.memory = other.memory
            self.memory.renew()  # other values than this blob had
            self._take_views()
            layout.changes += 1

    def share_diff(self, other: Blob) -> None:
        """Use the other blob's memory for the gradient (same count).

        Raises
        ------
        ShapeError
            When the counts differ.
        """
        self._check_same_count(other)
        if self.diff_memory is not other.diff_memory:
            self.diff_memory = other.diff_memory
            self._take_views()
            layout.changes += 1

    def shares_data(self, other: Blob) -> bool:
        """Whether both blobs keep their values in the same memory."""
        return self.memory is other.memory

    def shares_diff(self, other: Blob) -> bool:
        """Whether both blobs keep their gradients in the same memory."""
        return self.diff_memory is other.diff_memory

    def _check_same_count(self, other: Blob) -> None:
        if self.count != other.count:
            raise ShapeError(
                f"cannot share memory: {self._shape} has {self.count} elements, {other._shape} has {other.count}"
            )

    def __repr__(self) -> str:
        return f"<Blob {' x '.join(map(str, self._shape)) or 'scalar'} {self.dtype}>"

    def _repr_html_(self) -> str:
        pictures = importlib.import_module("caffe_nb.sharing.blobs")  # above this package; loaded when asked for
        return str(pictures.to_html(self))


class BlobVec(list[Blob]):
    """The parameter blobs of a layer (pycaffe's BlobVec).

    Parameters
    ----------
    dtype : dtype, default float32
        Type of the blobs that `add_blob` makes.
    """

    def __init__(self, dtype: DTypeLike = np.float32) -> None:
        super().__init__()
        self.dtype = np.dtype(dtype)

    def add_blob(self, *shape: SupportsIndex | Iterable[SupportsIndex]) -> Blob:
        """Append a blob of this shape, filled with zeros, and return it."""
        blob = Blob(dtype=self.dtype)
        blob.reshape(*shape)
        self.append(blob)
        return blob


def _as_shape(shape: tuple[SupportsIndex | Iterable[SupportsIndex], ...]) -> tuple[int, ...]:
    items: Iterable[Any] = shape
    if len(shape) == 1 and isinstance(shape[0], Iterable) and np.ndim(shape[0]) > 0:  # type: ignore[arg-type]
        items = shape[0]
    try:
        lengths = tuple(item.__index__() for item in items)
    except (AttributeError, TypeError):
        raise ShapeError(f"a blob's shape is made of whole numbers, got {shape}; divide with // instead of /") from None
    return lengths
