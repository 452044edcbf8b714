"""A device for machines that have none: its arrays are in the host's memory, but no host code can look into them.

It computes at once, but copies to it are done as late as a GPU may do them: at the next use of any of its arrays, or
when somebody waits. It refuses what CuPy refuses: mixing its arrays with NumPy's, turning them into NumPy's without
being asked, and names that CuPy does not have (`cupy_names.txt`, written from CuPy 14.2). Where Python asks for a
number, which makes a GPU wait, it counts. What it cannot show is whether CuPy's results are right: that takes a GPU
(`gpu` marks those tests).
"""

from __future__ import annotations

import operator
import weakref
from contextlib import nullcontext
from pathlib import Path

import numpy as np

from tests.device import host_kernels

NAMES = frozenset(Path(__file__).with_name("cupy_names.txt").read_text().split())


WITHOUT_VALUES = ("shape", "size", "dtype", "ndim", "nbytes", "itemsize", "reshape", "T")
"""What is known of an array before what was copied to it is there."""
REDUCTIONS = ("sum", "mean", "prod", "min", "max", "amin", "amax", "any", "all", "std", "var")
"""What takes no `where` in CuPy."""
WAITS = ("nonzero", "argwhere", "flatnonzero", "unique", "bincount", "extract", "tolist", "array_equal", "allclose")
"""What makes CuPy wait for a number, mostly for the shape of the result."""


class DeviceArray:
    """An array of the stand-in."""

    def __init__(self, values, device):
        object.__setattr__(self, "_memory", values)
        object.__setattr__(self, "_device", device)

    @property
    def _values(self):
        self._device.run()
        return self._memory

    def __array__(self, *_args, **_kwargs):
        raise TypeError("Implicit conversion to a NumPy array is not allowed. Please use `.get()` to construct one.")

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        """Compute what NumPy is asked to compute with our arrays, as CuPy does, but for the methods of ufuncs."""
        if "out" in kwargs and len(kwargs["out"]) == 1:
            kwargs["out"] = kwargs["out"][0]
        if method != "__call__":
            return NotImplemented
        return getattr(self._device.xp, ufunc.__name__)(*inputs, **kwargs)

    def __array_function__(self, func, _types, args, kwargs):
        return getattr(self._device.xp, func.__name__)(*args, **kwargs)

    def __getattr__(self, name):
        if name.startswith("__"):  # no __array_interface__ for NumPy to find
            raise AttributeError(name)
        value = getattr(self._memory if name in WITHOUT_VALUES else self._values, name)
        return self._device.call(value) if callable(value) else self._device.wrap(value)

    def __setattr__(self, name, value):
        setattr(self._values, name, value)

    def __getitem__(self, key):
        key = self._device.unwrap_key(key)
        parts = key if isinstance(key, tuple) else (key,)
        if any(isinstance(part, np.ndarray) and part.dtype == bool for part in parts):
            self._device.syncs += 1  # how many there are decides the shape
        basic = not any(isinstance(part, np.ndarray) for part in parts)
        return self._device.wrap((self._memory if basic else self._values)[key], view=True)

    def __setitem__(self, key, value):
        self._device.launches += 1
        self._values[self._device.unwrap_key(key)] = self._device.unwrap(value)

    def __len__(self):
        return len(self._values)

    def __iter__(self):
        return (self[i] for i in range(len(self)))

    def _number(self, kind):
        self._device.syncs += 1
        return kind(self._values)

    def __float__(self):
        return self._number(float)

    def __int__(self):
        return self._number(int)

    def __bool__(self):
        return self._number(bool)

    def __index__(self):
        return self._number(operator.index)

    def item(self):
        return self._number(lambda values: values.item())

    def get(self, out=None):
        self._device.syncs += 1
        if out is None:
            return self._values.copy()
        out[...] = self._values
        return out


def _operator(name):
    def method(self, *others):
        self._device.launches += 1
        call = getattr(operator, f"__{name}__")
        return self._device.wrap(call(self._values, *map(self._device.unwrap, others)))

    return method


def _swapped(name):
    def method(self, other):
        self._device.launches += 1
        return self._device.wrap(getattr(operator, f"__{name}__")(self._device.unwrap(other), self._values))

    return method


def _in_place(name):
    def method(self, other):
        self._device.launches += 1
        values = getattr(operator, f"__i{name}__")(self._values, self._device.unwrap(other))
        return self if values is self._values else self._device.wrap(values)

    return method


_BINARY = ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "and", "or", "xor", "lshift", "rshift")
for _name in _BINARY:
    setattr(DeviceArray, f"__{_name}__", _operator(f"{_name}"))
    setattr(DeviceArray, f"__r{_name}__", _swapped(f"{_name}"))
    setattr(DeviceArray, f"__i{_name}__", _in_place(_name))
for _name in ("lt", "le", "eq", "ne", "gt", "ge", "neg", "pos", "abs", "invert"):
    setattr(DeviceArray, f"__{_name}__", _operator(_name))


