"""The code of Python layers, as it stands in its file or its cell now."""

from __future__ import annotations

import ast
import inspect
import linecache
import textwrap
from pathlib import Path
from types import FunctionType

from caffe_nb.errors import NetError
from caffe_nb.inspector.messages import LayerText, SourceText
from caffe_nb.inspector.pieces import Source
from caffe_nb.net.build import Node
from caffe_nb.proto.text import to_text


def source_text(node: Node) -> SourceText:
    """Return the code of a layer's class and where it stands.

    Raises
    ------
    NetError
        For a built-in layer, and for a class whose code is nowhere to be found.
    """
    cls = type(node.layer)
    if not node.is_python:
        raise NetError(f"{node.where} is built in; only Python layers have code to show")
    filename, first = _place(cls)
    linecache.checkcache(filename)
    text = "".join(linecache.getlines(filename))
    if not text:
        raise NetError(f"the code of {cls.__module__}.{cls.__qualname__} was not found in {filename or 'any file'}")
    line, text = _class_text(text, cls.__qualname__.rpartition(".")[2], first)
    path = filename if Path(filename).is_file() else ""
    source = Source(path=path, line=line, module=cls.__module__, qualname=cls.__qualname__)
    return SourceText(source=source, text=text)


def layer_text(node: Node, note: str = "") -> LayerText:
    """Return a layer's prototxt and its type's docstring; stored parameter values are left out.

    Parameters
    ----------
    node : Node
        The layer.
    note : str, default ""
        What is to be said beside it.
    """
    param = type(node.param)()
    param.CopyFrom(node.param)
    del param.blobs[:]
    takes_text = node.is_python and param.HasField("python_param")
    return LayerText(
        text=f"layer {{\n{textwrap.indent(to_text(param), '  ')}}}",
        doc=inspect.getdoc(type(node.layer)) or "",
        param_str=param.python_param.param_str if takes_text else None,
        note=note,
    )


def _place(cls: type) -> tuple[str, int]:
    """Return the file of a class and the line of its first method; a class's own line is not kept by Python."""
    functions = [value for value in vars(cls).values() if isinstance(value, FunctionType)]
    codes = [function.__code__ for function in functions if function.__module__ == cls.__module__]
    if not codes:
        raise NetError(f"{cls.__module__}.{cls.__qualname__} has no methods of its own to show")
    first = min(codes, key=lambda code: code.co_firstlineno)
    return first.co_filename, first.co_firstlineno


def _class_text(text: str, name: str, inside: int) -> tuple[int, str]:
    """Return the line and the text of the class around a line; the whole text where it cannot be parsed."""
    try:
        tree = ast.parse(text)
    except SyntaxError:  # an edit that was refused
        return 1, text
    classes = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef) and node.name == name]
    around = [node for node in classes if node.lineno <= inside <= (node.end_lineno or 0)]
    found = (around or classes)[-1:]
    if not found:
        return 1, text
    start = min([found[0].lineno, *(decorator.lineno for decorator in found[0].decorator_list)])
    return found[0].lineno, "".join(text.splitlines(keepends=True)[start - 1 : found[0].end_lineno])
