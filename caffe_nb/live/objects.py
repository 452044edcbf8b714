"""Walking over the code that a module, a class or a function holds."""

from __future__ import annotations

from collections.abc import Iterator
from types import CellType, CodeType, FunctionType, ModuleType
from typing import Any


def content(cell: CellType) -> Any:
    """Return what a closure's cell holds; None for an empty one."""
    try:
        return cell.cell_contents
    except ValueError:
        return None


def functions_in(value: Any, depth: int = 4) -> Iterator[FunctionType]:
    """Yield the functions that a class member or a decorated function is made of."""
    if depth == 0 or value is None or isinstance(value, ModuleType | type):
        return
    if isinstance(value, FunctionType):
        yield value
        for cell in value.__closure__ or ():
            inner = content(cell)
            if isinstance(inner, FunctionType):
                yield from functions_in(inner, depth - 1)
        return
    if isinstance(value, property):
        for part in (value.fget, value.fset, value.fdel):
            yield from functions_in(part, depth - 1)
        return
    for attribute in ("__func__", "__wrapped__", "func"):
        try:
            inner = vars(value).get(attribute) if hasattr(value, "__dict__") else None
            inner = inner if inner is not None else getattr(value, attribute, None)
        except Exception:  # a user's __getattr__
            inner = None
        if inner is not None and inner is not value:
            yield from functions_in(inner, depth - 1)


def codes_in(code: CodeType) -> Iterator[CodeType]:
    """Yield a code object and all those inside it."""
    yield code
    for const in code.co_consts:
        if isinstance(const, CodeType):
            yield from codes_in(const)


def classes_of(module: ModuleType) -> Iterator[type]:
    """Yield the classes that a module defines, those inside classes too."""
    queue = [v for v in list(vars(module).values()) if isinstance(v, type) and v.__module__ == module.__name__]
    seen: set[type] = set()
    while queue:
        cls = queue.pop()
        if cls not in seen:
            seen.add(cls)
            yield cls
            queue += [v for v in vars(cls).values() if isinstance(v, type) and v.__module__ == module.__name__]


def functions_of(module: ModuleType) -> Iterator[FunctionType]:
    """Yield the functions and methods that a module holds."""
    for value in list(vars(module).values()):
        yield from functions_in(value)
    for cls in classes_of(module):
        for value in list(vars(cls).values()):
            yield from functions_in(value)
