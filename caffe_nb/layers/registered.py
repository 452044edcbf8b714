"""Types of the user's own: a Python layer known under a name, as forks' types are."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, TypeGuard, TypeVar

from caffe_nb.core import registry
from caffe_nb.core.layer import Layer
from caffe_nb.errors import NetError
from caffe_nb.layers.utility import python
from caffe_nb.proto import caffe_pb2

Cls = TypeVar("Cls", bound=type[Layer])


def register_layer(type: str, cls: Any = None, *, override: bool = False) -> Any:
    """Make a Python layer known as a layer type: ``type: "Maxout"`` in a net's text then makes one.

    Parameters
    ----------
    type : str
        The type's name.
    cls : type, optional
        A subclass of `caffe.Layer`; without it this is a class decorator.
    override : bool, default False
        Whether it may take the place of a built-in type.

    Returns
    -------
    type
        The class.

    Raises
    ------
    NetError
        When the class is no layer, or the name is no text or a built-in type's.

    Notes
    -----
    Registering again replaces, as a cell does that is run again. Nets that live follow edits of the class as they do
    for `type: "Python"`.

    Parameters come as `self.param_str` where the net gives ``python_param { param_str }``. Blocks and fields of the
    layer that Caffe does not have, as ``maxout_param { pieces: 2 }``, are in `self.extra_params` as plain data:
    ``{"maxout_param": {"pieces": 2}}``. There a field that is given several times has a list of its values, and a bare
    word is text.

    Examples
    --------
    >>> import caffe_nb
    >>> @caffe_nb.register_layer("Half")
    ... class Half(caffe_nb.Layer):
    ...     def reshape(self, bottom, top):
    ...         top[0].reshape(*bottom[0].shape)
    ...
    ...     def forward(self, bottom, top):
    ...         top[0].data[...] = bottom[0].data / 2
    >>> caffe_nb.unregister_layer("Half")
    """

    def register(cls: Cls) -> Cls:
        name: object = type
        if not isinstance(name, str) or not name:
            raise NetError(f"the name of a layer type is a text such as 'Maxout', got {type!r}")
        if not _is_layer(cls):
            raise NetError(f"register_layer('{type}') needs a subclass of caffe.Layer, got {cls!r}")
        if registry.is_known(type) and not registry.is_users(type) and not override:
            raise NetError(f"'{type}' is a built-in type; give yours another name, or say override=True")
        registry.register_factory(type, _factory(cls), users=True)
        return cls

    return register if cls is None else register(cls)


_type = type


def unregister_layer(type: str) -> None:
    """Forget a type that `register_layer` made known; a built-in type that it took the place of comes back.

    Parameters
    ----------
    type : str
        The type's name.

    Raises
    ------
    NetError
        When it is no such type.
    """
    if not registry.is_users(type):
        raise NetError(f"'{type}' is not a type that register_layer made known")
    registry.unregister(type)


def _factory(cls: type[Layer]) -> Callable[[caffe_pb2.LayerParameter, registry.Context], Layer]:
    def make(param: caffe_pb2.LayerParameter, context: registry.Context) -> Layer:
        for listener in tuple(python.before_make):
            listener()
        module = sys.modules.get(cls.__module__) or sys.modules["__main__"]
        return python.host(_current(cls, module), module, param, context)

    return make


def _current(cls: type[Layer], module: object) -> type[Layer]:
    """Return the class that stands under this one's name now: an edit moves new code into the one that lives."""
    found: object = module
    for name in cls.__qualname__.split("."):
        found = getattr(found, name, None)
    return found if _is_layer(found) else cls


def _is_layer(cls: object) -> TypeGuard[type[Layer]]:
    return isinstance(cls, _type) and issubclass(cls, Layer)
