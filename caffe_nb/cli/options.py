"""Options as Caffe's users type them: one dash or two, ``-name value`` or ``-name=value``, ``-flag`` or ``-noflag``."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from typing import Any, NoReturn

from caffe_nb.errors import did_you_mean

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
        args, unknown = self.parse_known_intermixed_args(given)
        if unknown:
            known = [f"--{action.dest}" for action in self._actions]
            raise UsageError(
                f"unknown argument '{unknown[0]}'.{did_you_mean(unknown[0], known)} See: {self.prog} --help"
            )
        return args

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
        raise UsageError(f"{message}. See: {self.prog} --help")
