"""Compilation of CPU kernels with Numba, kept on disk where that is possible."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, wraps
from types import FunctionType
from typing import Any, TypeVar, cast

from caffe_nb.ops import compiling

Function = TypeVar("Function", bound=Callable[..., Any])
kernels: list[Callable[..., Any]] = []
"""All kernels of the modules that were imported; `kernel()` gives each one's Numba dispatcher."""


def compiled(function: Function) -> Function:
    """Decorate a kernel: compiled at its first call for each type, without the interpreter's lock.

    The machine code is cached beside the source, or in the user's cache folder where the installation is read-only.
    Where neither can be written it is compiled once a process. Numba, slow to import, comes in with the first call of
    any kernel. A kernel may call others of its module. What is divided by 0 becomes infinity or NaN, as in NumPy.
    """
    return _wrapped(function, frozenset())


def compiled_sums(function: Function) -> Function:
    """Decorate a kernel as `compiled` does, but let its sums be added up in any order, several at a time."""
    return _wrapped(function, frozenset({"reassoc", "nsz", "contract"}))


def _wrapped(function: Function, liberties: frozenset[str]) -> Function:
    @wraps(function)
    def call(*arguments: Any) -> Any:
        return _kernel(function, liberties)(*arguments)

    call.kernel = lambda: _kernel(function, liberties)  # type: ignore[attr-defined]
    kernels.append(call)
    return cast("Function", call)


@cache
def _kernel(function: Callable[..., Any], liberties: frozenset[str]) -> Callable[..., Any]:
    import numba

    compiling.listen()
    function = _linked(function)
    options: dict[str, Any] = {"nogil": True, "error_model": "numpy", "fastmath": set(liberties) or False}
    try:
        kernel: Callable[..., Any] = numba.njit(cache=True, **options)(function)
    except RuntimeError:  # Numba found no folder that it can write to
        kernel = numba.njit(**options)(function)
    return kernel


def _linked(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function whose calls of other kernels of its module reach these in compiled form."""
    found = {name: function.__globals__.get(name) for name in function.__code__.co_names}
    others = {name: value.kernel() for name, value in found.items() if value is not None and hasattr(value, "kernel")}
    if not others:
        return function
    return wraps(function)(FunctionType(function.__code__, function.__globals__ | others, function.__name__))


def uncompiled(function: Callable[..., Any], xp: Any) -> Callable[..., Any]:
    """Return a kernel as Python runs it, as the kernels that it calls, with another array namespace for NumPy's.

    Parameters
    ----------
    function : callable
        What `compiled` made.
    xp : module
        What `np` is in it.
    """
    plain: FunctionType = function.__wrapped__  # type: ignore[attr-defined]
    found = {name: plain.__globals__.get(name) for name in plain.__code__.co_names}
    others = {name: uncompiled(value, xp) for name, value in found.items() if value and hasattr(value, "kernel")}
    return FunctionType(plain.__code__, plain.__globals__ | others | {"np": xp}, plain.__name__)
