"""Options as Caffe's users type them: one dash or two, ``-name value`` or ``-name=value``, ``-flag`` or ``-noflag``."""

from __future__ import annotations

import argparse
import contextlib
import re
from collections.abc import Callable, Sequence
from math import inf
from typing import Any, NoReturn, TypeVar

from caffe_nb.errors import did_you_mean

N = TypeVar("N", int, float)
_TRUE, _FALSE = ("true", "1", "t", "yes", "y"), ("false", "0", "f", "no", "n")


class UsageError(Exception):
    """Arguments that a command does not take; the message says which."""


class Parser(argparse.ArgumentParser):
    """The options and arguments of one command.

    Parameters
    ----------
    prog : str
        How the command is called.
    description : str
        What it does, for ``--help``.
    """

    def __init__(self, prog: str, description: str) -> None:
        super().__init__(
            prog=prog,
            description=description,
            allow_abbrev=False,
            add_help=False,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        self._flags: set[str] = set()
        self.flag("help", "show this and end")

    def option(self, name: str, help: str, **kwargs: Any) -> None:
        """Add an option with a value, as argparse does."""
        self.add_argument(f"--{name}", help=help, **kwargs)

    def flag(self, name: str, help: str, default: bool = False) -> None:
        """Add an option that is on or off."""
        self._flags.add(name)
        self.add_argument(f"--{name}", help=help, action="store_true", default=default)
        self.add_argument(f"--no-{name}", dest=name, action="store_false", help=argparse.SUPPRESS)

    def parse(self, words: Sequence[str]) -> argparse.Namespace | None:
        """Return what the words say; None when they asked for help, which was shown.

        Raises
        ------
        UsageError
            For words that the command does not take.
        """
        given = [self._as_argparse(word) for word in words if word != "--"]
        if "--help" in given:  # asked for before anything is missed
            self.print_help()
            return None
        needed = [action for action in self._actions if action.required and action.option_strings]
        for action in needed:
            action.required = False  # what is not taken is said before what is missed: it may be the same
        args, unknown = self.parse_known_intermixed_args(given)
        missing = [action for action in needed if getattr(args, action.dest) is None]
        if unknown:
            self.error(f"unknown argument '{unknown[0]}'.{self._guess(unknown[0], missing)}")
        if missing:
            self.error("give " + " and ".join(f"-{action.dest}, {action.help}" for action in missing))
        return args

    def _guess(self, word: str, missing: Sequence[argparse.Action]) -> str:
        """Say what was meant by a word that is not taken: an option misspelt, or the value of one that is missed."""
        if missing and not word.startswith("-"):
            return f" Did you mean '-{missing[0].dest} {word}'?"
        return did_you_mean(word, [f"--{action.dest}" for action in self._actions])

    def _as_argparse(self, word: str) -> str:
        found = re.fullmatch(r"--?([A-Za-z_][\w-]*)(=.*)?", word, re.DOTALL)
        if found is None:
            return word
        name, value = found[1].replace("-", "_"), found[2] or ""
        name = {"h": "help"}.get(name, name)
        if name.removeprefix("no_").removeprefix("no") in self._flags and name not in self._flags:
            return f"--no-{name.removeprefix('no_').removeprefix('no')}"
        if name in self._flags and value:
            said = value[1:].lower()
            if said not in (*_TRUE, *_FALSE):
                raise UsageError(f"--{name} is true or false, not '{value[1:]}'")
            return f"--{name}" if said in _TRUE else f"--no-{name}"
        return f"--{name}{value}"

    def error(self, message: str) -> NoReturn:
        """Raise what argparse would end the process for."""
        said = re.sub(r"^argument (?:-(?=-))?", "", message)
        raise UsageError(f"{said}{'' if said[-1] in '.?' else '.'} See: {self.prog} --help")


def count(text: str) -> int:
    """Read a whole number from 1 up: the type of an argument."""
    return _read(int, text, "a number from 1 up", least=1)


def whole(text: str) -> int:
    """Read a whole number: the type of an argument."""
    return _read(int, text, "a whole number")


def number(text: str) -> float:
    """Read a number: the type of an argument."""
    return _read(float, text, "a number")


def _read(kind: Callable[[str], N], text: str, what: str, least: float = -inf) -> N:
    with contextlib.suppress(ValueError):
        if (value := kind(text)) >= least:
            return value
    raise argparse.ArgumentTypeError(f"expected {what}, got '{text}'")
