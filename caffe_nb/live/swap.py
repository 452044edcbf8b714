"""Taking new code over into the classes and functions that exist, so that there is never a second one of them."""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from types import CellType, FunctionType, MemberDescriptorType
from typing import Any

from caffe_nb.core.layer import Layer
from caffe_nb.live.classify import SKIPPED, class_members, same_value

_MISSING = object()
MOST = 1000
"""Length of the longest container that is looked through; a longer one is data, not a registry of classes."""


@dataclass(frozen=True)
class Swap:
    """What became of an edit, for one layer class (a refusal may be for several).

    Attributes
    ----------
    ok : bool
        Taken up, or refused.
    message : str
        One line for people.
    layer : str
        Name of the class; several are separated by commas.
    version : int
        The version that runs now; for a refusal the one that was refused.
    path : pathlib.Path or None
        The file that was edited, or that the refusal is about; None for a class made in a cell.
    line : int
        1-based line of the refusal; 0 otherwise.
    traceback : str
        The refusal's traceback; empty otherwise.
    nets : list of (str, int)
        Net id and layer index of every live layer concerned.
    refs : tuple of weakref.ref
        To the classes that changed; none for a refusal.
    """

    ok: bool
    message: str
    layer: str
    version: int
    path: Path | None = None
    line: int = 0
    traceback: str = ""
    nets: list[tuple[str, int]] = field(default_factory=list)
    refs: tuple[weakref.ref[type[Layer]], ...] = field(default=(), repr=False, compare=False)

    @property
    def classes(self) -> list[type[Layer]]:
        """The classes that changed, as far as they are alive; none for a refusal."""
        return [cls for ref in self.refs if (cls := ref()) is not None]


class Refused(Exception):  # noqa: N818  (not an error of the program: an answer)
    """An edit that cannot be taken up; the message says why and what to do."""


class Undo:
    """What to do to take an edit back, the last step first."""

    def __init__(self) -> None:
        self._steps: list[Callable[[], object]] = []
        self._last: list[Callable[[], object]] = []

    def add(self, step: Callable[[], object]) -> None:
        """Remember a step."""
        self._steps.append(step)

    def add_last(self, step: Callable[[], object]) -> None:
        """Remember a step that needs the old code back."""
        self._last.append(step)

    def roll_back(self) -> None:
        """Take all steps back."""
        while self._steps:
            self._steps.pop()()
        while self._last:
            self._last.pop()()


