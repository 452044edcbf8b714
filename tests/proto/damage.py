"""Ways of spoiling a text or a file, drawn from a generator."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence

_NUMBERS = """
0 -1 1 2 3 5 1e38 -1e38 1e-38 nan inf -inf 0.5 1.5 127 65536 999999 2147483647 -2147483648 2147483648
4294967295 4294967296 9223372036854775807 -9223372036854775808 99999999999999999999 0x7fffffff
"""
_WORDS = """
TRAIN TEST true false MAX AVE STOCHASTIC SUM PROD ACROSS_CHANNELS WITHIN_CHANNEL "xavier" "gaussian" "bilinear" "data"
"" "x" layer layers { } bottom: top: name: type: "Python" "Split" axis: dim: shape pad: stride: kernel_size:
num_output: group: dilation: loss_weight: propagate_down: include phase: lr_mult: param input: input_dim:
"""
NUMBERS, WORDS = _NUMBERS.split(), _WORDS.split()
TOKEN = re.compile(r'"[^"\n]*"|\w[\w.+-]*|-\w[\w.+-]*|[^\s\w]')
NUMBER = re.compile(r"(?<=[\s:])-?\d[\w.+-]*")


def number(text: str, draw: random.Random, others: Sequence[str]) -> str:
    found = list(NUMBER.finditer(text))
    word = draw.choice(NUMBERS) if draw.random() < 0.5 else str(draw.randrange(-1, 7))
    return _put(text, draw.choice(found).span(), word) if found else text


def token(text: str, draw: random.Random, others: Sequence[str]) -> str:
    """Swap a word for one that may stand elsewhere."""
    other = TOKEN.findall(draw.choice(others)) if draw.random() < 0.5 else WORDS
    found = list(TOKEN.finditer(text))
    return _put(text, draw.choice(found).span(), draw.choice(other or WORDS)) if found else text


def line(text: str, draw: random.Random, others: Sequence[str]) -> str:
    """Leave out, repeat or move a line."""
    lines = text.split("\n")
    taken = lines.pop(draw.randrange(len(lines)))
    for _ in range(draw.randrange(3)):
        lines.insert(draw.randrange(len(lines) + 1), taken)
    return "\n".join(lines)


def character(text: str, draw: random.Random, others: Sequence[str]) -> str:
    at = draw.randrange(len(text) + 1)
    return _put(text, (at, at + draw.randrange(2)), chr(draw.choice([draw.randrange(128), draw.randrange(0x3000)])))


def cut(text: str, draw: random.Random, others: Sequence[str]) -> str:
    return text[: draw.randrange(len(text) + 1)]


def splice(text: str, draw: random.Random, others: Sequence[str]) -> str:
    """Go on with the layers of another net."""
    lines, more = text.split("\n"), draw.choice(others).split("\n")
    return "\n".join(lines[: draw.randrange(len(lines)) + 1] + more[draw.randrange(len(more)) :])


TEXT: list[Callable[[str, random.Random, Sequence[str]], str]] = [
    *[number] * 5, *[token] * 3, line, line, splice, character, cut,
]  # fmt: skip


def spoil_text(text: str, others: Sequence[str], draw: random.Random) -> str:
    """Return a text with one to three damages."""
    for _ in range(draw.choice([1, 1, 2, 3])):
        text = draw.choice(TEXT)(text, draw, others)
    return text


def spoil_bytes(content: bytes, others: Sequence[bytes], draw: random.Random) -> bytes:
    """Return a file with flipped bits, absurd numbers, a part left out or repeated, cut, or grown into another file."""
    spoilt = bytearray(content)
    for _ in range(draw.choice([1, 1, 2, 4, 16])):
        at = draw.randrange(len(spoilt) + 1)
        match draw.randrange(7):
            case 0 | 1 | 2 if at < len(spoilt):
                spoilt[at] ^= 1 << draw.randrange(8)
            case 3:
                spoilt[at : at + draw.choice([1, 4, 8])] = draw.choice([b"\xff" * 8, b"\x80" * 9 + b"\x01", b"\0" * 8])
            case 4:
                end = at + draw.randrange(64)
                spoilt[at:at] = spoilt[at:end] * draw.randrange(3)
            case 5:
                del spoilt[at : at + draw.choice([1, 8, 64, 10**6])]
            case _:
                other = draw.choice(others)
                spoilt[at:] = other[draw.randrange(len(other)) :]
    return bytes(spoilt)


def _put(text: str, span: tuple[int, int], word: str) -> str:
    return text[: span[0]] + word + text[span[1] :]
