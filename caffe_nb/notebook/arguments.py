"""Arguments of the magics: argparse with --help, quoted words, and errors that IPython shows as one line."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

from IPython.core.error import UsageError

from caffe_nb.errors import CaffeError

Result = TypeVar("Result")


class HelpShown(Exception):  # noqa: N818  (a signal, not an error)
    """Raised after --help was printed: there is nothing more to do."""


class MagicParser(argparse.ArgumentParser):
    """An argument parser that never ends the kernel."""

    def parse_line(self, line: str) -> argparse.Namespace:
        """Parse a magic's line.

        Raises
        ------
        HelpShown
            After --help.
        UsageError
            For wrong arguments.
        """
        try:
            words = shlex.split(line, posix=True)
        except ValueError as error:
            self.error(str(error))
        return self.parse_args(words)

    def error(self, message: str) -> NoReturn:
        """Raise the message with the usage line."""
        raise UsageError(f"{message}\n{self.format_usage().strip()}\n({self.prog} --help says more)")

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        """Leave after --help."""
        raise HelpShown

    def _print_message(self, message: str, file: Any = None) -> None:
        sys.stdout.write(message)


def plainly(call: Callable[[], Result]) -> Result | None:
    """Run the body of a magic: --help returns None, and exceptions show without our frames.

    Our own errors show as their message; a user's layer's exception as itself, its traceback from the user's frame on.
    """
    __tracebackhide__ = True
    try:
        return call()
    except HelpShown:
        return None
    except CaffeError as error:
        text = f"{type(error).__name__}: {error}"
        error._render_traceback_ = text.splitlines  # type: ignore[attr-defined]
        raise


def shape(text: str) -> tuple[int, ...]:
    """Read ``8,3,28,28`` (or ``8x3x28x28``) as a shape."""
    try:
        lengths = tuple(int(word) for word in text.replace("x", ",").split(",") if word.strip())
    except ValueError:
        raise ValueError(f"a shape is numbers with commas, as 8,3,28,28; got '{text}'") from None
    if any(length < 0 for length in lengths):
        raise ValueError(f"a shape has no negative lengths, got '{text}'")
    return lengths