class Adoption:
    """Moves new code into old classes and functions, and points what refers to the new ones to the old ones.

    Parameters
    ----------
    undo : Undo
        Learns how to take everything back.

    Attributes
    ----------
    members : dict of type to set of str
        Members that changed, by (old) class.
    """

    def __init__(self, undo: Undo) -> None:
        self.undo = undo
        self.members: dict[type, set[str]] = {}
        self._kept: dict[int, Any] = {}  # id of a new object → the old one
        self._new: list[Any] = []  # keeps the new objects alive, so that their ids stay theirs
        self._seen: set[int] = set()

    def adopt(self, module: str, old: dict[str, Any], new: dict[str, Any]) -> None:
        """Adopt all classes and functions that a module defines under the same names as before.

        Parameters
        ----------
        module : str
            The module's name.
        old, new : dict
            Its namespace before and after; `new` is changed in place.

        Raises
        ------
        Refused
            When a class cannot take the new code over.
        """
        pairs: list[tuple[object, object]] = []
        for name, value in new.items():
            before = old.get(name, _MISSING)
            if before is value or getattr(value, "__module__", None) != module:
                continue
            if getattr(before, "__module__", None) == module:
                pairs.append((before, value))
        functions: list[tuple[FunctionType, FunctionType]] = []
        for before, value in pairs:
            if isinstance(value, type) and isinstance(before, type) and id(value) not in self._kept:
                if not issubclass(value, Enum) or self._keep_members(before, value):
                    self._keep(before, value)
            elif isinstance(value, FunctionType) and isinstance(before, FunctionType):
                functions.append((before, value))
        for before, value in functions:
            self._function(before, value)
        for before, value in pairs:
            if isinstance(value, type) and isinstance(before, type) and self.kept(value) is before:
                self._class(before, value)
        for name, value in list(new.items()):
            new[name] = self._redirect(value, new, 5)

    def kept(self, value: Any) -> Any:
        """Return the old object that a new one was adopted into, or the value itself."""
        return self._kept.get(id(value), value)

    def _keep(self, old: Any, new: Any) -> None:
        self._kept[id(new)] = old
        self._new.append(new)

    def _keep_members(self, old: type, new: type[Enum]) -> bool:
        """Keep the members of an Enum that has the same ones; another one is a new class."""
        if not issubclass(old, Enum) or old.__bases__ != new.__bases__:
            return False
        before, after = old.__members__, new.__members__
        if list(before) != list(after) or any(before[n].value != after[n].value for n in before):
            return False
        for name in before:
            self._keep(before[name], after[name])
        return True

    # functions

    def _function(self, old: FunctionType, new: FunctionType) -> FunctionType:
        """Give the old function the new one's code; return the one to use."""
        if old is new:
            return old
        if id(new) in self._kept:
            kept: FunctionType = self._kept[id(new)]
            return kept
        if old.__code__.co_freevars != new.__code__.co_freevars or old.__globals__ is not new.__globals__:
            return new
        self._keep(old, new)
        before = (old.__code__, old.__defaults__, old.__kwdefaults__, old.__doc__, dict(old.__annotations__))
        attributes = dict(old.__dict__)
        self.undo.add(lambda: _restore_function(old, before, attributes))
        cells = zip(old.__code__.co_freevars, old.__closure__ or (), new.__closure__ or (), strict=True)
        for name, cell, fresh in cells:
            if name != "__class__":
                self._cell(cell, fresh)
        _restore_function(
            old,
            (new.__code__, new.__defaults__, new.__kwdefaults__, new.__doc__, dict(new.__annotations__)),
            dict(new.__dict__),
        )
        return old

    def _cell(self, cell: CellType, fresh: CellType) -> None:
        try:
            old, new = cell.cell_contents, fresh.cell_contents
        except ValueError:  # an empty cell
            return
        if isinstance(old, FunctionType) and isinstance(new, FunctionType):
            new = self._function(old, new)
        new = self.kept(new)
        if new is not old:
            cell.cell_contents = new
            self.undo.add(lambda: setattr(cell, "cell_contents", old))

    # classes

    def _class(self, old: type, new: type) -> None:
        """Give the old class the new one's members and bases."""
        if type(old) is not type(new) or vars(old).get("__slots__") != vars(new).get("__slots__"):
            raise Refused(
                f"class {new.__qualname__} has another metaclass or other __slots__ now, which live objects"
                " cannot follow; restart the kernel to take this up"
            )
        changed: set[str] = self.members.setdefault(old, set())
        before, after = class_members(old), class_members(new)
        if issubclass(old, Enum):  # the members stay, their methods follow
            for name in before.keys() & after.keys():
                if isinstance(after[name], FunctionType | property | staticmethod | classmethod):
                    self._set(old, name, self._member(before[name], after[name]))
            return
        for name in before.keys() - after.keys():
            changed.add(name)
            self._set(old, name, _MISSING)
        for name, value in vars(new).items():
            if name in SKIPPED or isinstance(value, MemberDescriptorType):
                continue
            was = vars(old).get(name, _MISSING)
            if name != "__doc__" and not same_value(was, value):
                changed.add(name)
            use = self._member(was, value)
            if use is not was:
                self._set(old, name, use)
        if "__firstlineno__" in vars(new):
            self._set(old, "__firstlineno__", vars(new)["__firstlineno__"])
        bases = tuple(self.kept(base) for base in new.__bases__)
        if bases != old.__bases__:
            self._set_bases(old, bases)
            changed.add("__bases__")

    def _member(self, old: Any, new: Any) -> Any:
        if isinstance(old, FunctionType) and isinstance(new, FunctionType):
            return self._function(old, new)
        if isinstance(old, staticmethod | classmethod) and type(old) is type(new):
            inner, fresh = old.__func__, new.__func__
            if isinstance(inner, FunctionType) and isinstance(fresh, FunctionType):
                return old if self._function(inner, fresh) is inner else new
        elif isinstance(old, property) and isinstance(new, property):
            fget, fset, fdel = (self._member(getattr(old, n), getattr(new, n)) for n in ("fget", "fset", "fdel"))
            return property(fget, fset, fdel, new.__doc__)
        elif isinstance(old, type) and isinstance(new, type) and old.__qualname__ == new.__qualname__:
            if old is not new and id(new) not in self._kept:
                self._keep(old, new)
                self._class(old, new)
            return self.kept(new)
        return new

    def _set(self, cls: type, name: str, value: Any) -> None:
        was = vars(cls).get(name, _MISSING)
        self.undo.add(lambda: _set_member(cls, name, was))
        try:
            _set_member(cls, name, value)
        except (AttributeError, TypeError) as error:
            raise Refused(f"class {cls.__qualname__} cannot take over its new '{name}': {error}") from error

    def _set_bases(self, cls: type, bases: tuple[type, ...]) -> None:
        was = cls.__bases__
        try:
            cls.__bases__ = bases
        except TypeError as error:
            raise Refused(
                f"class {cls.__qualname__} has other bases now, which live objects cannot follow ({error});"
                " restart the kernel to take this up"
            ) from error
        self.undo.add(lambda: setattr(cls, "__bases__", was))

    # references

    def _redirect(self, value: Any, space: dict[str, Any], depth: int) -> Any:
        """Return what should stand in place of `value`; what it holds is changed in place."""
        use = self._kept.get(id(value), value)
        if depth == 0 or id(use) in self._seen:
            return use
        if isinstance(use, dict | list | tuple | set | frozenset):
            return self._redirect_container(use, space, depth)
        self._seen.add(id(use))
        if isinstance(use, FunctionType):
            self._redirect_function(use, space, depth)
        elif isinstance(use, type):
            if use.__module__ == space.get("__name__"):
                self._redirect_class(use, space, depth)
        else:
            self._redirect_object(use, space, depth)
        return use

    def _redirect_object(self, value: Any, space: dict[str, Any], depth: int) -> None:
        if isinstance(value, staticmethod | classmethod):
            self._redirect(value.__func__, space, depth - 1)
        elif isinstance(value, property):
            for part in (value.fget, value.fset, value.fdel):
                self._redirect(part, space, depth - 1)
        elif id(type(value)) in self._kept:  # an object that the module made of a new class
            with contextlib.suppress(TypeError):
                value.__class__ = self._kept[id(type(value))]
                self._redirect(getattr(value, "__dict__", None), space, depth - 1)
        elif "__wrapped__" in getattr(value, "__dict__", ()):
            self._redirect(vars(value)["__wrapped__"], space, depth - 1)

    def _redirect_container(self, value: Any, space: dict[str, Any], depth: int) -> Any:
        if isinstance(value, dict):
            if id(value) not in self._seen:
                self._seen.add(id(value))
                for key, item in list(value.items()) if len(value) <= MOST else ():
                    use, use_key = self._redirect(item, space, depth - 1), self.kept(key)
                    if use_key is not key:
                        del value[key]
                    if use is not item or use_key is not key:
                        value[use_key] = use
            return value
        if len(value) > MOST:
            return value
        items = [self._redirect(item, space, depth - 1) for item in value]
        if all(a is b for a, b in zip(items, value, strict=True)):
            return value
        if isinstance(value, list):
            value[:] = items
            return value
        if isinstance(value, set):
            value.clear()
            value.update(items)
            return value
        return type(value)(items) if type(value) in (tuple, frozenset) else value

    def _redirect_function(self, function: FunctionType, space: dict[str, Any], depth: int) -> None:
        for cell in function.__closure__ or ():
            try:
                content = cell.cell_contents
            except ValueError:
                continue
            use = self._redirect(content, space, depth - 1)
            if use is not content:
                cell.cell_contents = use
        if function.__defaults__:
            function.__defaults__ = self._redirect(function.__defaults__, space, depth - 1)
        if function.__dict__:
            self._redirect(function.__dict__, space, depth - 1)

    def _redirect_class(self, cls: type, space: dict[str, Any], depth: int) -> None:
        for name, value in list(vars(cls).items()):
            if name in SKIPPED:
                continue
            use = self._redirect(value, space, depth - 1)
            if use is not value:
                self._set(cls, name, use)
        bases = tuple(self.kept(base) for base in cls.__bases__)
        if bases != cls.__bases__:
            self._set_bases(cls, bases)


def _set_member(cls: type, name: str, value: Any) -> None:
    if value is not _MISSING:
        type.__setattr__(cls, name, value)
    elif name in vars(cls):
        type.__delattr__(cls, name)


def _restore_function(
    function: FunctionType, state: tuple[Any, Any, Any, Any, dict[str, Any]], attributes: dict[str, Any]
) -> None:
    function.__code__, function.__defaults__, function.__kwdefaults__ = state[:3]
    function.__doc__, function.__annotations__ = state[3:]
    function.__dict__.clear()
    function.__dict__.update(attributes)
