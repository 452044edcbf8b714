"""The versions of live layers' code, and their differences, as a notebook and a terminal show them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from IPython.core.error import UsageError

from caffe_nb import live

_COLOURS = {"+": "#2e7d32", "-": "#c62828", "@": "#6a1b9a"}


@dataclass(frozen=True)
class VersionList:
    """The versions of some layers, oldest first; the last of each layer runs.

    Attributes
    ----------
    layers : list of list of Version
        A list for each layer.
    """

    layers: list[list[live.Version]]

    @classmethod
    def of(cls, layer: str | None) -> VersionList:
        """Return the versions of one layer class, or of all that live nets use."""
        names = [layer] if layer else list(live.layer_classes())
        return cls([live.versions(name) for name in names])

    def _rows(self) -> list[tuple[str, str, str, str, bool]]:
        return [
            (v.layer, f"v{v.number}", time.strftime("%H:%M:%S", time.localtime(v.when)), v.what, v is versions[-1])
            for versions in self.layers
            for v in versions
        ]

    def __repr__(self) -> str:
        rows = [(*row[:3], f"{row[3]}{'  ← runs' if row[4] else ''}") for row in self._rows()]
        if not rows:
            return "no live net has a Python layer"
        widths = [max(len(row[i]) for row in rows) for i in range(3)]
        return "\n".join(
            "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[3]]) for row in rows
        )

    def _repr_html_(self) -> str:
        rows = self._rows()
        if not rows:
            return "<i>no live net has a Python layer</i>"
        cells = "".join(
            f"<tr style='{'font-weight:600' if runs else ''}'><td style='text-align:left'>{escape(layer)}</td>"
            f"<td>{number}</td><td>{when}</td>"
            f"<td style='text-align:left'>{escape(what)}{' — runs' if runs else ''}</td></tr>"
            for layer, number, when, what, runs in rows
        )
        head = "".join(f"<th style='text-align:left'>{name}</th>" for name in ("layer", "version", "since", "what"))
        return f"<table><thead><tr>{head}</tr></thead><tbody>{cells}</tbody></table>"


@dataclass(frozen=True)
class VersionDiff:
    """What changed between two versions.

    Attributes
    ----------
    title : str
        Which they are.
    text : str
        A unified diff.
    """

    title: str
    text: str

    @classmethod
    def between(cls, layer: str | None, numbers: Sequence[int]) -> VersionDiff:
        """Compare two versions of a layer: the two given, one given with what runs, or the last two."""
        if len(numbers) > 2:
            raise UsageError("--diff takes up to two version numbers")
        names = list(live.layer_classes())
        changed = [c.__qualname__ for swap in live.swaps() for c in swap.classes if c.__qualname__ in names]
        name = layer or (changed[-1] if changed else names[0] if names else "")
        if not name:
            raise UsageError("no live net has a Python layer")
        versions = {version.number: version for version in live.versions(name)}
        known = list(versions)
        chosen = list(numbers) or known[-2:-1] or known
        pair = [*chosen, known[-1]][:2]
        for number in pair:
            if number not in versions:
                raise UsageError(f"{name} has no version v{number}; it has v{known[0]} to v{known[-1]}")
        old, new = (versions[number] for number in pair)
        return cls(f"{name} v{old.number} → v{new.number}", live.diff(old, new))

    def __repr__(self) -> str:
        return f"{self.title}\n{self.text or 'the same code'}"

    def _repr_html_(self) -> str:
        lines = "".join(
            f"<div style='color:{_COLOURS.get(line[:1], 'inherit')}'>{escape(line) or '&nbsp;'}</div>"
            for line in (self.text or "the same code").split("\n")
        )
        return f"<b>{escape(self.title)}</b><pre style='margin:4px 0;line-height:1.35'>{lines}</pre>"
