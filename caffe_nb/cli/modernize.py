"""Bring Python 2 layers to Python 3: show the change, and write it with --write.

The translation is fissix's, the maintained successor of 2to3, with a few lines for what NumPy and PyYAML have dropped.
Nothing is run, and nothing is written without --write, which keeps each file as FILE.bak.
"""

from __future__ import annotations

import argparse
import difflib
import re
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from caffe_nb.cli.options import Parser
from caffe_nb.errors import CaffeError
from caffe_nb.proto.files import write_bytes

if TYPE_CHECKING:
    from fissix.refactor import RefactoringTool

FIXERS = (
    "apply basestring dict except exec execfile filter funcattrs getcwdu has_key idioms import imports imports2 input "
    "intern isinstance itertools itertools_imports long map methodattrs metaclass ne next nonzero numliterals operator "
    "paren print raise raw_input reduce reload renames repr set_literal standarderror sys_exc throw tuple_params types "
    "unicode urllib xrange xreadlines zip"
)
LEFT_OUT = {"import", "idioms", "set_literal", "isinstance"}
"""Implicit relative imports stay: a layer's module lies beside the net and is no package. The others change style."""

LIBRARIES = (
    (re.compile(r"\bnp\.(float|int|bool|object|str|complex)\b(?!_|\d|\()"), r"\1"),
    (re.compile(r"\bnp\.(float|int|bool|str|complex)\("), r"\1("),
    (re.compile(r"\bnp\.product\b"), "np.prod"),
    (re.compile(r"\byaml\.load\(([^(),]*(?:\([^()]*\))?[^(),]*)\)"), r"yaml.safe_load(\1)"),
    (re.compile(r"\btime\.clock\(\)"), "time.perf_counter()"),
)


_NAMES = re.compile(
    r"\b(xrange|unicode|raw_input|basestring|iteritems|itervalues|iterkeys|has_key|cPickle|ConfigParser|urllib2|"
    r"StringIO|reduce|execfile|izip|imap|long)\b"
)
"""Names by which Python 2 shows where the syntax is that of both."""


def add_arguments(parser: Parser) -> None:
    """Add the arguments of `caffe modernize`."""
    parser.add_argument("paths", nargs="+", metavar="FILE", help="Python files, or folders of them")
    parser.flag("write", "write the changes; each file is kept as FILE.bak")
    parser.flag("backup", "keep FILE.bak (--nobackup: do not)", default=True)
    parser.flag("check", "end with status 1 when there is something to change")


def run(args: argparse.Namespace) -> int:
    """Show or write the changes."""
    tool = _tool()
    changed = 0
    for path in _files(args.paths):
        text, encoding, ends = _read(path)
        new = modernized(text, path.name, tool)
        if new == text:
            print(f"{path}: nothing to change")
            continue
        changed += 1
        if args.write:
            if args.backup:
                write_bytes(path.with_name(path.name + ".bak"), path.read_bytes())
            write_bytes(path, new.replace("\n", ends).encode(encoding))
            print(f"{path}: written" + (f"; as it was: {path.name}.bak" if args.backup else ""))
        else:
            _show(text, new, path)
    if changed and not args.write:
        print("\nNothing was written; --write makes these changes.")
    return 1 if args.check and changed else 0


def modernized(text: str, name: str, tool: RefactoringTool | None = None) -> str:
    """Return a module's text for Python 3.

    Parameters
    ----------
    text : str
        The module, of Python 2 or 3.
    name : str
        What messages call it.
    tool : RefactoringTool, optional
        As made once for many files.

    Raises
    ------
    CaffeError
        When it is no Python of either version; with the line.
    """
    from fissix.pgen2.parse import ParseError
    from fissix.pgen2.tokenize import TokenError

    if not text.strip():
        return text
    whole = text if text.endswith("\n") else text + "\n"
    if not _is_python3(whole) or _NAMES.search(whole):
        try:
            whole = str((tool or _tool()).refactor_string(whole, name))
        except (ParseError, TokenError, IndentationError) as error:
            place = getattr(error, "context", None)
            line = f", line {place[1][0]}" if place else ""
            raise CaffeError(f"{name}{line}: this is no Python, neither 2 nor 3: {error}") from error
    for pattern, use in LIBRARIES:
        whole = pattern.sub(use, whole)
    return whole if text.endswith("\n") else whole[:-1]


def _is_python3(text: str) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(text, "<module>", "exec", dont_inherit=True)
    except (SyntaxError, ValueError):
        return False
    return True


def _tool() -> RefactoringTool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from fissix.refactor import RefactoringTool
    return RefactoringTool([f"fissix.fixes.fix_{name}" for name in FIXERS.split() if name not in LEFT_OUT])


def _files(paths: list[str]) -> Iterator[Path]:
    for name in paths:
        path = Path(name)
        if path.is_dir():
            yield from sorted(path.rglob("*.py"))
        elif path.is_file():
            yield path
        else:
            raise CaffeError(f"there is no file or folder '{name}'")


def _read(path: Path) -> tuple[str, str, str]:
    """Return a file's text with plain line ends, its encoding and its line ends."""
    content = path.read_bytes()
    declared = re.match(rb"(?:.*\n)?.*coding[:=]\s*([-\w.]+)", content)
    encoding = declared[1].decode() if declared else "utf-8"
    try:
        text = content.decode(encoding)
    except (UnicodeDecodeError, LookupError):
        encoding = "latin-1"
        text = content.decode(encoding)
    return text.replace("\r\n", "\n"), encoding, "\r\n" if "\r\n" in text else "\n"


def _show(old: str, new: str, path: Path) -> None:
    colours = {"+": "\033[32m", "-": "\033[31m", "@": "\033[36m"} if sys.stdout.isatty() else {}
    for line in difflib.unified_diff(old.splitlines(), new.splitlines(), str(path), f"{path} (Python 3)", lineterm=""):
        colour = colours.get(line[:1], "")
        print(f"{colour}{line}\033[0m" if colour else line)
