"""The exceptions of caffe_nb, and the one builder of their messages.

Every message says what is wrong, where, what was expected, what was found and what to do. Nothing ends the process.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class CaffeError(Exception):
    """Base of every error that caffe_nb raises itself.

    Parameters
    ----------
    message : str
        What is wrong, what was expected, and what to do.
    where : str, default ""
        The place, as `place` words it. The net fills it in when the code that raised did not know it.
    """

    def __init__(self, message: str, *, where: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.where = where

    def __str__(self) -> str:
        return f"{self.where}: {self.message}" if self.where else self.message


class PrototxtError(CaffeError, ValueError):
    """A text that is not a valid prototxt; carries the place in the text.

    Parameters
    ----------
    message : str
        What is wrong and what was likely meant.
    where : str, default ""
        ``line L, column C of FILE``.
    line, column : int, default 0
        1-based place in the text; 0 where there is none.
    """

    def __init__(self, message: str, *, where: str = "", line: int = 0, column: int = 0) -> None:
        super().__init__(message, where=where)
        self.line = line
        self.column = column


class FormatError(CaffeError, ValueError):
    """A file that is not what it claims to be (weights, snapshots, means, databases)."""


class NetError(CaffeError, ValueError):
    """A net that cannot be built or run as asked: unknown bottoms and types, wrong counts, unknown names."""


class UnknownNameError(NetError, KeyError):
    """A name that a net does not have, asked for as of a dictionary."""


class ShapeError(CaffeError, ValueError):
    """Shapes that do not fit; the message has both."""


class LayerNotFoundError(CaffeError, ImportError):
    """A Python layer whose module or class was not found; the message lists where it was looked for."""


class SolverError(CaffeError, ValueError):
    """A solver setting that cannot be used."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return `` Did you mean 'x' or 'y'?`` for the closest of `known`, or an empty string.

    Parameters
    ----------
    word : str
        What was given.
    known : iterable of str
        What would have been right.

    Returns
    -------
    str
        A sentence with a leading space, ready to append to a message; empty when nothing is near.
    """
    names = list(dict.fromkeys(known))
    folded = {name.lower(): name for name in reversed(names)}
    near = difflib.get_close_matches(word.lower(), list(folded), n=2, cutoff=0.6)
    if not near:
        return ""
    return " Did you mean " + " or ".join(repr(folded[name]) for name in near) + "?"


def listing(names: Iterable[str], limit: int = 12) -> str:
    """Return `names` as a readable list for a message, shortened after `limit`."""
    words = list(names)
    shown = ", ".join(words[:limit]) or "none"
    return shown + (f" and {len(words) - limit} more" if len(words) > limit else "")


def place(layer: str, layer_type: str, source: str = "", line: int = 0) -> str:
    """Return the place of a layer for a message.

    Parameters
    ----------
    layer, layer_type : str
        The layer's name and Caffe type.
    source : str, default ""
        The prototxt's file name.
    line : int, default 0
        1-based line of the layer there; 0 when unknown.

    Returns
    -------
    str
        ``layer 'ip1' (InnerProduct), line 34 of net.prototxt``.
    """
    text = f"layer '{layer}'" + (f" ({layer_type})" if layer_type else "")
    if line:
        text += f", line {line}" + (f" of {source}" if source else "")
    return text
