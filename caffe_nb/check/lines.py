"""All elements of large blobs at once: slopes along random lines, and the search for the element that spoils one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from caffe_nb.check.run import Runner
from caffe_nb.check.slopes import ROUNDING, typical

Array = NDArray[Any]

SUSPECTS = 6
"""Elements that are searched for where a line fails."""
_STEPS = (1.0, 1 / 30)
_NEAR = 0.1
"""How far, relatively, a point without kinks is looked for."""
_NEAR_STEP = 1 / 1000
"""So small that hardly an element of a million reaches a kink from there."""


@dataclass(frozen=True)
class Slope:
    """The slope along a line through all elements of a blob.

    Attributes
    ----------
    analytic, numeric : float
        By backward, and by differences.
    error : float
        The relative error.
    near : bool
        Whether it was taken at a point near the blob's values, since lines through these cross kinks.
    """

    analytic: float
    numeric: float
    error: float
    near: bool = False


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

    def slope(self, index: int) -> Slope | None:
        """Return the slope along a line through all elements of one blob; None where backward's diff is off it."""
        value, analytic = self.runner.values[index], self.analytic[index]
        found = self._along(index, self._line(value), value, analytic, _STEPS)
        if found.error <= self.tolerance:
            return found
        near = self._beside(value)
        try:
            self.runner.values[index] = near
            there = self.runner.backward([np.zeros(bottom.shape) for bottom in self.runner.subject.bottoms])[index]
        except Exception:
            return None  # the layer does not take these values
        finally:
            self.runner.values[index] = value
        if there.shape != near.shape:
            return None
        found = self._along(index, self._line(near), near, there, (_NEAR_STEP,))
        return replace(found, near=True) if found.error <= self.tolerance else None

    def suspects(self, index: int) -> list[int]:
        """Return flat indices of elements that spoil a line, found by halving; at kinks there may be right ones."""
        found: list[int] = []
        line = self._line(self.runner.values[index])
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

    def _line(self, value: Array) -> Array:
        """Return a direction; of no two elements the errors can cancel, as they could with signs alone."""
        weights: Array = self.random.uniform(-1.0, 1.0, value.shape)
        weights += np.copysign(0.5, weights)
        return weights * np.maximum(np.abs(value), typical(value))

    def _beside(self, value: Array) -> Array:
        """Return values near these, away from zeros and ties; those that are not negative stay so."""
        typically = typical(value)
        moved: Array = value * (1 + self.random.uniform(-_NEAR, _NEAR, value.shape))
        zeros = value == 0
        fresh = self.random.uniform(0.0 if value.min() >= 0 else -_NEAR, _NEAR, int(zeros.sum()))
        moved[zeros] = fresh * typically
        return moved

    def _agrees(self, index: int, line: Array) -> bool:
        found = self._along(index, line, self.runner.values[index], self.analytic[index], _STEPS)
        return found.error <= self.tolerance

    def _along(self, index: int, line: Array, at: Array, analytic: Array, factors: Sequence[float]) -> Slope:
        """Return the slope with the first step that agrees, or with the last one."""
        expected = float(np.vdot(analytic, line))
        spread = float(np.linalg.norm(analytic * line))
        slope = error = np.inf
        if np.isfinite(expected):
            for factor in factors:
                step = factor * self.precision ** (1 / 3)
                slope, rounding = self._difference(index, at, step, line)
                scale = max(abs(expected), spread, rounding / self.tolerance)
                error = abs(slope - expected) / scale if scale > 0 else abs(slope - expected)
                if error <= self.tolerance:
                    break
        return Slope(expected, slope, error if np.isfinite(error) else np.inf)

    def _difference(self, index: int, at: Array, step: float, line: Array) -> tuple[float, float]:
        """Return the objective's slope along a line, and what rounding makes of it."""
        kept = self.runner.values[index]
        try:
            self.runner.values[index] = at + step * line
            above = self.runner.forward()
            self.runner.values[index] = at - step * line
            below = self.runner.forward()
        finally:
            self.runner.values[index] = kept
        slope = size = 0.0
        for diff, up, down in zip(self.runner.top_diffs, above, below, strict=True):
            if not diff.shape == up.shape == down.shape:
                return np.inf, 0.0
            with np.errstate(invalid="ignore", over="ignore"):
                slope += float(np.vdot(diff, up.astype(np.float64) - down)) / (2 * step)
            size = max(size, float(np.linalg.norm(diff * up)))
        return slope, ROUNDING * self.precision * size / step
