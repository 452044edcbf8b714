"""All elements at once: the slope along a random line through all values, and the search for what spoils it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from caffe_nb.check.run import Runner
from caffe_nb.check.slopes import INSENSITIVE, ROUNDING, typical

Array = NDArray[Any]

SUSPECTS = 6
"""Elements that are searched for where a line fails."""
_CLEAR = 100.0
"""How far above rounding the tolerance is held by the choice of the step: it is the smallest that does so."""
_NARROW = 1e-5
"""The smallest step, as a part of the widest ..."""
_DIGITS = 50
"""... and in rounding errors of the values."""
_CROSSINGS = 1e-3
"""So many kinks may be reached by chance where a step could be as small as it likes."""
_PARTS = 8
"""Parts of a blob whose slopes are made to add up, so that a right slope is never near zero by chance."""
_NEAR = 0.1
"""How far, relatively, a point without kinks is looked for."""


@dataclass(frozen=True)
class Slope:
    """The slope along a line, by the length of the line.

    Attributes
    ----------
    analytic, numeric : float
        By backward, and by differences.
    error : float
        The relative error.
    near : bool
        Whether it was taken at a point near the values, since lines through these cross kinks.
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
    precision : float
        Relative rounding error of forward.
    tolerance : float
        Greatest relative error of a right slope.
    random : numpy.random.Generator
        For the lines.
    """

    def __init__(self, runner: Runner, precision: float, tolerance: float, random: np.random.Generator) -> None:
        self.runner = runner
        self.precision = precision
        self.tolerance = tolerance
        self.random = random
        self.largest = 0.0
        """Tops that are as good as zero count as that large: a loss of zero hides its rounding."""

    def slope(self, indices: Sequence[int], gradients: Sequence[Array], tops: Sequence[Array]) -> Slope:
        """Return the slope along one line through all elements of these blobs.

        Parameters
        ----------
        indices : sequence of int
            Of the blobs in the runner's values.
        gradients : sequence of arrays
            What backward gives at these values, for each blob of the runner.
        tops : sequence of arrays
            What forward gives there.
        """
        return self._compare(self._moves(indices, gradients, tops), gradients)

    def beside(self, indices: Sequence[int]) -> Slope | None:
        """Return the slope at a point near the values, away from zeros and ties; None where the layer refuses it."""
        return self.at({index: beside(self.runner.values[index], self.random) for index in indices}, indices)

    def at(self, values: Mapping[int, Array], indices: Sequence[int]) -> Slope | None:
        """Return the slope at other values, by backward there; None where the layer does not take these.

        Parameters
        ----------
        values : dict of int to array
            The other values, by the blob's index.
        indices : sequence of int
            Of the blobs that the line goes through.
        """
        runner = self.runner
        kept = list(runner.values)
        try:
            for index, value in values.items():
                runner.values[index] = value
            gradients = runner.backward()
            if any(gradients[index].shape != runner.values[index].shape for index in indices):
                return None
            return replace(self.slope(indices, gradients, runner.tops), near=True)
        except Exception:
            return None
        finally:
            runner.values[:] = kept

    def suspects(self, index: int, gradients: Sequence[Array], tops: Sequence[Array]) -> list[int]:
        """Return flat indices of elements that spoil a line, found by halving; at kinks there may be right ones."""
        found: list[int] = []
        moves = self._moves([index], gradients, tops)
        flat = moves[index].reshape(-1)
        while len(found) < SUSPECTS and self._compare(moves, gradients).error > self.tolerance:
            places = np.flatnonzero(flat)
            while len(places) > 1:
                half = places[: len(places) // 2]
                part = np.zeros_like(moves[index])
                part.reshape(-1)[half] = flat[half]
                off = self._compare({index: part}, gradients).error > self.tolerance
                places = half if off else places[len(places) // 2 :]
            found.append(int(places[0]))
            flat[places[0]] = 0
        return found

    def _moves(
        self, indices: Sequence[int], gradients: Sequence[Array], tops: Sequence[Array]
    ) -> dict[int, NDArray[Any]]:
        """Return how far each element goes: so far that every blob, and every element of it, counts as much as it can.

        Elements and blobs with small gradients go farther, up to the widest step. The weights are random numbers of
        either sign and of size 0.5 to 1.5: the errors of no two elements cancel, as they could with signs alone.
        """
        pairs = zip(self.runner.top_diffs, tops, strict=True)
        size = float(np.sqrt(sum(float(np.linalg.norm(diff * top)) ** 2 for diff, top in pairs)))
        least = ROUNDING * self.precision * size / self.tolerance
        reach = [_gain(self.runner.values[index], gradients[index]) * self.precision ** (1 / 3) for index in indices]
        wanted = max(least, min([_CLEAR * least, *(each for each in reach if each > 0)]))
        return {index: self._move(self.runner.values[index], gradients[index], wanted) for index in indices}

    def _move(self, value: Array, gradient: Array, wanted: float) -> Array:
        """Return the steps of one blob, part by part to spare memory."""
        widest, typically = self.precision ** (1 / 3), typical(value)
        moved = np.empty(value.size, value.dtype)
        parts = [np.array_split(array.reshape(-1), _PARTS) for array in (value, gradient, moved)]
        largest = max(float(_gains(x, slopes, typically).max(initial=0.0)) for x, slopes, _ in zip(*parts, strict=True))
        narrow = widest
        if largest > 0:
            least = max(_NARROW * widest, _DIGITS * self.precision)
            narrow = float(np.clip(wanted / (np.sqrt(value.size) * largest), least, widest))
        wide = max(narrow, min(widest, _CROSSINGS / max(value.size, 1)))
        for x, slopes, out in zip(*parts, strict=True):
            steps = self._weights(x.size) * np.maximum(np.abs(x), typically)
            if largest > 0:
                gains = _gains(x, slopes, typically)
                steps *= narrow * largest / np.maximum(gains, narrow * largest / wide, out=gains)
            else:
                steps *= wide
            if np.vdot(steps, slopes) < 0:
                steps *= -1.0
            np.subtract(x + steps.astype(value.dtype, copy=False), x, out=out)  # as the blob's numbers allow
        return moved.reshape(value.shape)

    def _weights(self, count: int) -> NDArray[np.float32]:
        """Return random numbers of either sign and of size 0.5 to 1.5."""
        weights = self.random.random(count, np.float32)
        weights *= 2
        weights -= 1
        weights += np.copysign(np.float32(0.5), weights)
        return weights

    def _compare(self, moves: Mapping[int, Array], gradients: Sequence[Array]) -> Slope:
        """Return the slope along a line."""
        expected = spread = length = still = 0.0
        for index, move in moves.items():
            parts = gradients[index] * move
            expected += float(parts.sum(dtype=np.float64))
            spread += float(np.linalg.norm(parts)) ** 2
            square = float(np.linalg.norm(move)) ** 2
            length += square
            still += square / typical(self.runner.values[index]) ** 2
        spread, length, still = float(np.sqrt(spread)), float(np.sqrt(length)), float(np.sqrt(still))
        if not np.isfinite(expected) or length == 0:
            return Slope(0.0, 0.0, 0.0 if np.isfinite(expected) else np.inf)
        slope, rounding = self._difference(moves)
        rounding = max(rounding, self.tolerance * INSENSITIVE * self.largest * still)
        scale = max(abs(expected), spread, rounding / self.tolerance)
        error = abs(slope - expected) / scale if scale > 0 else abs(slope - expected)
        return Slope(expected / length, slope / length, error if np.isfinite(error) else np.inf)

    def _difference(self, moves: Mapping[int, Array]) -> tuple[float, float]:
        """Return half of what the objective changes from one end of a line to the other, and what rounding makes."""
        values = self.runner.values
        kept = {index: values[index] for index in moves}
        try:
            for index, move in moves.items():
                values[index] = kept[index] + move
            above = self.runner.forward()
            for index, move in moves.items():
                values[index] = kept[index] - move
            below = self.runner.forward()
        finally:
            for index, value in kept.items():
                values[index] = value
        change = size = 0.0
        for diff, up, down in zip(self.runner.top_diffs, above, below, strict=True):
            if not diff.shape == up.shape == down.shape:
                return np.inf, 0.0
            with np.errstate(invalid="ignore", over="ignore"):
                change += float(np.vdot(diff, up.astype(np.float64) - down)) / 2
            size = max(size, float(np.linalg.norm(diff * up)))
        return change, ROUNDING * self.precision * size


def beside(value: Array, random: np.random.Generator) -> Array:
    """Return values near these, away from zeros and ties; those that are not negative stay so.

    Parameters
    ----------
    value : array
        The values.
    random : numpy.random.Generator
        For the way there.
    """
    moved: Array = value * (1 + random.uniform(-_NEAR, _NEAR, value.shape))
    zeros = value == 0
    fresh = random.uniform(_NEAR / 2, _NEAR, int(zeros.sum()))
    if value.min(initial=0) < 0:
        fresh *= random.choice([-1.0, 1.0], fresh.shape)
    moved[zeros] = fresh * typical(value)
    return moved


def _gains(value: Array, gradient: Array, typically: float) -> Array:
    gains: Array = np.maximum(np.abs(value), typically)
    gains *= np.abs(gradient)
    return gains


def _gain(value: Array, gradient: Array) -> float:
    """Return how much a blob can move the objective: the norm of its gradient times its values, of a sample of them."""
    every = max(1, value.size // 100_000)
    gains = _gains(value.reshape(-1)[::every], gradient.reshape(-1)[::every], typical(value))
    return float(np.linalg.norm(gains) * np.sqrt(every))
