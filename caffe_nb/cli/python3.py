"""Python 2 text to Python 3 text, for `caffe modernize`.

The translation is fissix's, the maintained successor of 2to3, with a few lines for what NumPy and PyYAML have dropped.
"""

from __future__ import annotations

import ast
import importlib
import io
import re
import tokenize
import warnings
from collections.abc import Iterable
from typing import TYPE_CHECKING

from caffe_nb.errors import CaffeError

if TYPE_CHECKING:
    from fissix.refactor import RefactoringTool

FIXERS = (
    "apply basestring dict except exec execfile filter funcattrs getcwdu has_key imports imports2 input intern "
    "itertools itertools_imports long map methodattrs metaclass ne next nonzero numliterals operator paren print raise "
    "raw_input reduce reload renames repr standarderror sys_exc throw tuple_params types unicode urllib xrange "
    "xreadlines zip"
)
"""Left out: `import`, as a layer's module lies beside the net and is no package, so that implicit relative imports stay
right; and those that only change style."""

_WHOLE = r"((?:[^(),]|\((?:[^()]|\([^()]*\))*\))*)"  # an argument, with brackets inside brackets
LIBRARIES = (
    (re.compile(r"(?<![\w.])(?:np|numpy)\.(float|int|bool|object|str|complex)\b"), r"\1"),
    (re.compile(r"(?<![\w.])(np|numpy)\.product\b"), r"\1.prod"),
    (re.compile(rf"(?<![\w.])yaml\.load\({_WHOLE}\)"), r"yaml.safe_load(\1)"),
    (re.compile(r"(?<![\w.])time\.clock\(\)"), "time.perf_counter()"),
)

_NAMES = {"xrange", "unicode", "raw_input", "basestring", "long", "reduce", "execfile", "unichr", "cmp", "reload"}
_METHODS = {"iteritems", "itervalues", "iterkeys", "has_key", "izip", "imap", "ifilter", "maxint", "getcwdu"}
_MODULES = {
    "cPickle",
    "Queue",
    "ConfigParser",
    "urllib2",
    "urlparse",
    "StringIO",
    "cStringIO",
    "Tkinter",
    "__builtin__",
}
_MODULES |= {"HTMLParser", "httplib", "SocketServer", "copy_reg", "commands"}
_TEXTS = {tokenize.STRING, tokenize.COMMENT, getattr(tokenize, "FSTRING_MIDDLE", tokenize.STRING)}
_LAZY = {"map", "filter", "zip"}


_CHANGED = {"collections", "inspect", "itertools", "numpy", "os", "string", "sys", "time", "types"}
"""Modules that still are there, but have lost names."""


class NotPythonError(CaffeError, ValueError):
    """A text that is neither Python 2 nor Python 3, or that has to be mended by hand."""


def modernized(text: str, name: str) -> str:
    """Return a module's text for Python 3.

    Parameters
    ----------
    text : str
        The module, of Python 2 or 3, with plain line ends.
    name : str
        What messages call it.

    Returns
    -------
    str
        The same text where it is Python 3 already and uses nothing that NumPy and PyYAML have dropped.

    Raises
    ------
    NotPythonError
        When it is no Python of either version, or can only be mended by hand; with the line.
    """
    if not text.strip():
        return text
    whole = text if text.endswith("\n") else text + "\n"
    error = syntax_error(whole)
    if error is not None or uses_python2(whole):
        whole = _translated(whole, name, statements=error is not None or _prints(whole))
    error = syntax_error(whole)
    if isinstance(error, TabError):
        whole = "".join(_without_tabs(line) for line in whole.splitlines(keepends=True))
        error = syntax_error(whole)
    if error is not None:
        raise NotPythonError(f"{name}, line {error.lineno}: this has to be mended by hand: {error.msg}")
    for pattern, use in LIBRARIES:
        whole = _replaced(whole, pattern, use)
    return whole if text.endswith("\n") else whole[:-1]


