"""Softmax along an axis, its gradient, and the cross entropy with class labels."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from caffe_nb import device
from caffe_nb.ops.jit import compiled, compiled_sums
from caffe_nb.ops.parallel import flat, run

Array = NDArray[Any]
Labels = NDArray[np.intp]


def softmax(x: Array, axis: int, out: Array) -> Array:
    """Compute ``exp(x) / sum(exp(x))`` along an axis, without overflow.

    Parameters
    ----------
    x : array
        The scores.
    axis : int
        The axis that sums to 1.
    out : array of the shape of `x`, contiguous
        Where the result goes; may be `x` itself.

    Returns
    -------
    array
        `out`.
    """
    if not x.size:
        return out
    axis %= x.ndim
    folded = prod(x.shape[:axis]), x.shape[axis], prod(x.shape[axis + 1 :])
    if device.holds(x):
        _planes(x.reshape(folded), out.reshape(folded))
        return out
    scores, target = flat(x).reshape(folded), out.reshape(folded)
    some = _vectors if folded[2] == 1 else _planes
    run(lambda start, stop: some(scores[start:stop], target[start:stop]), folded[0], x.size)
    return out


def _planes(x: Array, out: Array) -> None:
    np.subtract(x, x.max(axis=1, keepdims=True), out=out)
    np.exp(out, out=out)
    out /= out.sum(axis=1, keepdims=True)


def _vectors(x: Array, out: Array) -> None:
    x, out = x[:, :, 0], out[:, :, 0]
    _lower(x, x.max(axis=1), out)
    np.exp(out, out=out)  # NumPy's exp and max are vector code, Numba's are not
    _normalise(out)


@compiled
def _lower(x: Any, most: Any, out: Any) -> None:
    for n in range(len(x)):
        for c in range(x.shape[1]):
            out[n, c] = x[n, c] - most[n]


@compiled_sums
def _normalise(values: Any) -> None:
    count, classes = values.shape
    for n in range(count):
        total = values[n, 0]
        for c in range(1, classes):
            total += values[n, c]
        for c in range(classes):
            values[n, c] /= total


def softmax_gradient(y: Array, dy: Array, axis: int, out: Array) -> Array:
    """Compute the gradient of `softmax` for its input: ``y * (dy - sum(y * dy))``.

    Parameters
    ----------
    y : array
        What `softmax` returned.
    dy : array of the shape of `y`
        The gradient of `y`.
    axis : int
        The axis that sums to 1.
    out : array of the shape of `y`
        Where the result goes; may be `dy` itself, not `y`.

    Returns
    -------
    array
        `out`.
    """
    first = np.moveaxis(y, axis, -1)
    dot = np.einsum("...c,...c->...", first, np.moveaxis(dy, axis, -1))
    np.subtract(dy, np.expand_dims(dot, axis), out=out)
    out *= y
    return out


def cross_entropy(probabilities: Array, labels: Labels, counted: NDArray[np.bool_] | None) -> Any:
    """Return the sum over all positions of ``-log(probability of the label)``.

    Parameters
    ----------
    probabilities : array of shape (outer, classes, inner)
        Values from 0 to 1. Those under the smallest normal float32 count as that, so that the sum stays finite.
    labels : array of intp, shape (outer, inner)
        The true class of each position; any valid class where it is not counted.
    counted : array of bool, shape (outer, inner), or None
        The positions to count; None for all.

    Returns
    -------
    float, or on a device an array without axes
        The sum, in nats.
    """
    losses = label_losses(probabilities, labels)
    total = (losses if counted is None else np.where(counted, losses, 0)).sum()
    return total if device.holds(total) else float(total)


def label_losses(probabilities: Array, labels: Labels) -> Array:
    """Return each position's part of `cross_entropy`, of shape (outer, inner)."""
    chosen = np.take_along_axis(probabilities, labels[:, None, :], axis=1)[:, 0, :]
    losses: Array = -np.log(np.maximum(chosen, np.finfo(np.float32).tiny))
    return losses


def cross_entropy_gradient(
    probabilities: Array, labels: Labels, counted: NDArray[np.bool_] | None, scale: Any, out: Array
) -> Array:
    """Compute the gradient of ``scale * cross_entropy`` for the scores that `softmax` made into probabilities.

    Parameters
    ----------
    probabilities, labels, counted
        As in `cross_entropy`.
    scale : float, or on a device an array without axes
        Loss weight over the normalizer.
    out : array of the shape of `probabilities`
        Where the result goes; not `probabilities` itself. Positions that are not counted get 0.

    Returns
    -------
    array
        `out`.
    """
    scale = scale.astype(out.dtype) if device.holds(scale) else out.dtype.type(scale)
    np.multiply(probabilities, scale, out=out)
    at = labels[:, None, :]
    np.put_along_axis(out, at, np.take_along_axis(out, at, axis=1) - scale, axis=1)
    if counted is not None:
        np.copyto(out, 0, where=~counted[:, None, :])
    return out
