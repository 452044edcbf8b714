"""Running a module's new text in its own namespace, so that it can be taken back whole."""

from __future__ import annotations

import ast
import sys
from functools import partial
from types import CodeType, ModuleType
from typing import Any

from caffe_nb.layers.modules import is_users_file, module_file
from caffe_nb.live.classify import bound_names
from caffe_nb.live.objects import classes_of, codes_in, functions_of
from caffe_nb.live.sources import Source
from caffe_nb.live.swap import Undo


def compile_text(source: Source, text: str) -> CodeType:
    """Compile a text under the name of its module's file.

    Raises
    ------
    SyntaxError, ValueError
        When it is no Python.
    """
    try:
        text.encode()
    except UnicodeEncodeError as error:
        before = text[: error.start]
        number, column = before.count("\n") + 1, error.start - before.rfind("\n")
        line = text.split("\n")[number - 1].encode("utf-8", "replace").decode()
        advice = "the file is not UTF-8 here; save it as UTF-8, or name its encoding in line 1"
        raise SyntaxError(advice, (source.file, number, column, line)) from None
    code: CodeType = compile(text, source.file, "exec", dont_inherit=True)
    return code


def run(source: Source, text: str, undo: Undo) -> dict[str, Any]:
    """Run a new text in its module's namespace; what the text binds no more is gone before.

    The other names stay while it runs: code in other threads misses nothing.

    Parameters
    ----------
    source : Source
        The module.
    text : str
        Its new text.
    undo : Undo
        Learns how to put the old namespace back, also when the text raises.

    Returns
    -------
    dict
        The namespace as it was before.

    Raises
    ------
    Exception
        What the text raises.
    """
    code = compile_text(source, text)
    space = source.module.__dict__
    old = dict(space)
    loaded = set(sys.modules)
    undo.add(lambda: _put_back(space, old))
    undo.add(lambda: _unload(loaded))
    for name in (bound_names(source.text) - bound_names(text)) & space.keys():
        del space[name]
    exec(code, space)  # noqa: S102  (a user's layer module is code)
    return old


def _put_back(space: dict[str, Any], old: dict[str, Any]) -> None:
    space.update(old)  # first, so that nobody misses a name meanwhile
    for name in space.keys() - old.keys():
        del space[name]


def _unload(loaded: set[str]) -> None:
    """Forget modules of the user's that a refused text imported: they are read anew next time."""
    for key in set(sys.modules) - loaded:
        path = module_file(sys.modules[key])
        if path is not None and is_users_file(path):
            del sys.modules[key]


def move_lines(source: Source, text: str, undo: Undo) -> None:
    """Give the functions of a module the line numbers of a text that differs in comments and whitespace only."""
    try:
        old, new = compile_text(source, source.text), compile_text(source, text)
    except (SyntaxError, ValueError):
        return
    moved = dict(zip(map(_place, codes_in(old)), codes_in(new), strict=True))
    for function in functions_of(source.module):
        code = moved.get(_place(function.__code__))
        if code is not None and function.__code__.co_filename == code.co_filename:
            undo.add(partial(setattr, function, "__code__", function.__code__))
            function.__code__ = code
    _move_classes(source.module, text)


def _place(code: CodeType) -> tuple[str, int, int]:
    columns = next((p[2] or 0 for p in code.co_positions() if p[2]), 0)
    return code.co_qualname, code.co_firstlineno, columns


def _move_classes(module: ModuleType, text: str) -> None:
    """Python 3.13 keeps a class's line in the class."""
    lines = {node.name: node.lineno for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ClassDef)}
    for cls in classes_of(module):
        if "__firstlineno__" in vars(cls) and cls.__name__ in lines:
            type.__setattr__(cls, "__firstlineno__", lines[cls.__name__])
