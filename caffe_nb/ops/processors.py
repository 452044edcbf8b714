"""How many processors this process may use: its affinity, a container's quota, and what environment variables say."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

VARIABLES = ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS")
"""Bounds that others set for all that computes; the BLAS reads its own ones (``OPENBLAS_NUM_THREADS``) itself."""


def processors(root: Path = Path("/"), environment: Mapping[str, str] = os.environ) -> int:
    """Return it.

    Parameters
    ----------
    root : pathlib.Path, default /
        Where ``proc`` and ``sys`` lie.
    environment : mapping, default os.environ
        Where `VARIABLES` are.

    Returns
    -------
    int
        At least 1. A quota of one and a half processors makes two: both together get no more than it.
    """
    affinity = getattr(os, "sched_getaffinity", None)
    count = len(affinity(0)) if affinity else os.cpu_count() or 1
    asked = [environment.get(name, "").partition(",")[0].strip() for name in VARIABLES]  # "4,2": nested levels
    bounds = [int(number) for number in asked if number.isdecimal() and int(number) > 0]
    return max(1, min([count, *bounds, *(-(-quota // period) for quota, period in _quotas(root))]))


def _quotas(root: Path) -> Iterator[tuple[int, int]]:
    """Yield the quotas and periods, in microseconds, of the control groups that hold this process."""
    groups = root / "sys/fs/cgroup"
    for controllers, path in _memberships(root):
        if not controllers:  # version 2: one tree, in which every ancestor bounds its descendants
            for folder in _upwards(groups, path):
                yield from _pair(_words(folder / "cpu.max"))
        elif "cpu" in controllers.split(","):
            for tree in {"cpu", controllers}:
                for folder in _upwards(groups / tree, path):
                    yield from _pair([*_words(folder / "cpu.cfs_quota_us"), *_words(folder / "cpu.cfs_period_us")])


def _memberships(root: Path) -> list[tuple[str, str]]:
    """Return controllers (none in version 2) and path of each control group of this process."""
    try:
        lines = (root / "proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:  # another system
        return []
    return [(parts[1], parts[2]) for parts in (line.split(":", 2) for line in lines) if len(parts) == 3]


def _upwards(tree: Path, path: str) -> Iterator[Path]:
    """Yield a group's folder and those above it; a container may see its own group as the tree itself."""
    parts = [part for part in path.split("/") if part not in ("", "..")]
    for length in range(len(parts), -1, -1):
        yield tree.joinpath(*parts[:length])


def _words(file: Path) -> list[str]:
    try:
        return file.read_text(encoding="ascii").split()
    except (OSError, ValueError):
        return []


def _pair(words: list[str]) -> Iterator[tuple[int, int]]:
    """Yield a quota and its period, where there is one: not for ``max`` and for -1."""
    if len(words) == 2 and all(word.isdecimal() for word in words) and int(words[1]) > 0:
        yield int(words[0]), int(words[1])