class Namespace:
    """NumPy under CuPy's names, over the stand-in's arrays."""

    __name__ = "standin"

    def __init__(self, device, module=np, names=NAMES):
        self._device, self._module, self._names = device, module, names

    def __getattr__(self, name):
        if self._names is not None and name not in self._names:
            raise AttributeError(f"CuPy has no '{name}'")
        if name == "fuse":
            return lambda function: function
        value = getattr(self._module, name)
        if isinstance(value, type) or not callable(value):
            return value if not isinstance(value, type(np)) else Namespace(self._device, value, None)
        return self._device.call(value)


class _Function:
    def __init__(self, device, function):
        self._device, self._function = device, function

    def __call__(self, *args, **kwargs):
        unwrap, name = self._device.unwrap, getattr(self._function, "__name__", "")
        if name in REDUCTIONS and "where" in kwargs:
            raise TypeError(f"{name}() got an unexpected keyword argument 'where'")
        if name == "at" and args[0].dtype == np.int64:
            raise TypeError("scatter_add only supports int32, float16, float32, float64, uint32 and uint64")
        self._device.syncs += name in WAITS
        if self._function in (np.array, np.asarray):  # the ways in
            given = [args[0]._values if isinstance(args[0], DeviceArray) else args[0], *args[1:]]
            return self._device.wrap(self._function(*given, **kwargs))
        given = [unwrap(arg) for arg in args]
        value = self._function(*given, **{key: unwrap(value) for key, value in kwargs.items()})
        operands = [getattr(self._function, "__self__", None), *given]
        if self._function not in (np.empty, np.empty_like):
            self._device.launches += "out" in kwargs or not self._device.is_view(value, operands)
        out = kwargs.get("out")
        return out if isinstance(out, DeviceArray) else self._device.wrap(value)

    def __getattr__(self, name):  # add.at, maximum.reduce
        return self._device.call(getattr(self._function, name))


class Event:
    """Done when the copy is."""

    def __init__(self, device):
        self.done = False
        self._device = device

    def synchronize(self):
        self._device.run()


class Standin:
    """The device.

    Attributes
    ----------
    syncs : int
        How often the host waited for a number.
    launches : int
        Operations on arrays and kernels that it was told to run; its kernels are the GPU's, compiled for the host.
    uploads, downloads : int
        How often memory was copied.
    underway : int
        Copies to the device that are not done.
    allocations : int
        Pieces of pinned memory that were made.
    """

    number = 0
    STREAM = 7

    def __init__(self):
        self.syncs = self.launches = self.uploads = self.downloads = 0
        self.xp = Namespace(self)
        self._copies = []  # what it was told to copy, and has not
        self.allocations = 0
        self._pool = []  # of pinned memory; what was given back last is used again first

    @property
    def underway(self):
        return len(self._copies)

    def run(self):
        copies, self._copies = self._copies, []
        for event, pinned, target in copies:
            target[...] = pinned
            event.done = True

    def zeros(self, count, dtype):
        return DeviceArray(np.zeros(count, dtype), self)

    def pinned(self, count, dtype):
        size = count * np.dtype(dtype).itemsize
        whole = self._pool.pop() if self._pool else None
        if whole is None or whole.size < size:
            self.allocations += 1
            whole = np.empty(max(size, 1 << 12), np.uint8)
        part = whole[:size].view(dtype)
        weakref.finalize(part, self._pool.append, whole)
        return part

    def upload(self, pinned, array):
        self.uploads += 1
        event = Event(self)
        held = pinned.base[: pinned.nbytes].view(pinned.dtype)  # not `pinned`: whoever uploads has to hold that
        self._copies.append((event, held, array._memory))
        return event

    def download(self, array, host):
        self.downloads += 1
        host[...] = array._values

    def address(self, array):
        return array._values.__array_interface__["data"][0]

    def stream(self):
        return self.STREAM

    def active(self):
        return nullcontext()

    def synchronize(self):
        self.syncs += 1
        self.run()

    def call(self, function):
        return _Function(self, function)

    def is_view(self, value, given):
        """Whether an operation gave its operand seen in another way, for which a GPU does nothing."""
        arrays = [operand for operand in given if isinstance(operand, np.ndarray)]
        return isinstance(value, np.ndarray) and any(np.may_share_memory(value, array) for array in arrays)

    def launch(self, source, kernel, count, arguments):
        self.launches += 1
        host_kernels.run(source, kernel, [self.unwrap(argument) for argument in arguments])

    def wrap(self, value, *, view=False):
        if isinstance(value, tuple) and not view and any(isinstance(part, np.ndarray) for part in value):
            return tuple(self.wrap(part) for part in value)
        if isinstance(value, list) and any(isinstance(part, np.ndarray) for part in value):
            return [self.wrap(part) for part in value]
        if isinstance(value, np.ndarray | np.generic):
            return DeviceArray(np.asarray(value), self)
        return value

    def unwrap(self, value):
        if isinstance(value, DeviceArray):
            return value._values
        if isinstance(value, np.ndarray):
            raise TypeError("Unsupported type <class 'numpy.ndarray'>")
        if isinstance(value, tuple | list):
            return type(value)(self.unwrap(part) for part in value)
        return value

    def unwrap_key(self, key):
        if isinstance(key, tuple):
            return tuple(self.unwrap_key(part) for part in key)
        return key._values if isinstance(key, DeviceArray) else key
