"""Arguments of the magics: argparse with --help, quoted words, and errors that IPython shows as one line."""

from __future__ import annotations

import argparse
import contextlib
import itertools
import re
import shlex
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from IPython.core.error import UsageError
from IPython.core.getipython import get_ipython

from caffe_nb.errors import CaffeError
from caffe_nb.layers.frames import users_frames

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

Result = TypeVar("Result")
ENGINE = Path(__file__).resolve().parents[1]


class HelpShown(Exception):  # noqa: N818  (a signal, not an error)
    """Raised after --help was printed: there is nothing more to do."""


class NotPython(Exception):  # noqa: N818  (it stands for the SyntaxError that it shows)
    """A SyntaxError of the user's; IPython shows one that it meets in running code with all frames above it."""

    def __init__(self, error: SyntaxError) -> None:
        text = "".join(traceback.format_exception_only(error)).rstrip()
        cell = cell_name(Path(error.filename or ""))
        super().__init__(text.replace(f'File "{error.filename}"', cell) if cell else text)

    def _render_traceback_(self) -> list[str]:
        return str(self).splitlines()


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
            words = _words(line)
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

    Our own errors show as their message; those that left a user's layer as themselves, from the user's frame on.
    """
    __tracebackhide__ = True
    try:
        return call()
    except HelpShown:
        return None
    except UsageError:
        raise
    except SyntaxError as error:
        raise NotPython(error) from None
    except CaffeError as error:
        if (users := users_frames(error.__traceback__, to_the_last=True)) is not None:
            _let_go(error.__traceback__)
            error.__traceback__ = users
            raise
        text = f"{type(error).__name__}: {error}"
        error._render_traceback_ = text.splitlines  # type: ignore[attr-defined]
        raise
    except Exception as error:
        users = users_frames(error.__traceback__)
        if users is None:
            raise
        _let_go(error.__traceback__)
        error.__traceback__ = users
        raise


def show_error(
    shell: InteractiveShell, kind: type[BaseException], error: BaseException, frames: TracebackType | None, **_: Any
) -> list[str]:
    """Show an error of ours that a plain call raised: the user's line and the message, without our frames.

    An exception handler for IPython's `set_custom_exc`.
    """
    render: Callable[[], list[str]] | None = getattr(error, "_render_traceback_", None)
    if render is None:
        if error.__cause__ is not None and users_frames(error.__cause__.__traceback__) is None:
            error.__cause__, error.__suppress_context__ = None, True  # a parser's own words: ours say it better
        own = users_frames(frames, to_the_last=True) or frames
        lines: list[str] = shell.InteractiveTB.structured_traceback(kind, error, own, tb_offset=0)
    else:
        lines = render()
    shell._showtraceback(kind, error, lines)
    return lines


def cell_name(path: Path) -> str:
    """Return what IPython calls the cell that stands behind a file name, as ``Cell In[3]``; "" for any other file."""
    named = getattr(getattr(get_ipython(), "compile", None), "format_code_name", None)
    found = named(str(path)) if named else None
    return " ".join(found) if found else ""


def _words(line: str) -> list[str]:
    """Split a magic's line; backslashes are a path's, and a comment ends it."""
    lexer = shlex.shlex(line, posix=True)
    lexer.whitespace_split, lexer.escape, lexer.commenters = True, "", ""
    return list(itertools.takewhile(lambda word: not word.startswith("#"), lexer))


def _let_go(frames: TracebackType | None) -> None:
    """Drop what our own frames hold: IPython keeps the last exception, and a net with it that was built anew since."""
    while frames is not None:
        name = frames.tb_frame.f_code.co_filename
        if name.startswith(str(ENGINE)):
            with contextlib.suppress(RuntimeError):  # the frame that calls this
                frames.tb_frame.clear()
        frames = frames.tb_next


def shape(text: str) -> tuple[int, ...]:
    """Read ``8,3,28,28`` (or ``8x3x28x28``) as a shape."""
    if not re.fullmatch(r"-?\d+([,x]-?\d+)*,?", text):
        raise ValueError(f"a shape is numbers with commas, as 8,3,28,28; got '{text}'")
    lengths = tuple(int(word) for word in re.findall(r"-?\d+", text))
    if any(length < 0 for length in lengths):
        raise ValueError(f"a shape has no negative lengths, got '{text}'")
    return lengths
