"""The base of Exp and Log."""

from __future__ import annotations

from math import isfinite, log

from caffe_nb.errors import NetError


def log_of_base(base: float) -> float:
    """Return the natural logarithm of a base, where -1 stands for e.

    Raises
    ------
    NetError
        For a base that is neither -1 nor a positive, finite number.
    """
    if base == -1:
        return 1.0
    if not (base > 0 and isfinite(base)):
        raise NetError(f"base must be a positive number, or -1 for e, got {base:g}")
    return log(base)
