"""Comments by which a layer's file says how it wants to be treated."""

from __future__ import annotations

import io
import tokenize
from functools import lru_cache

RESET = "# caffe: reset"
"""Every edit makes new layers: setup runs, and parameters start anew."""
NO_RELOAD = "# caffe: no-reload"
"""Edits are left alone."""


@lru_cache(maxsize=256)
def has_mark(text: str, mark: str) -> bool:
    """Whether a comment of a module's text is that mark."""
    if mark not in " ".join(text.split()):
        return False
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
    except (SyntaxError, tokenize.TokenError):
        return any(" ".join(line.split()) == mark for line in text.splitlines())
    return any(token.type == tokenize.COMMENT and " ".join(token.string.split()) == mark for token in tokens)
