"""All elements of large blobs at once: slopes along random lines, and the search for the element that spoils one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from caffe_nb.check.run import Runner
from caffe_nb.check.slopes import ROUNDING, typical

Array = NDArray[Any]

LINES = 2
"""Random lines that are tried."""
SUSPECTS = 6
"""Elements that are searched for where a line fails."""
_STEPS = (1.0, 1 / 30)


class Lines:
    """Slopes along random lines through the values of a layer.

    Parameters
    ----------
    runner : Runner
        Runs the layer; has been started.
    analytic : sequence of arrays
        What backward gave, for each of the runner's values.
    precision : float
        Relative rounding error of forward.
    tolerance : float
        Greatest relative error of a right slope.
    random : numpy.random.Generator
        For the lines.
    """

    def __init__(
        self,
        runner: Runner,
        analytic: Sequence[Array],
        precision: float,
        tolerance: float,
        random: np.random.Generator,
    ) -> None:
        self.runner = runner
        self.analytic = analytic
        self.precision = precision
        self.tolerance = tolerance
        self.random = random

    def right(self, index: int) -> bool:
        """Whether backward's diff of one blob agrees with the slopes along lines through all of its elements."""
        return all(self._agrees(index, self._line(index)) for _ in range(LINES))

    def suspects(self, index: int) -> list[int]:
        """Return flat indices of elements that spoil a line, found by halving; at kinks there may be right ones."""
        found: list[int] = []
        line = self._line(index)
        flat = line.reshape(-1)
        while len(found) < SUSPECTS and not self._agrees(index, line):
            element = self._search(index, line)
            found.append(element)
            flat[element] = 0
        return found

    def _search(self, index: int, line: Array) -> int:
        places = np.flatnonzero(line.reshape(-1))
        while len(places) > 1:
            half = places[: len(places) // 2]
            part = np.zeros_like(line)
            part.reshape(-1)[half] = line.reshape(-1)[half]
            places = half if not self._agrees(index, part) else places[len(places) // 2 :]
        return int(places[0])

    def _line(self, index: int) -> Array:
        value = self.runner.values[index]
        signs: Array = self.random.choice([-1.0, 1.0], value.shape)
        return signs * np.maximum(np.abs(value), typical(value))

    def _agrees(self, index: int, line: Array) -> bool:
        expected = float(np.vdot(self.analytic[index], line))
        spread = float(np.linalg.norm(self.analytic[index] * line))
        if not np.isfinite(expected):
            return False
        for factor in _STEPS:
            step = factor * self.precision ** (1 / 3)
            up, size = self._objective(index, step * line)
            down, _ = self._objective(index, -step * line)
            apart = abs((up - down) / (2 * step) - expected)
            noise = ROUNDING * self.precision * size / step
            if np.isfinite(apart) and apart <= max(self.tolerance * max(abs(expected), spread), noise):
                return True
        return False

    def _objective(self, index: int, move: Array) -> tuple[float, float]:
        kept = self.runner.values[index]
        try:
            self.runner.values[index] = kept + move
            tops = self.runner.forward()
        finally:
            self.runner.values[index] = kept
        parts = [diff * top for diff, top in zip(self.runner.top_diffs, tops, strict=True) if diff.shape == top.shape]
        return float(sum(part.sum() for part in parts)), float(
            max((np.abs(p).max(initial=0.0) for p in parts), default=0)
        )
