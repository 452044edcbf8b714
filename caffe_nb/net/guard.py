"""What a Python layer's method may leave half done when it raises, kept so that it can be put back."""

from __future__ import annotations

import ctypes
import random
import sys
from collections import deque
from collections.abc import Callable, Iterable
from functools import partial
from types import FunctionType, MethodType, ModuleType, SimpleNamespace
from typing import Any

import numpy as np
from numpy.random import mtrand

from caffe_nb import rng
from caffe_nb.core.blob import Blob
from caffe_nb.core.layer import Layer
from caffe_nb.net.build import Node

SMALL = 1 << 16
"""Bytes of an array among a layer's attributes up to which every call keeps a copy; a first run has no limit."""
SHORT = 1000
"""Length of a list, set or dict among the attributes up to which every call keeps a copy; a first run has no limit."""
MT19937_BYTES = 624 * 4 + 4
"""Its key and its position."""
DEEP = 6
"""How far a first run follows the attributes of attributes."""

PutBack = Callable[[], object]
_PLAIN = frozenset({int, float, str, bool, bytes, complex, type(None), np.dtype, np.float32, np.float64, range, slice})


_OURS = frozenset(
    {"_blobs", "layer_param", "phase", "dtype", "extra_params", "param_propagate_down", "param_str", "param_str_"}
)
"""Attributes that the engine gives a layer, and no method changes."""


class _GlobalRandom:
    """The state of NumPy's global generator, taken anew only when somebody drew: taking it costs 25 µs."""

    def __init__(self) -> None:
        self._raw = b""
        self._state: dict[str, Any] = {}

    def state(self) -> dict[str, Any]:
        """Return the state, to be given to `np.random.set_state`; not to be changed."""
        generator = mtrand.get_bit_generator()
        if not isinstance(generator, np.random.MT19937):
            return np.random.get_state(legacy=False)
        raw = ctypes.string_at(generator.ctypes.state_address, MT19937_BYTES)
        # A normal number may be left over from the last draw, and taken without the raw state changing.
        if raw != self._raw or self._state["has_gauss"]:
            self._state = np.random.get_state(legacy=False)
            self._raw = raw
        return self._state


_global_random = _GlobalRandom()


class Guard:
    """Remembers, before a method of a Python layer runs, what it takes to run it again as if it had not.

    Parameters
    ----------
    node : Node
        The layer.
    method : str
        "forward" (with the reshape before it) or "backward".
    whole : bool
        Whether new code runs for the first time: tops, bottoms, parameters and all that the attributes hold are copied
        then. Otherwise what the next try overwrites anyway is left out, and what would cost time: kept are bottoms that
        are worked on in place, the parameters' diffs before a backward, the attributes (of large arrays only which
        they are), and the random states.
    """

    def __init__(self, node: Node, method: str, *, whole: bool) -> None:
        layer = node.layer
        self._layer = layer
        self._random = _global_random.state(), rng.get_state()
        self._blobs = list(layer.blobs)
        self._attributes = dict(layer.__dict__)
        self._contents: list[PutBack] = []
        seen = {id(layer)}
        for name, value in self._attributes.items():
            if type(value) not in _PLAIN and name not in _OURS:
                _remember(value, whole, DEEP, seen, self._contents)
        data: Iterable[Blob] = ()
        diffs: Iterable[Blob] = ()
        if whole:
            data = diffs = [*node.bottoms, *node.tops, *layer.blobs]
        elif method == "forward":
            data = [top for top in node.tops if any(top.shares_data(bottom) for bottom in node.bottoms)]
        elif method == "backward":
            diffs = [*layer.blobs, *(top for top in node.tops if any(top.shares_diff(b) for b in node.bottoms))]
        self._data = [(blob, blob.const_data.copy()) for blob in data]
        self._diffs = [(blob, blob.const_diff.copy()) for blob in diffs]

    def put_back(self) -> None:
        """Put everything back as it was before the method."""
        np.random.set_state(self._random[0])
        rng.set_state(self._random[1])
        self._layer.__dict__.clear()
        self._layer.__dict__.update(self._attributes)
        self._layer.blobs[:] = self._blobs
        for put_back in self._contents:
            put_back()
        for blob, values in self._data:
            blob.reshape(*values.shape)
            blob.data[...] = values
        for blob, values in self._diffs:
            blob.reshape(*values.shape)
            blob.diff[...] = values


def _remember(value: Any, whole: bool, depth: int, seen: set[int], found: list[PutBack]) -> None:
    """Remember the contents of what can be changed in place; what is put back stays the same object."""
    kind = type(value)
    if kind in _PLAIN or id(value) in seen:
        return
    if kind is np.ndarray:
        if (whole or value.nbytes <= SMALL) and value.flags.writeable:
            seen.add(id(value))
            found.append(partial(np.copyto, value, value.copy()))
        return
    if kind in (list, dict, set, deque, tuple):
        if whole or len(value) <= SHORT:
            seen.add(id(value))
            found.append(_contents(value))
            if whole and depth:
                for item in value.values() if kind is dict else value:
                    _remember(item, whole, depth - 1, seen, found)
        return
    state = _random_state(value)
    if state is not None:
        seen.add(id(value))
        found.append(state)
    elif whole and depth and _is_users_object(value):
        seen.add(id(value))
        found.append(partial(_restore_dict, value.__dict__, dict(value.__dict__)))
        for item in list(value.__dict__.values()):
            _remember(item, whole, depth - 1, seen, found)


def _contents(value: Any) -> PutBack:
    if isinstance(value, dict):
        return partial(_restore_dict, value, dict(value))
    if isinstance(value, list):
        return partial(value.__setitem__, slice(None), list(value))
    if isinstance(value, tuple):
        return _nothing
    return partial(_refill, value, list(value))


def _refill(value: Any, items: list[Any]) -> None:
    value.clear()
    (value.update if isinstance(value, set) else value.extend)(items)


def _restore_dict(value: dict[Any, Any], items: dict[Any, Any]) -> None:
    value.clear()
    value.update(items)


def _random_state(value: Any) -> PutBack | None:
    if isinstance(value, np.random.Generator):
        return partial(setattr, value.bit_generator, "state", value.bit_generator.state)
    if isinstance(value, np.random.RandomState):
        return partial(value.set_state, value.get_state(legacy=False))
    if isinstance(value, random.Random):
        return partial(value.setstate, value.getstate())
    return None


def _is_users_object(value: Any) -> bool:
    if isinstance(value, Blob | Layer | ModuleType | type | FunctionType | MethodType):
        return False
    if not isinstance(getattr(value, "__dict__", None), dict):
        return False
    package = type(value).__module__.partition(".")[0]
    return isinstance(value, SimpleNamespace) or package not in {"caffe_nb", *sys.stdlib_module_names} - {"__main__"}


def _nothing() -> None:
    return
