"""The loss of a solver as a curve: inline SVG, with what it is worth to know in words."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from html import escape

from caffe_nb.core.figures import label
from caffe_nb.solvers import Solver

WIDTH, HEIGHT = 720, 240
LEFT, RIGHT, TOP, BOTTOM = 64, 12, 10, 28
_LINE = "#1976d2"


@dataclass(frozen=True)
class Curve:
    """A curve by iteration: means of stretches with their extremes; where nothing was finite there is no point."""

    at: list[int]
    means: list[float]
    lows: list[float]
    highs: list[float]


def loss_of(solver: Solver) -> Curve:
    """Return a solver's losses."""
    points = [point for point in solver.losses.points if point.finite]
    return Curve(
        [point.iteration for point in points],
        [point.mean for point in points],
        [point.low for point in points],
        [point.high for point in points],
    )


def to_html(solver: Solver) -> str:
    """Return the curve with a line of words; words alone where there is nothing to draw."""
    curve, points = loss_of(solver), solver.losses.points
    bad, most = sum(point.bad for point in points), max((point.finite for point in points), default=0)
    words = f"{type(solver).__name__}, {solver.iter:,} iterations"
    if curve.at:
        words += f"; loss {curve.means[0]:.4g} at iteration {curve.at[0]:,}, {curve.means[-1]:.4g} at the end"
    if bad:
        words += f"; NaN or infinite in {bad:,}"
    if most > 1:
        words += f"; a point is the mean of up to {most:,} iterations, the band their range"
    drawn = to_svg(curve, "loss") if len(curve.at) > 1 else ""
    return f"<div class='card'>{drawn}<p>{words if points else words + '; not run yet'}</p></div>"


def to_svg(curve: Curve, name: str) -> str:
    """Return a curve of two points or more as SVG, the band of its extremes behind it."""
    first, last = curve.at[0], curve.at[-1]
    low, high = min(curve.lows), max(curve.highs)
    logarithmic = low > 0 and high / low > 50
    y_of = _scale(low, high, logarithmic)
    inner = WIDTH - LEFT - RIGHT

    def x_of(iteration: int) -> float:
        return LEFT + inner * (iteration - first) / max(1, last - first)

    def points(values: list[float]) -> list[str]:
        return [f"{x_of(at):.1f},{y_of(value):.1f}" for at, value in zip(curve.at, values, strict=True)]

    band = [*points(curve.highs), *reversed(points(curve.lows))]
    grid = "".join(
        f"<line x1='{LEFT}' x2='{WIDTH - RIGHT}' y1='{y_of(tick):.1f}' y2='{y_of(tick):.1f}' stroke='#8a94a0'"
        f" stroke-opacity='.3'/><text x='{LEFT - 8}' y='{y_of(tick) + 4:.1f}' text-anchor='end'>{tick:.4g}</text>"
        for tick in _ticks(low, high, logarithmic)
    )
    steps = "".join(
        f"<text x='{x_of(round(tick)):.1f}' y='{HEIGHT - 8}' text-anchor='middle'>{tick:,.0f}</text>"
        for tick in _ticks(first, last, False)
        if tick == round(tick)
    )
    said = f"{name} from iteration {first} to {last}, from {curve.means[0]:.4g} to {curve.means[-1]:.4g}"
    return (
        f"<svg viewBox='0 0 {WIDTH} {HEIGHT}' width='{WIDTH}' height='{HEIGHT}' role='img'"
        f" aria-label='{escape(label(said, 200), quote=True)}' style='max-width:100%;height:auto'>"
        f"<g font-size='11' fill='#6f7b88'>{grid}{steps}</g>"
        f"<polygon points='{' '.join(band)}' fill='{_LINE}' fill-opacity='.2'/><polyline"
        f" points='{' '.join(points(curve.means))}' fill='none' stroke='{_LINE}' stroke-width='1.5'"
        " stroke-linejoin='round'/></svg>"
    )


def _scale(low: float, high: float, logarithmic: bool) -> Callable[[float], float]:
    if low == high:
        return lambda _value: (TOP + HEIGHT - BOTTOM) / 2
    start, end = (math.log(low), math.log(high)) if logarithmic else (low, high)
    room = HEIGHT - TOP - BOTTOM

    def y_of(value: float) -> float:
        at = math.log(value) if logarithmic else value
        return TOP + room * (end / 2 - at / 2) / (end / 2 - start / 2)  # halves: the span may be over the largest float

    return y_of


def _ticks(low: float, high: float, logarithmic: bool) -> list[float]:
    """Return a few round numbers between two."""
    if low == high:
        return [low]
    if logarithmic:
        powers = range(math.ceil(math.log10(low)), math.floor(math.log10(high)) + 1)
        return [10.0**power for power in powers][:: max(1, len(powers) // 5)]
    rough = high / 5 - low / 5
    unit = 10.0 ** math.floor(math.log10(rough)) if rough > 1e-300 else rough
    step = unit * next((size for size in (1, 2, 5, 10) if unit * size >= rough), 10)
    if not math.isfinite(low / step) or not math.isfinite(high / step):
        return [low, high]
    return [count * step for count in range(math.ceil(low / step), math.floor(high / step) + 1)][:12]
