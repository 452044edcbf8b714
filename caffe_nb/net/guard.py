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
from caffe_nb.core.memory import layout
from caffe_nb.net.build import Node

SMALL = 1 << 16
"""Bytes of an array among a layer's attributes up to which every call keeps a copy; a first run has no limit."""
SHORT = 1000
"""Length of a list, set or dict among the attributes up to which every call keeps a copy; a first run has no limit."""
MT19937_LAST = 623 * 4
"""Where its key's last word stands, and its position after it: no draw and no seed leaves both as they were."""
DEEP = 6
"""How far a first run follows the attributes of attributes."""

PutBack = Callable[[], object]
_PLAIN = frozenset({int, float, str, bool, bytes, complex, type(None), np.dtype, np.float32, np.float64, range, slice})


OURS = frozenset(
    {"_blobs", "layer_param", "phase", "dtype", "extra_params", "param_propagate_down", "param_str", "param_str_"}
)
"""Attributes that the engine gives a Python layer, and no method changes."""


class Randoms:
    """The states of NumPy's global generator and of the engine's, taken anew only when somebody drew.

    Taking NumPy's costs 25 µs, looking whether it moved next to nothing.

    Attributes
    ----------
    states : tuple
        Of NumPy's and of ours, as they were taken last.
    last : ctypes.c_uint64
        A value of NumPy's generator that changes with each draw, while it is a Mersenne Twister.
    seen : int
        That value when the states were taken; -1 when somebody asked for the engine's generator since.
    """

    def __init__(self) -> None:
        self.states: tuple[dict[str, Any], Any] = {}, None
        self.last = ctypes.c_uint64()
        self.seen = -1
        self._generator: object = None

    def look(self) -> None:
        """Find NumPy's generator, which may be another since: done before a pass."""
        generator = mtrand.get_bit_generator()
        if generator is not self._generator:
            self._generator, self.seen = generator, -1
            known = isinstance(generator, np.random.MT19937)
            place = generator.ctypes.state_address + MT19937_LAST
            self.last = ctypes.c_uint64.from_address(place) if known else ctypes.c_uint64()

    def forget(self) -> None:
        """Have the states taken anew before the next Python layer."""
        self.seen = -1

    def take(self) -> None:
        """Take both states, for `np.random.set_state` and `rng.set_state`."""
        state = np.random.get_state(legacy=False)
        self.states = state, rng.get_state()
        # A normal number may be left over from the last draw, and taken without the generator moving.
        watched = state["bit_generator"] == "MT19937" and not state["has_gauss"]
        self.seen = self.last.value if watched else -1


randoms = Randoms()
rng.before_draw.append(randoms.forget)


class Guard:
    """Remembers, before a method of a Python layer runs, what it takes to run it again as if it had not.

    Attributes
    ----------
    simple : tuple or None
        The `states` that were remembered, when these were all there was to remember: what stands holds for the next
        layer too, if it has no more than that and nobody has drawn meanwhile.
    """

    def __init__(self) -> None:
        self.simple: tuple[dict[str, Any], Any] | None = None
        self._random: tuple[dict[str, Any], Any] = {}, None
        self._more: _More | None = None

    @classmethod
    def of(cls, node: Node) -> Guard:
        """Return a guard that remembers a layer of any kind as it is before a forward."""
        guard = cls()
        randoms.look()
        randoms.take()
        guard._random = randoms.states
        guard._more = _More(node, "forward")
        return guard

    def take(self, node: Node, method: str) -> None:
        """Remember a Python layer as it is; what was remembered before is forgotten.

        Parameters
        ----------
        node : Node
            The layer.
        method : str
            "forward" (with the reshape before it) or "backward".

        Notes
        -----
        Before the first run of new code, tops, bottoms, parameters and all that the attributes hold are copied.
        Otherwise what the next try overwrites anyway is left out, and what would cost time: kept are bottoms that are
        worked on in place, the parameters' diffs before a backward, the attributes (of large arrays only which they
        are), and the random states.
        """
        if randoms.last.value != randoms.seen:
            randoms.take()
        self._random = randoms.states
        simple = node.lone and node.layout == layout.changes and len(node.layer.__dict__) == len(OURS)
        self.simple = self._random if simple else None
        self._more = None if simple else _More(node, method)

    def put_back(self, layer: Layer) -> None:
        """Put everything back as it was before a method of this layer, the one that was remembered last."""
        np.random.set_state(self._random[0])
        rng.set_state(self._random[1])
        if self._more is not None:
            self._more.put_back()
            return
        for name in layer.__dict__.keys() - OURS:  # it had no attributes of its own, and no parameters
            del layer.__dict__[name]
        layer.blobs.clear()


class _More:
    """What a layer has beside the net's blobs: attributes and parameters; and the blobs that a call may spoil."""

    def __init__(self, node: Node, method: str) -> None:
        layer, whole = node.layer, bool(node.untried)
        self._layer = layer
        self._blobs = list(layer.blobs)
        self._attributes = dict(layer.__dict__)
        self._contents: list[PutBack] = []
        seen = {id(layer)}
        for name, value in self._attributes.items():
            if type(value) not in _PLAIN and name not in OURS:
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
        """Put it back."""
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
