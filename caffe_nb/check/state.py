"""What a check must hold still: the random generators, and a layer's attributes."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from caffe_nb import rng
from caffe_nb.core.blob import Blob, BlobVec
from caffe_nb.core.layer import Layer

ENGINE_OWNED = frozenset({"_blobs", "extra_params", "layer_param", "phase", "dtype", "param_propagate_down"})
"""Attributes of a layer that the engine gives it; they are no state of the user's."""


class RandomState:
    """The state of every global random generator that a layer may draw from."""

    def __init__(self) -> None:
        self._numpy = np.random.get_state()
        self._engine = rng.get_state()
        self._python = random.getstate()

    def replay(self) -> None:
        """Put the generators back to this state."""
        np.random.set_state(self._numpy)
        rng.set_state(self._engine)
        random.setstate(self._python)


@contextmanager
def seeded(seed: int) -> Iterator[RandomState]:
    """Seed NumPy's global generator, caffe_nb.rng and `random` inside the block; put all back after it.

    Parameters
    ----------
    seed : int
        For all three.

    Yields
    ------
    RandomState
        The seeded state, to be replayed before every forward.
    """
    before = RandomState()
    try:
        np.random.seed(seed & 0xFFFFFFFF)
        rng.set_state(np.random.default_rng(seed & 0xFFFFFFFF).bit_generator.state)
        random.seed(seed)
        yield RandomState()
    finally:
        before.replay()


def shadow(blob: Blob, dtype: DTypeLike, items: int | None = None) -> Blob:
    """Return a new blob with the same data and diff in another type; the original is only read.

    Parameters
    ----------
    blob : Blob
        The original.
    dtype : dtype
        Type of the new one.
    items : int, optional
        Take only so many entries of axis 0.
    """
    part = slice(items) if items is not None and blob.ndim else ...
    new = Blob(dtype=dtype)
    new.reshape(*blob.const_data[part].shape)
    new.data[...] = blob.const_data[part]
    new.diff[...] = blob.const_diff[part]
    return new


def clone(layer: Layer, blobs: Iterable[tuple[Blob, Blob]], dtype: np.dtype[Any]) -> tuple[Layer, list[str]]:
    """Return a layer of the same class with copies of all attributes, its parameters in `dtype`.

    Parameters
    ----------
    layer : Layer
        Left as it is.
    blobs : iterable of (Blob, Blob)
        Bottoms and tops with their shadows: where an attribute holds the one, the copy holds the other.
    dtype : numpy.dtype
        Type of the copy's parameters.

    Returns
    -------
    Layer, list of str
        The copy, and the names of attributes that cannot be copied and are shared.
    """
    new = type(layer).__new__(type(layer))
    params = BlobVec(dtype)
    params.extend(shadow(blob, dtype) for blob in layer.blobs)
    memo: dict[int, Any] = {id(layer): new, id(layer.blobs): params, id(layer.layer_param): layer.layer_param}
    for old, copied in [*blobs, *zip(layer.blobs, params, strict=True)]:
        memo[id(old)] = copied
        for view, held in _views(old, copied):
            memo[id(view)] = held
    shared = []
    for name, value in vars(layer).items():
        try:
            vars(new)[name] = copy.deepcopy(value, memo)
        except Exception:  # a lock, an open file, a net: whatever does not copy is used as it is
            vars(new)[name] = value
            shared.append(name)
    new.blobs = params
    new.dtype = dtype
    return new, shared


def _views(old: Blob, new: Blob) -> list[tuple[NDArray[Any], NDArray[Any]]]:
    """Return the arrays that a blob gives beside those of its shadow."""
    return list(zip(old.views(), new.views(), strict=True))


def widen(layer: Layer) -> None:
    """Turn the layer's own float32 buffers into float64, so that what it keeps there is not rounded.

    Arrays that share memory with other attributes stay as they are: copies would part them.
    """
    arrays = {name: value for name, value in vars(layer).items() if isinstance(value, np.ndarray)}
    bases = [id(_base(value)) for value in arrays.values()]
    for name, value in arrays.items():
        if value.dtype == np.float32 and value.base is None and bases.count(id(value)) == 1:
            setattr(layer, name, value.astype(np.float64))


def _base(array: NDArray[Any]) -> Any:
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


def keeps_float32(layer: Layer) -> list[str]:
    """Return the names of attributes that are float32 or float16 arrays, or lists of them."""
    names = []
    for name, value in vars(layer).items():
        if name in ENGINE_OWNED:
            continue
        items = value if isinstance(value, list | tuple) else value.values() if isinstance(value, dict) else [value]
        if any(isinstance(item, np.ndarray | np.generic) and item.dtype in (np.float32, np.float16) for item in items):
            names.append(name)
    return names


class Attributes:
    """The attributes of a layer at one moment, for layers whose forward depends on what earlier ones left.

    Parameters
    ----------
    layer : Layer
        The layer; what the engine owns is left out.
    blobs : iterable of Blob
        Bottoms, tops and parameters: they and their arrays are not copied.
    """

    def __init__(self, layer: Layer, blobs: Iterable[Blob]) -> None:
        self._layer = layer
        self._keep: dict[int, Any] = {id(layer): layer}
        for blob in blobs:
            self._keep[id(blob)] = blob
            self._keep.update((id(view), view) for view in blob.views())
        self._saved = self._copy({n: v for n, v in vars(layer).items() if n not in ENGINE_OWNED})

    def _copy(self, values: dict[str, Any]) -> dict[str, Any]:
        memo = dict(self._keep)
        copies = {}
        for name, value in values.items():
            try:
                copies[name] = copy.deepcopy(value, memo)
            except Exception:  # cannot be copied: stays as it is
                copies[name] = value
        return copies

    def restore(self) -> None:
        """Put the attributes back."""
        mine = vars(self._layer)
        for name in [n for n in mine if n not in ENGINE_OWNED and n not in self._saved]:
            del mine[name]
        mine.update(self._copy(self._saved))
