"""Updates of parameters, a kernel for each rule: gradient, histories and weights in one pass over memory.

Every value is rounded as by NumPy with one operation after the other, so results are the same bits on any number of
threads. The kernels' `numbers` are ``clip, average, decay, rate``, then the rule's own; see `update`. The formulas are
at the rules, in caffe_nb/solvers/rules. On a device the same functions run once over whole arrays, and CuPy fuses what
they do into one kernel.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from caffe_nb import device
from caffe_nb.ops.jit import compiled, uncompiled
from caffe_nb.ops.parallel import run

Array = NDArray[Any]

NO_DECAY, L1, L2 = 0, 1, 2
"""What the weight decay adds to a gradient: nothing, decay·sign(weight), decay·weight."""

FASTER = 4
"""How many weights a kernel updates in the time that `run` counts for one."""


def update(
    kernel: Callable[..., None],
    weights: Array,
    diff: Array,
    histories: Sequence[Array],
    kind: int,
    numbers: Sequence[Any],
) -> None:
    """Turn a gradient into an update in its place, and subtract it from the weights.

    Parameters
    ----------
    kernel : callable
        One of this module's.
    weights, diff : arrays of one shape and type
        The parameter and its gradient; both are overwritten.
    histories : sequence of arrays of that shape
        As many as the kernel takes; brought up to date.
    kind : int
        `NO_DECAY`, `L1` or `L2`: what the decay adds.
    numbers : sequence of float
        What the gradient is multiplied by, first and second; the weight decay; the learning rate; the rule's own. On a
        device the first may be an array without axes.
    """
    if device.holds(weights):
        values = [x if device.holds(x) else float(weights.dtype.type(x)) for x in numbers]
        _fused(kernel, device.namespace_of(weights), kind, len(histories))(weights, diff, *histories, *values)
        return
    rows = [array.reshape(-1) for array in (weights, diff, *histories)]
    constants = np.array(numbers, weights.dtype)
    run(
        lambda start, stop: kernel(*[row[start:stop] for row in rows], kind, constants),
        weights.size,
        weights.size / FASTER,
    )


@cache
def _fused(kernel: Callable[..., None], xp: Any, kind: int, histories: int) -> Callable[..., None]:
    """Return a kernel for a device's arrays: its loop runs once, over an element that is the whole array."""
    step, count = uncompiled(kernel, xp), histories + 2

    def fused(*given: Any) -> None:
        cells = [[array] for array in given[:count]]
        step(*cells, kind, given[count:])
        for array, cell in zip(given[1:count], cells[1:], strict=True):
            array[...] = cell[0]

    fused.__name__ = kernel.__name__
    made: Callable[..., None] = xp.fuse(fused)
    return made


@compiled
def _regularized(diff: Any, weight: Any, kind: int, clip: Any, average: Any, decay: Any) -> Any:
    """Return a gradient scaled, with that of the weight decay added."""
    gradient = diff * clip * average
    if kind == L2:
        return gradient + decay * weight
    if kind == L1:
        return gradient + decay * np.sign(weight)  # NaN stays
    return gradient


@compiled
def sgd(weights: Any, diff: Any, velocity: Any, kind: int, numbers: Any) -> None:
    """Numbers of its own: momentum."""
    clip, average, decay, rate, momentum = numbers[0], numbers[1], numbers[2], numbers[3], numbers[4]
    for i in range(len(weights)):
        gradient = _regularized(diff[i], weights[i], kind, clip, average, decay)
        value = velocity[i] * momentum + gradient * rate
        velocity[i] = value
        diff[i] = value
        weights[i] -= value


@compiled
def nesterov(weights: Any, diff: Any, velocity: Any, kind: int, numbers: Any) -> None:
    """Numbers of its own: momentum, 1 + momentum."""
    clip, average, decay, rate = numbers[0], numbers[1], numbers[2], numbers[3]
    momentum, ahead = numbers[4], numbers[5]
    for i in range(len(weights)):
        gradient = _regularized(diff[i], weights[i], kind, clip, average, decay)
        before = velocity[i] * momentum
        after = before + gradient * rate
        velocity[i] = after
        value = after * ahead - before
        diff[i] = value
        weights[i] -= value


@compiled
def adagrad(weights: Any, diff: Any, squares: Any, kind: int, numbers: Any) -> None:
    """Numbers of its own: delta."""
    clip, average, decay, rate, delta = numbers[0], numbers[1], numbers[2], numbers[3], numbers[4]
    for i in range(len(weights)):
        gradient = _regularized(diff[i], weights[i], kind, clip, average, decay)
        square = squares[i] + gradient * gradient
        squares[i] = square
        value = gradient / (np.sqrt(square) + delta) * rate
        diff[i] = value
        weights[i] -= value


@compiled
def rmsprop(weights: Any, diff: Any, squares: Any, kind: int, numbers: Any) -> None:
    """Numbers of its own: rms_decay, 1 - rms_decay, delta."""
    clip, average, decay, rate = numbers[0], numbers[1], numbers[2], numbers[3]
    keep, take, delta = numbers[4], numbers[5], numbers[6]
    for i in range(len(weights)):
        gradient = _regularized(diff[i], weights[i], kind, clip, average, decay)
        square = squares[i] * keep + gradient * gradient * take
        squares[i] = square
        value = gradient / (np.sqrt(square) + delta) * rate
        diff[i] = value
        weights[i] -= value


@compiled
def adadelta(weights: Any, diff: Any, squares: Any, updates: Any, kind: int, numbers: Any) -> None:
    """Numbers of its own: momentum, 1 - momentum, delta."""
    clip, average, decay, rate = numbers[0], numbers[1], numbers[2], numbers[3]
    keep, take, delta = numbers[4], numbers[5], numbers[6]
    for i in range(len(weights)):
        gradient = _regularized(diff[i], weights[i], kind, clip, average, decay)
        square = squares[i] * keep + gradient * gradient * take
        squares[i] = square
        step = gradient * np.sqrt(updates[i] + delta) / np.sqrt(square + delta)
        updates[i] = updates[i] * keep + step * step * take
        value = step * rate
        diff[i] = value
        weights[i] -= value


@compiled
def adam(weights: Any, diff: Any, means: Any, squares: Any, kind: int, numbers: Any) -> None:
    """Numbers of its own: momentum, 1 - momentum, momentum2, 1 - momentum2, delta; the rate is corrected."""
    clip, average, decay, rate = numbers[0], numbers[1], numbers[2], numbers[3]
    keep, take, keep_square, take_square, delta = numbers[4], numbers[5], numbers[6], numbers[7], numbers[8]
    for i in range(len(weights)):
        gradient = _regularized(diff[i], weights[i], kind, clip, average, decay)
        square = squares[i] * keep_square + gradient * gradient * take_square
        squares[i] = square
        mean = means[i] * keep + gradient * take
        means[i] = mean
        value = mean / (np.sqrt(square) + delta) * rate
        diff[i] = value
        weights[i] -= value
