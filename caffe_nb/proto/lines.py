"""Where the layers of a net stand in its text."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field as default
from typing import Any, cast

from google.protobuf import text_format

NETS = ("net_param", "train_net_param", "test_net_param")
"""The fields of a solver that hold whole nets."""


@dataclass
class NetLines:
    """The lines of one net.

    Attributes
    ----------
    field : str
        The solver's field in which the net stands; empty for the text itself.
    layers : list of int
        1-based line of each ``layer`` or ``layers`` block, in order.
    input : int
        1-based line of the first ``input``; 0 when there is none.
    """

    field: str = ""
    layers: list[int] = default(default_factory=list)
    input: int = 0


def net_lines(text: str) -> list[NetLines]:
    """Find the layers of a net, or of the nets inside a solver.

    Parameters
    ----------
    text : str
        A text which the parser has accepted.

    Returns
    -------
    list of NetLines
        First the text itself, then each net that stands inside it (of a solver), in order.
    """
    tokens = text_format.Tokenizer(text.split("\n"))
    found = [NetLines()]
    blocks: list[str] = []  # the names of the blocks that are open
    name, line = "", 0
    while not tokens.AtEnd():
        token = tokens.token
        inside = 1 if blocks and blocks[0] in NETS else 0
        if token in ("{", "<"):
            if len(blocks) == inside and name in ("layer", "layers"):
                found[-1 if inside else 0].layers.append(line or position(tokens)[0])
            if not blocks and name in NETS:
                found.append(NetLines(name))
            blocks.append(name)
        elif token in ("}", ">"):
            name, line = blocks.pop(), 0  # a further block of a list `layer: [{}, {}]` counts from its own brace
        elif token[0].isalpha() or token[0] == "_":
            name, line = token, position(tokens)[0]
            here = found[-1 if inside else 0]
            if name == "input" and len(blocks) == inside and not here.input:
                here.input = line
        tokens.NextToken()
    return found


def position(tokens: text_format.Tokenizer) -> tuple[int, int]:
    """Return the 1-based line and column of the token that is up next.

    Parameters
    ----------
    tokens : Tokenizer
        Left as it is.

    Returns
    -------
    tuple of int
        Line and column.
    """
    place = cast(Any, tokens).ParseError("")  # the tokenizer shows its place only in an error
    return place.GetLine(), place.GetColumn()
