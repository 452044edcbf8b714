"""Bring Python 2 layers to Python 3: show the change, and write it with --write.

The translation is fissix's, the maintained successor of 2to3, with a few lines for what NumPy and PyYAML have dropped.
Nothing is run, and nothing is written without --write, which keeps each file as FILE.bak.
"""

from __future__ import annotations

import argparse
import difflib
import io
import shutil
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

from caffe_nb.cli import python3
from caffe_nb.cli.options import Parser
from caffe_nb.errors import did_you_mean, listing
from caffe_nb.proto.files import MissingFileError, replace_files


def add_arguments(parser: Parser) -> None:
    """Add the arguments of `caffe modernize`."""
    parser.add_argument("paths", nargs="+", metavar="FILE", help="Python files, or folders of them")
    parser.flag("write", "write the changes; each file is kept as FILE.bak")
    parser.flag("backup", "keep FILE.bak (--nobackup: do not)", default=True)
    parser.flag("check", "end with status 1 when there is something to change")


def run(args: argparse.Namespace) -> int:
    """Show or write the changes; 1 where a file could not be translated, or, with --check, where one would change."""
    changed = failed = 0
    paths = list(dict.fromkeys(_files(args.paths)))
    if not paths:
        print(f"there are no Python files (.py) in {listing(args.paths)}")
    for path in paths:
        text, encoding, ends = _read(path)
        try:
            new = python3.modernized(text, str(path))
        except python3.NotPythonError as error:  # the other files are done nevertheless
            print(f"caffe modernize: {error}", file=sys.stderr)
            failed += 1
            continue
        if new == text:
            print(f"{path}: nothing to change")
            _warn(text, new, path)
            continue
        changed += 1
        if args.write:
            _write(path, new.replace("\n", ends).encode(encoding), backup=args.backup)
        else:
            _show(text, new, path)
        _warn(text, new, path)
    if changed and not args.write:
        print("\nNothing was written; --write makes these changes.")
    return 1 if failed or (args.check and changed) else 0


def _files(paths: list[str]) -> Iterator[Path]:
    for name in paths:
        path = Path(name)
        if path.is_dir():
            files = (found for found in path.rglob("*.py") if found.is_file())
            yield from sorted(f for f in files if not any(p.startswith(".") for p in f.relative_to(path).parts))
        elif path.is_file():
            yield path
        else:
            there = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
            raise MissingFileError(f"there is no file or folder '{name}'.{did_you_mean(path.name, there)}")


def _read(path: Path) -> tuple[str, str, str]:
    """Return a file's text with plain line ends, the encoding to write it in, and its line ends."""
    content = path.read_bytes()
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(content).readline)
        text = content.decode(encoding)
    except (SyntaxError, UnicodeDecodeError):  # an encoding unknown or unsaid: Python 3 then takes UTF-8
        encoding, text = "utf-8", content.decode("latin-1")
    return text.replace("\r\n", "\n"), encoding, "\r\n" if "\r\n" in text else "\n"


def _write(path: Path, content: bytes, *, backup: bool) -> None:
    """Write a file in the place of the one that is there, which is kept beside it under a name that is free."""
    kept = path.with_name(f"{path.name}.bak")
    number = 2
    while kept.exists():
        kept = path.with_name(f"{path.name}.bak{number}")
        number += 1
    if backup:
        replace_files([(kept, lambda beside: shutil.copy(path, beside))])

    def fill(beside: Path) -> None:
        shutil.copy(path, beside)  # who may read and run it
        beside.write_bytes(content)

    replace_files([(path.resolve(), fill)])
    print(f"{path}: written" + (f"; as it was: {kept.name}" if backup else ""))


def _warn(old: str, new: str, path: Path) -> None:
    """Name the lines whose meaning may have changed though their text has not."""
    for line, name in python3.leftovers(new):
        print(f"{path}: look at line {line}: `{name}` is gone, and has to be mended by hand")
    if "import division" in old or (python3.syntax_error(old) is None and not python3.uses_python2(old)):
        return
    lines = python3.divisions(new)
    if lines:
        where = listing(map(str, lines))
        print(f"{path}: look at line {where}: `/` gives floats in Python 3; `//` divides whole numbers")


def _show(old: str, new: str, path: Path) -> None:
    colours = {"+": "\033[32m", "-": "\033[31m", "@": "\033[36m"} if sys.stdout.isatty() else {}
    lines = difflib.unified_diff(old.split("\n"), new.split("\n"), str(path), f"{path} (Python 3)", lineterm="")
    for line in lines:
        colour = colours.get(line[:1], "")
        print(f"{colour}{line}\033[0m" if colour else line)
