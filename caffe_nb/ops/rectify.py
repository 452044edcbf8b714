"""Rectified values and their gradient, in one pass over memory each."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from caffe_nb import device
from caffe_nb.ops.cuda import launch
from caffe_nb.ops.jit import compiled
from caffe_nb.ops.parallel import flat, run

Array = NDArray[Any]

PIECE = 2048
"""Values that are worked on together; they stay in the innermost cache."""


def rectify(x: Array, slope: float, out: Array) -> None:
    """Write x where it is positive, `slope` times it elsewhere.

    Parameters
    ----------
    x : array
        The values.
    slope : float
        0 for the ordinary ReLU.
    out : array of the shape of `x`
        Where to write; may be `x` itself.
    """
    if device.holds(x):
        launch("rectify", "rectify", x.size, x, out, float(slope))
        return
    source, target, factor = flat(x), out.reshape(-1), x.dtype.type(slope)
    run(lambda start, stop: _rectify(source[start:stop], factor, target[start:stop]), x.size, x.size)


def rectify_gradient(x: Array, dy: Array, slope: float, out: Array) -> None:
    """Write dy where x is positive, `slope` times it elsewhere.

    Parameters
    ----------
    x, dy : arrays
        The values, and the gradient of what `rectify` made of them.
    slope : float
        As there.
    out : array of their shape
        Where to write; may be `dy` itself.
    """
    if device.holds(x):
        launch("rectify", "gradient", x.size, x, dy, out, float(slope))
        return
    values, above, target, factor = flat(x), flat(dy), out.reshape(-1), x.dtype.type(slope)
    run(
        lambda start, stop: _gradient(values[start:stop], above[start:stop], factor, target[start:stop]), x.size, x.size
    )


# Through a piece of memory of their own: where a result overwrites its source, the loop would be no vector code.


@compiled
def _rectify(x: Any, slope: Any, out: Any) -> None:
    piece = np.empty(PIECE, out.dtype)
    for begin in range(0, len(x), PIECE):
        base, count = np.uintp(begin), np.uintp(min(PIECE, len(x) - begin))
        if slope == 0:  # not the product: it would make -0 of what is negative, and NaN of infinity
            for i in range(count):
                value = x[base + i]
                piece[i] = value if value > 0 or value != value else slope
        else:
            for i in range(count):
                value = x[base + i]
                piece[i] = value if value > 0 or value != value else value * slope
        for i in range(count):
            out[base + i] = piece[i]


@compiled
def _gradient(x: Any, dy: Any, slope: Any, out: Any) -> None:
    piece = np.empty(PIECE, out.dtype)
    for begin in range(0, len(x), PIECE):
        base, count = np.uintp(begin), np.uintp(min(PIECE, len(x) - begin))
        for i in range(count):
            piece[i] = dy[base + i] if x[base + i] > 0 else dy[base + i] * slope
        for i in range(count):
            out[base + i] = piece[i]
