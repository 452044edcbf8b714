"""Fail where a Python file is over 400 lines or a function over 60: what is longer does more than one thing."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

LONGEST_FILE = 400
LONGEST_FUNCTION = 60
ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("caffe_nb", "tools", "tests")


def too_long(path: Path) -> Iterator[str]:
    """Yield one message for the file and for each function in it that is too long."""
    text = path.read_text(encoding="utf-8")
    name = path.relative_to(ROOT).as_posix()
    lines = text.count("\n")
    if lines > LONGEST_FILE:
        yield f"{name}:1: {lines} lines, over {LONGEST_FILE}: split the file by what its parts do"
    for node in ast.walk(ast.parse(text, name)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = code_lines(node)
            if length > LONGEST_FUNCTION:
                yield f"{name}:{node.lineno}: {node.name}() has {length} lines, over {LONGEST_FUNCTION}: split it"


def code_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Count a function's lines from its name to its end, without its docstring."""
    total = (node.end_lineno or node.lineno) - node.lineno + 1
    first = node.body[0]
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
        total -= (first.end_lineno or first.lineno) - first.lineno + 1
    return total


def main() -> int:
    """Print what is too long and return the exit status."""
    found = [
        message for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py")) for message in too_long(path)
    ]
    print("\n".join(found) or "sizes: no file or function is too long")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
