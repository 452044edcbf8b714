"""Python: a layer that a user wrote, as a class in a module of theirs.

Deviations
----------
Needs no build flag. Methods may be missing; an exception leaves as itself, with the user's line; modules are looked for
beside the prototxt and in the notebook too, and edits reach running nets. With `share_in_parallel` a layer without
bottoms counts as one for all processes that train together: each takes its turn of the layer's batches.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from caffe_nb.core.layer import Layer, Phase
from caffe_nb.core.registry import Context, register_factory
from caffe_nb.errors import LayerNotFoundError, NetError
from caffe_nb.layers import changes, modules
from caffe_nb.proto import caffe_pb2


@dataclass
class PythonCode:
    """Where the code of a Python layer's class stands.

    Attributes
    ----------
    path : pathlib.Path or None
        The file; None for a class made in the notebook.
    version : int
        1 for the code that was loaded first; grows with each edit that was taken up.
    """

    path: Path | None
    version: int = 1


_codes: weakref.WeakKeyDictionary[type[Layer], PythonCode] = weakref.WeakKeyDictionary()

before_make: list[Callable[[], object]] = []
"""Called before a Python layer is made: pending edits of its module are taken up first."""
after_make: list[Callable[[Layer], object]] = []
"""Called with each new Python layer."""


def code_of(cls: type[Layer]) -> PythonCode | None:
    """Return the bookkeeping of a class that serves as a Python layer; None for any other class."""
    return _codes.get(cls)


def code_version(cls: type[Layer]) -> int:
    """Return the version of a Python layer's class, from 1; 0 for a class that no net has used as one."""
    code = _codes.get(cls)
    return code.version if code else 0


def python_classes() -> list[type[Layer]]:
    """Return all classes that serve or served as Python layers and are still alive."""
    return list(_codes)


def prepare(layer: Layer, param: caffe_pb2.LayerParameter, phase: Phase, dtype: np.dtype[Any]) -> None:
    """Give a bare Python layer all that the host owns; done before its `__init__`."""
    layer.attach(param, phase, dtype)
    layer.param_str = param.python_param.param_str
    layer.__dict__["param_str_"] = param.python_param.param_str


def make(param: caffe_pb2.LayerParameter, context: Context) -> Layer:
    """Return a new instance of the user's class that the text names, not set up yet.

    Raises
    ------
    NetError
        When the text does not say module and class, or the class is not a layer.
    LayerNotFoundError
        When there is no such module or class.
    Exception
        What the user's module or constructor raises, as itself with a note.
    """
    wanted = param.python_param
    if not wanted.layer:
        raise NetError('a Python layer needs python_param { module: "my_layers" layer: "MyLayer" }')
    for listener in tuple(before_make):
        listener()
    try:
        module = modules.load(wanted.module, context.folder, wanted.layer)
    except LayerNotFoundError:
        raise
    except Exception as error:
        changes.explain(error)
        error.add_note(f"while importing module '{wanted.module}' for the Python layer '{param.name}'")
        raise
    return host(modules.find_class(module, wanted.layer), module, param, context)


def host(cls: type[Layer], module: ModuleType, param: caffe_pb2.LayerParameter, context: Context) -> Layer:
    """Return a new instance of a user's class, not set up yet.

    Parameters
    ----------
    cls : type
        The class.
    module : module
        Where it stands; edits of its file reach the layer.
    param : LayerParameter
        The layer's text.
    context : Context
        What the net says.
    """
    if cls not in _codes:
        path = modules.module_file(module) if module.__name__ != "__main__" else None
        _codes[cls] = PythonCode(path)
    layer = cls.__new__(cls)
    prepare(layer, param, context.phase, context.dtype)
    layer.extra_params = context.extra
    layer.__init__(param)  # type: ignore[misc]
    for made in tuple(after_make):
        made(layer)
    return layer


register_factory("Python", make)
