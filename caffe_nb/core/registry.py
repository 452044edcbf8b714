"""The layer types, by Caffe's names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from caffe_nb.core.layer import Layer, Phase
from caffe_nb.errors import NetError, did_you_mean, listing

if TYPE_CHECKING:
    from caffe_nb.proto import caffe_pb2


@dataclass(frozen=True)
class Context:
    """What a layer may need to know of its net when it is made.

    Attributes
    ----------
    phase : Phase
        TRAIN or TEST.
    dtype : numpy.dtype
        float32 or float64.
    folder : pathlib.Path or None
        Where the net's prototxt lies: relative file names and Python modules are looked for there.
    extra : dict
        Fields of the layer's text that Caffe does not have, as plain data; for types that users registered.
    """

    phase: Phase = Phase.TRAIN
    dtype: np.dtype[Any] = field(default_factory=lambda: np.dtype(np.float32))
    folder: Path | None = None
    extra: dict[str, Any] = field(default_factory=dict)


Factory = Callable[["caffe_pb2.LayerParameter", Context], Layer]
LayerType = TypeVar("LayerType", bound=type[Layer])

_factories: dict[str, Factory] = {}
_classes: dict[str, type[Layer]] = {}
_users: set[str] = set()
_load: list[Callable[[str | None], None]] = []


def built_in(load: Callable[[str | None], None]) -> None:
    """Say what imports the module of a built-in type: `load` is called with its name, or with None for all types."""
    _load[:] = [load]


def _look_for(name: str | None) -> None:
    for load in _load:
        load(name)


def register(name: str) -> Callable[[LayerType], LayerType]:
    """Class decorator: make a built-in layer known under its Caffe type."""

    def decorate(cls: LayerType) -> LayerType:
        def make(param: caffe_pb2.LayerParameter, context: Context) -> Layer:
            layer = cls.__new__(cls)
            layer.attach(param, context.phase, context.dtype)
            layer.folder = context.folder
            layer.__init__(param)  # type: ignore[misc]
            return layer

        cls.type_name = name
        _classes[name] = cls
        if name not in _users:
            _factories[name] = make
        return cls

    return decorate


def register_factory(name: str, factory: Factory, *, users: bool = False) -> None:
    """Make a type known whose class depends on its text, as Python's does.

    Parameters
    ----------
    name : str
        The type.
    factory : callable
        Makes the layer of its text and context.
    users : bool, default False
        Whether it is a type of the user's own, which may have fields that Caffe does not.
    """
    _factories[name] = factory
    (_users.add if users else _users.discard)(name)


def unregister(name: str) -> None:
    """Forget a type of the user's own; a built-in one of that name comes back."""
    _users.discard(name)
    built_in_class = layer_class(name)
    if built_in_class is not None:
        register(name)(built_in_class)
    else:
        _factories.pop(name, None)


def is_known(name: str) -> bool:
    """Whether there is such a type."""
    if name not in _factories:
        _look_for(name)
    return name in _factories


def is_users(name: str) -> bool:
    """Whether a type is one of the user's own."""
    return name in _users


def create(param: caffe_pb2.LayerParameter, context: Context) -> Layer:
    """Return a new layer for its text, attached but not set up.

    Raises
    ------
    NetError
        For a type that nobody registered; the message has near misses.
    """
    if not is_known(param.type):
        known = layer_types()
        raise NetError(
            f"unknown layer type '{param.type}'.{did_you_mean(param.type, known)} Known types: {listing(known, 80)}"
        )
    return _factories[param.type](param, context)


def layer_types() -> list[str]:
    """Return all types, sorted (pycaffe's `layer_type_list`)."""
    _look_for(None)
    return sorted(_factories)


def layer_class(name: str) -> type[Layer] | None:
    """Return the class of a built-in type, or None."""
    if name not in _classes:
        _look_for(name)
    return _classes.get(name)
