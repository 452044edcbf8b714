"""What a gradient check found wrong: the kinds of mistakes, how sure each is, and what to try."""

from __future__ import annotations

from dataclasses import dataclass

KINDS = (
    "non-finite",
    "nondeterministic",
    "stale-state",
    "differs-on-gpu",
    "top-not-written",
    "mutates-bottom",
    "mutates-top-diff",
    "not-written",
    "accumulates-bottom-diff",
    "overwrites-param-diff",
    "ignores-propagate-down",
    "ignores-top-diff",
    "zero",
    "sign",
    "scale",
    "transposed",
    "shifted",
    "wrong",
)
"""All kinds of findings, the most certain first."""


@dataclass(frozen=True)
class Finding:
    """One mistake.

    Attributes
    ----------
    kind : str
        One of `KINDS`.
    where : str
        ``bottom[0]``, ``param[1]`` or ``top[0]``; empty for the layer as a whole.
    message : str
        What is wrong, on what evidence, and what to try.
    worst : tuple of int
        An element that shows it; empty where there is none.
    """

    kind: str
    where: str
    message: str
    worst: tuple[int, ...] = ()

    def __str__(self) -> str:
        return f"{self.kind}{f' in {self.where}' if self.where else ''}: {self.message}"


def in_order(findings: list[Finding]) -> list[Finding]:
    """Return findings without repetitions, the most certain first."""
    unique = {(finding.kind, finding.where): finding for finding in reversed(findings)}
    return sorted(unique.values(), key=lambda finding: (KINDS.index(finding.kind), finding.where))
