"""Compilation of CPU kernels with Numba, kept on disk where that is possible."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, wraps
from typing import Any, TypeVar, cast

Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(function: Function) -> Function:
    """Decorate a kernel: compiled at its first call for each type, without the interpreter's lock.

    The machine code is cached beside the source, or in the user's cache folder where the installation is read-only.
    Where neither can be written it is compiled once a process. Numba, slow to import, comes in with the first call of
    any kernel.
    """

    @wraps(function)
    def call(*arguments: Any) -> Any:
        return _kernel(function)(*arguments)

    return cast("Function", call)


@cache
def _kernel(function: Callable[..., Any]) -> Callable[..., Any]:
    import numba

    try:
        kernel: Callable[..., Any] = numba.njit(cache=True, nogil=True)(function)
    except RuntimeError:  # Numba found no folder that it can write to
        kernel = numba.njit(nogil=True)(function)
    return kernel