def syntax_error(text: str) -> SyntaxError | None:
    """Return what Python 3 says against a text; None for one that it can read."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(text, "<module>", "exec", dont_inherit=True)
    except SyntaxError as error:
        return error
    except ValueError as error:  # a null byte, on older versions
        return SyntaxError(str(error))
    return None


def uses_python2(text: str) -> bool:
    """Whether a text that Python 3 can read uses names that only Python 2 has.

    Names that the module makes itself, and imports that it tries, do not count: such a module runs on both.
    """
    return _prints(text) or bool(_python2_nodes(text))


def _python2_nodes(text: str) -> list[ast.AST]:
    nodes = list(ast.walk(_tree(text)))
    made = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    made |= {node.arg for node in nodes if isinstance(node, ast.arg)}
    made |= {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    made |= {
        (alias.asname or alias.name) for node in nodes if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }  # fmt: skip
    tried = _tried(nodes)
    return [node for node in nodes if id(node) not in tried and _is_python2(node, made)]


def leftovers(text: str) -> list[tuple[int, str]]:
    """Return the lines of a Python 3 text with names that are gone, and that have to be mended by hand.

    Parameters
    ----------
    text : str
        The module, as `modernized` returns it.

    Returns
    -------
    list of (int, str)
        1-based line and the name: of Python 2, or of NumPy or the standard library as they are installed here.
    """
    found = {(node.lineno, node.id) for node in _python2_nodes(text) if isinstance(node, ast.Name)}
    nodes = list(ast.walk(_tree(text)))
    tried = _tried(nodes)
    modules = {
        alias.asname or alias.name: alias.name
        for node in nodes
        if isinstance(node, ast.Import)
        for alias in node.names
        if alias.name in _CHANGED
    }
    for node in nodes:
        match node:
            case ast.Attribute(value=ast.Name(id=alias), attr=name) if alias in modules and id(node) not in tried:
                if not _has(modules[alias], name):
                    found.add((node.lineno, f"{alias}.{name}"))
    return sorted(found)


def _tree(text: str) -> ast.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(text)


def _tried(nodes: Iterable[ast.AST]) -> set[int]:
    """Return the ids of the nodes that stand in a `try`: a module that tries a name knows that it may be gone."""
    return {id(part) for node in nodes if isinstance(node, ast.Try) for part in ast.walk(node)}


def _has(module: str, name: str) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return hasattr(importlib.import_module(module), name)


def _is_python2(node: ast.AST, made: set[str]) -> bool:
    match node:
        case ast.Name(id=name, ctx=ast.Load()):
            return name in _NAMES - made
        case ast.Attribute(value=owner, attr=name):
            return name in _METHODS and not (isinstance(owner, ast.Name) and owner.id == "six")
        case ast.Import(names=names):
            return any(alias.name in _MODULES for alias in names)
        case ast.ImportFrom(module=module, level=0):
            return module in _MODULES
        case ast.Subscript(value=ast.Call(func=ast.Name(id=name))):
            return name in _LAZY - made
        case ast.Subscript(value=ast.Call(func=ast.Attribute(attr=name), args=[])):
            return name in ("keys", "values", "items")
    return False


def _prints(text: str) -> bool:
    """Whether a text that Python 3 can read has `print` as a statement nevertheless: alone, or with ``>>``."""
    for node in ast.walk(_tree(text)):
        match node:
            case ast.BinOp(left=ast.Name(id="print"), op=ast.RShift()) | ast.Expr(value=ast.Name(id="print")):
                return True
    return False


def divisions(text: str) -> list[int]:
    """Return the lines of a Python 3 text that divide with ``/``, which in Python 2 may have meant whole numbers."""
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return sorted({token.start[0] for token in tokens if token.type == tokenize.OP and token.string in ("/", "/=")})


def _replaced(text: str, pattern: re.Pattern[str], use: str) -> str:
    """Replace a pattern in a Python 3 text where it is code: strings and comments stay as they are."""
    code = _code_alone(text)
    parts, at = [], 0
    for found in pattern.finditer(code):
        argument = text[slice(*found.span(1))] if pattern.groups else ""
        parts += [text[at : found.start()], use.replace(r"\1", argument)]
        at = found.end()
    return "".join([*parts, text[at:]])


def _code_alone(text: str) -> str:
    """Return a Python 3 text with a quote in the place of each character of its strings and comments."""
    lines = text.split("\n")
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in _TEXTS:
            continue
        (first, start), (last, end) = token.start, token.end
        for number in range(first - 1, last):
            line = lines[number]
            begin, stop = start if number == first - 1 else 0, end if number == last - 1 else len(line)
            lines[number] = line[:begin] + '"' * (stop - begin) + line[stop:]
    return "\n".join(lines)


def _translated(text: str, name: str, *, statements: bool) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from fissix.pgen2.parse import ParseError
        from fissix.pgen2.tokenize import TokenError
    # a text that Python 3 reads calls print; one that it does not may well have it as a statement
    failed: Exception | None = None
    for calls in (False, True) if statements else (True, False):
        try:
            return str(_tool(calls).refactor_string(text, name))
        except (ParseError, TokenError, IndentationError) as error:
            failed = failed or error
    place = getattr(failed, "context", None)
    line = place[1][0] if place else getattr(failed, "lineno", None)
    words = f"{name}, line {line}" if line else name
    said = str(failed).partition(": type=")[0]
    raise NotPythonError(f"{words}: this is no Python, neither 2 nor 3: {said}") from failed


def _tool(calls: bool) -> RefactoringTool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from fissix.refactor import RefactoringTool

        return RefactoringTool([f"fissix.fixes.fix_{name}" for name in FIXERS.split()], {"print_function": calls})


def _without_tabs(line: str) -> str:
    """Return a line whose indentation has spaces where it had tabs, eight columns apart as Python 2 takes them."""
    rest = line.lstrip(" \t")
    return line[: len(line) - len(rest)].expandtabs(8) + rest
