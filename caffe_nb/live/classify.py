"""What an edit changed: which names of a module, which members of a class, and what of it setup and reshape read."""

from __future__ import annotations

import ast
import dis
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from types import CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np

from caffe_nb.core.layer import Layer
from caffe_nb.live.objects import codes_in, content, functions_in

METHODS = ("__init__", "setup", "reshape", "forward", "backward")
Name = tuple[str, str]  # module, global name


def same_text(old: str, new: str) -> bool:
    """Whether two texts are the same but for comments and whitespace.

    Raises
    ------
    SyntaxError
        When the new one is no Python.
    """
    tree = ast.dump(ast.parse(new))
    try:
        return ast.dump(ast.parse(old)) == tree
    except (SyntaxError, ValueError):
        return False


def changed_names(old: str, new: str, also: Iterable[str] = ()) -> set[str]:
    """Return the global names of a module that an edit gave another value or meaning.

    Parameters
    ----------
    old, new : str
        The module's text before and after.
    also : iterable of str
        Names that changed for another reason, such as an import of something edited.

    Returns
    -------
    set of str
        Names whose own statement changed, and those computed from them.
    """
    before, after = _statements(old), _statements(new)
    changed = {name for name in before.keys() | after.keys() if before.get(name, ("",))[0] != after.get(name, ("",))[0]}
    changed |= set(also)
    tainted = set(changed)
    while True:
        more = {name for name, (_, reads, _) in after.items() if name not in tainted and reads & tainted}
        if not more:
            break
        tainted |= more
    plain = {name for name, (_, _, is_code) in after.items() if not is_code}
    return changed | (tainted & plain)


def bound_names(text: str) -> set[str]:
    """Return the global names that a text binds."""
    return _statements(text).keys() - {"<module>"}


def _statements(text: str) -> dict[str, tuple[str, set[str], bool]]:
    """Return for every global name of a text: what binds it, the names which that reads, and whether it is a def."""
    found: dict[str, tuple[str, set[str], bool]] = {}
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return found
    for node in map(_without_docstrings, tree.body):
        is_code = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        reads = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
        dump = ast.dump(node)
        for name in _bound(node) or {"<module>"}:
            earlier = found.get(name, ("", set(), is_code))
            found[name] = (earlier[0] + dump, earlier[1] | reads, is_code and earlier[2])
    return found


def _without_docstrings(node: ast.stmt) -> ast.stmt:
    """Take the docstrings out of a statement's functions and classes."""
    for each in ast.walk(node):
        if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            first = each.body[0]
            if (
                isinstance(first, ast.Expr)
                and isinstance(first.value, ast.Constant)
                and isinstance(first.value.value, str)
            ):
                each.body = each.body[1:] or [ast.Pass()]
    return node


