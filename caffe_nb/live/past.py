"""Old versions of the layers' code: their text, to be shown, compared and gone back to."""

from __future__ import annotations

import _imp
import ast
import difflib
import linecache
import time
import weakref
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

from caffe_nb.core.layer import Layer
from caffe_nb.errors import NetError, listing
from caffe_nb.layers.utility import python
from caffe_nb.live.objects import functions_in
from caffe_nb.live.sources import Sources

_rename: Callable[[CodeType, str], object] = getattr(_imp, "_fix_co_filename", lambda _code, _name: None)
"""Names a code object's file anew, in place, as the import system does for compiled files that were moved."""
MOST = 200
"""Versions of a class that are kept; the first one always is."""


@dataclass(frozen=True)
class CellClass:
    """A class as a cell defined it.

    Attributes
    ----------
    name : str
        The class's name.
    file : str
        What Python calls the cell.
    line : int
        1-based line of the class in it.
    text : str
        Its source.
    """

    name: str
    file: str
    line: int
    text: str


@dataclass(frozen=True)
class Version:
    """The code of a layer class at a time.

    Attributes
    ----------
    layer : str
        Name of the class.
    number : int
        From 1.
    what : str
        What changed, in words.
    when : float
        Seconds since the epoch.
    path : pathlib.Path or None
        The class's own file; None for a class made in a cell.
    texts : dict of str to str
        Text of every module of the user's that the class needs, by the module's name.
    cells : tuple of CellClass
        The class, and bases of it, that cells defined.
    """

    layer: str
    number: int
    what: str
    when: float
    path: Path | None
    texts: dict[str, str] = field(repr=False)
    cells: tuple[CellClass, ...] = field(repr=False)
    module: str = ""

    @property
    def text(self) -> str:
        """The source of the class's own module, or of the class itself where a cell defined it."""
        return self.texts.get(self.module) or "\n\n".join(cell.text for cell in self.cells)

    def same_code(self, other: Version) -> bool:
        """Whether two versions have the same text."""
        return self.texts == other.texts and [c.text for c in self.cells] == [c.text for c in other.cells]


class History:
    """The versions of every live class."""

    def __init__(self) -> None:
        self._versions: weakref.WeakKeyDictionary[type[Layer], list[Version]] = weakref.WeakKeyDictionary()

    def of(self, cls: type[Layer], sources: Sources) -> list[Version]:
        """Return the versions of a class, oldest first; the one that runs is the last."""
        versions = self._versions.setdefault(cls, [])
        now = _version(cls, sources, "as it was loaded")
        if not versions:
            versions.append(now)
        elif versions[-1].number == now.number:  # comments may have changed since
            versions[-1] = replace(versions[-1], texts=now.texts, cells=now.cells)
        return list(versions)

    def add(self, cls: type[Layer], sources: Sources, what: str) -> None:
        """Keep the code that runs now."""
        versions = self._versions.setdefault(cls, [])
        versions.append(_version(cls, sources, what))
        if len(versions) > MOST:
            del versions[1]


def choose(versions: list[Version], number: int | None) -> Version:
    """Return the version to go back to: by its number, or the last one with other code than what runs.

    Raises
    ------
    NetError
        When there is none, or it runs already.
    """
    now = versions[-1]
    others = [version for version in versions if not version.same_code(now)]
    if number is None:
        first = next(i for i, version in enumerate(versions) if version.same_code(now))
        earlier = [version for version in versions[:first] if not version.same_code(now)]
        if not earlier:
            raise NetError(f"{now.layer} has no earlier version than v{now.number}, which runs")
        return earlier[-1]
    found = next((version for version in versions if version.number == number), None)
    if found is None:
        raise NetError(f"{now.layer} has no version v{number}; it has {listing(f'v{v.number}' for v in versions)}")
    if found not in others:
        raise NetError(f"{now.layer} v{now.number}, which runs, has the code of v{number} already")
    return found


def diff(old: Version, new: Version) -> str:
    """Return what changed between two versions of a layer's code, as a unified diff; empty where nothing did."""

    def texts(version: Version) -> dict[str, str]:
        return {**version.texts, **{cell.name: cell.text for cell in version.cells}}

    before, after = texts(old), texts(new)
    lines: list[str] = []
    for name in sorted(before.keys() | after.keys()):
        lines += difflib.unified_diff(
            before.get(name, "").splitlines(),
            after.get(name, "").splitlines(),
            f"{name} v{old.number}",
            f"{name} v{new.number}",
            lineterm="",
        )
    return "\n".join(lines)


def _version(cls: type[Layer], sources: Sources, what: str) -> Version:
    texts: dict[str, str] = {}
    cells: list[CellClass] = []
    for base in cls.__mro__:
        source = sources.get(base.__module__)
        if source is not None:
            for key in sources.reached(source):
                reached = sources.get(key)
                if reached is not None:
                    texts[key] = reached.text
        elif issubclass(base, Layer) and base.__module__ == "__main__":
            found = class_in_cell(base)
            cells += [found] if found else []
    code = python.code_of(cls)
    path = code.path if code else None
    number = code.version if code else 1
    return Version(cls.__qualname__, number, what, time.time(), path, texts, tuple(reversed(cells)), cls.__module__)


def class_in_cell(cls: type) -> CellClass | None:
    """Return the source of a class that a cell defined; None where it is not to be found."""
    functions = (f for value in list(vars(cls).values()) for f in functions_in(value))
    function = next((f for f in functions if f.__module__ == cls.__module__), None)
    if function is None:
        return None
    file = function.__code__.co_filename
    lines = linecache.getlines(file)
    try:
        tree = ast.parse("".join(lines))
    except (SyntaxError, ValueError):
        return None
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node.name == cls.__name__ and node.end_lineno is not None:
            first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
            return CellClass(cls.__name__, file, first, "".join(lines[first - 1 : node.end_lineno]))
    return None


def define(cells: Iterable[CellClass], namespace: dict[str, Any]) -> dict[str, type]:
    """Run the classes' sources again in a notebook's namespace, without binding their names in it.

    Returns
    -------
    dict of str to type
        The new classes by name.
    """
    made: dict[str, Any] = {}
    for cell in cells:
        code = compile("\n" * (cell.line - 1) + cell.text, cell.file, "exec", dont_inherit=True)
        exec(code, namespace, made)  # noqa: S102  (the user's own class, as it ran before)
    return {name: value for name, value in made.items() if isinstance(value, type)}


def retire(file: str, text: str, codes: Iterable[CodeType], functions: Iterable[FunctionType]) -> None:
    """Let tracebacks through code that was replaced show the lines that it was made from.

    Parameters
    ----------
    file : str
        Its module's file.
    text : str
        The text that it was made from.
    codes : iterable of code
        What the module's functions ran before.
    functions : iterable of function
        The module's functions now.
    """
    now = time.time()
    name = f"{file} (replaced {time.strftime('%H:%M:%S', time.localtime(now))}.{int(now * 1000) % 1000:03d})"
    running = {id(function.__code__) for function in functions}
    old = [code for code in codes if id(code) not in running and code.co_filename == file]
    if not old:
        return
    linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
    for code in old:  # what holds it (a traceback, a generator that runs on) sees its own lines from now on
        _rename(code, name)