def _bound(node: ast.stmt) -> set[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {node.name}
    names: set[str] = set()
    for child in ast.walk(node):
        if isinstance(child, ast.Name) and isinstance(child.ctx, ast.Store | ast.Del):
            names.add(child.id)
        elif isinstance(child, ast.alias):
            names.add(child.asname or child.name.partition(".")[0])
        elif isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(child.name)
    if not names and isinstance(node, ast.Expr | ast.Assign | ast.AugAssign):  # TABLE.append(1), TABLE[0] = 1
        target: ast.AST = (
            node.value
            if isinstance(node, ast.Expr)
            else (node.targets[0] if isinstance(node, ast.Assign) else node.target)
        )
        while isinstance(target, ast.Call | ast.Attribute | ast.Subscript):
            target = target.func if isinstance(target, ast.Call) else target.value
        if isinstance(target, ast.Name):
            names.add(target.id)
    return names


# comparing values


def same_value(old: Any, new: Any) -> bool:
    """Whether two class members or defaults mean the same; functions are compared by their code."""
    if old is new:
        return True
    if type(old) is not type(new):
        return False
    if isinstance(old, FunctionType):
        return _same_function(old, new)
    if isinstance(old, staticmethod | classmethod):
        return same_value(old.__func__, new.__func__)
    if isinstance(old, property):
        return all(same_value(getattr(old, n), getattr(new, n)) for n in ("fget", "fset", "fdel"))
    if isinstance(old, type):
        return (old.__qualname__, old.__bases__) == (new.__qualname__, new.__bases__) and _same_dict(
            class_members(old), class_members(new)
        )
    if isinstance(old, np.ndarray):
        return (old.dtype, old.shape, old.tobytes()) == (new.dtype, new.shape, new.tobytes())
    if isinstance(old, tuple | list):
        return len(old) == len(new) and all(map(same_value, old, new))
    if isinstance(old, dict):
        return _same_dict(old, new)
    try:
        return bool(old == new) and repr(old) == repr(new)
    except Exception:  # a user's __eq__ or __repr__
        return False


def _same_dict(old: dict[Any, Any], new: dict[Any, Any]) -> bool:
    return old.keys() == new.keys() and all(same_value(value, new[key]) for key, value in old.items())


def _same_function(old: FunctionType, new: FunctionType) -> bool:
    if _shape_of(old.__code__) != _shape_of(new.__code__):
        return False
    if not same_value(old.__defaults__, new.__defaults__) or not same_value(old.__kwdefaults__, new.__kwdefaults__):
        return False
    for name, a, b in zip(old.__code__.co_freevars, old.__closure__ or (), new.__closure__ or (), strict=False):
        if name != "__class__" and not same_value(content(a), content(b)):
            return False
    return True


def _shape_of(code: CodeType) -> tuple[object, ...]:
    """Return what a code object does, without where it stands and without its docstring, which nothing loads."""
    body = [(each.opname, _operand(each.argval)) for each in dis.get_instructions(code)]
    return (
        tuple(body),
        code.co_varnames,
        code.co_freevars,
        code.co_cellvars,
        code.co_argcount,
        code.co_posonlyargcount,
        code.co_kwonlyargcount,
        code.co_flags & ~_HAS_DOCSTRING,
        code.co_exceptiontable,
    )


def _operand(value: Any) -> object:
    return _shape_of(value) if isinstance(value, CodeType) else (type(value).__name__, repr(value))


_HAS_DOCSTRING = 0x4000000
"""A flag of code objects from Python 3.13 on."""
SKIPPED = frozenset(
    {
        "__dict__",
        "__weakref__",
        "__module__",
        "__firstlineno__",
        "__static_attributes__",
        "_abc_impl",
        "__qualname__",
        "__slots__",
        "__type_params__",
    }
)
"""Members of a class that Python makes, and that an edit does not carry over."""


def class_members(cls: type) -> dict[str, Any]:
    """Return the members of a class that its author wrote."""
    return {name: value for name, value in vars(cls).items() if name not in SKIPPED and name != "__doc__"}


# what a layer's methods read


@dataclass
class Reads:
    """What methods reach: members of the class by name, and globals of the user's modules."""

    members: set[str] = field(default_factory=set)
    names: set[Name] = field(default_factory=set)


def reads(cls: type[Layer], entries: Iterable[str]) -> Reads:
    """Return what the named methods of a class read, through helpers as far as they are the user's own.

    Notes
    -----
    Goes by names, so it may find too much: a name that is an attribute of something else counts as a member.
    """
    found = Reads()
    lines = [c for c in cls.__mro__ if c not in (Layer, object) and not _is_foreign(c)]
    members: dict[str, list[Any]] = {}
    for c in lines:
        for name, value in class_members(c).items():
            members.setdefault(name, []).append(value)
    queue: list[FunctionType] = []
    seen: set[int] = set()
    for entry in entries:
        found.members.add(entry)
        for value in members.get(entry, ()):
            queue.extend(functions_in(value))
    while queue:
        function = queue.pop()
        if id(function) in seen:
            continue
        seen.add(id(function))
        names = {name for code in codes_in(function.__code__) for name in code.co_names}
        for name in names & members.keys() - set(METHODS):
            found.members.add(name)
            for value in members[name]:
                queue.extend(functions_in(value))
        queue.extend(_global_reads(function, names, lines, found))
    return found


def _is_foreign(cls: type) -> bool:
    package = cls.__module__.partition(".")[0]
    return package == "caffe_nb" or (package in sys.stdlib_module_names and package != "__main__")


def _global_reads(function: FunctionType, names: set[str], own: list[type], found: Reads) -> Iterator[FunctionType]:
    space = function.__globals__
    module = str(space.get("__name__", ""))
    for name in names:
        found.names.add((module, name))
        value = space.get(name)
        if isinstance(value, ModuleType):
            for inner in names & vars(value).keys():
                found.names.add((value.__name__, inner))
                yield from _reached(vars(value)[inner], own, found)
        elif value is not None:
            yield from _reached(value, own, found)


def _reached(value: Any, own: list[type], found: Reads) -> Iterator[FunctionType]:
    if isinstance(value, type):
        if value not in own:
            found.names.add((value.__module__, value.__qualname__))
            yield from functions_in(vars(value).get("__init__"))
    elif callable(value):
        for function in functions_in(value):
            found.names.add((str(function.__globals__.get("__name__", "")), function.__qualname__))
            yield function


@dataclass
class Effect:
    """What an edit means for a layer class.

    Attributes
    ----------
    changed : list of str
        Methods, members and globals that changed and that the class uses, the most telling first.
    setup, reshape, forward : bool
        Whether what setup (or `__init__`), reshape and forward do may be different now.
    """

    changed: list[str]
    setup: bool
    reshape: bool
    forward: bool


def effect(cls: type[Layer], members: dict[type, set[str]], names: set[Name]) -> Effect:
    """Return what changed members and globals mean for a class.

    Parameters
    ----------
    cls : type
        The layer class, with the new code.
    members : dict of type to set of str
        Changed members by class.
    names : set of (str, str)
        Changed globals, by module and name.
    """
    own: set[str] = set()
    for base in cls.__mro__:
        own |= members.get(base, set())
    everything = reads(cls, {*METHODS, *(n for c in cls.__mro__ if c in members for n in class_members(c))})
    classes = {(base.__module__, base.__name__) for base in cls.__mro__}
    used = {name for name in names & everything.names if name not in classes}
    at_setup, at_reshape, at_forward = (reads(cls, m) for m in (("__init__", "setup"), ("reshape",), ("forward",)))
    first = [name for name in METHODS if name in own]
    rest = sorted((own | {name for _, name in used}) - set(METHODS))
    setup = bool(own & at_setup.members or used & at_setup.names or "__bases__" in own)
    reshape = bool(own & at_reshape.members or used & at_reshape.names)
    forward = bool(setup or reshape or own & at_forward.members or used & at_forward.names)
    return Effect(first + rest, setup=setup, reshape=reshape, forward=forward)
