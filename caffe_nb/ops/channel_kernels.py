"""Loops over values ``(outer, count, inner)`` in a row, with numbers for each of the `count` channels.

They work through a piece of memory of their own: where a result overwrites its source, a loop would be no vector code.
What one of them does in one pass is bit for bit what several give one after the other: they share the innermost loops,
down to the order of sums.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from caffe_nb.ops.jit import compiled, compiled_sums

PIECE = 2048
"""Values that are worked on together; they stay in the innermost cache."""


@compiled
def scale(
    x: Any,
    outer: Any,
    count: Any,
    inner: Any,
    start: Any,
    stop: Any,
    factors: Any,
    offsets: Any,
    kept: Any,
    keep: Any,
    out: Any,
) -> None:
    """Do `channels.scale` for the channels from `start` to `stop`."""
    piece = np.empty(PIECE, out.dtype)
    for n in range(outer):
        for c in range(start, stop):
            factor, offset = factors[c], offsets[c]
            for begin in range(0, inner, PIECE):
                base, length = np.uintp((n * count + c) * inner + begin), np.uintp(min(PIECE, inner - begin))
                for i in range(length):
                    piece[i] = x[base + i]
                if keep:
                    for i in range(length):
                        kept[base + i] = piece[i]
                _times_plus(piece, length, factor, offset)
                for i in range(length):
                    out[base + i] = piece[i]


@compiled
def offset(
    values: Any,
    outer: Any,
    count: Any,
    inner: Any,
    start: Any,
    stop: Any,
    offsets: Any,
    rectified: Any,
    slope: Any,
) -> None:
    """Do `channels.offset` for the channels from `start` to `stop`."""
    piece = np.empty(PIECE, values.dtype)
    for n in range(outer):
        for c in range(start, stop):
            added = offsets[c]
            for begin in range(0, inner, PIECE):
                base, length = np.uintp((n * count + c) * inner + begin), np.uintp(min(PIECE, inner - begin))
                for i in range(length):
                    piece[i] = values[base + i] + added
                if rectified:
                    _cut_off(piece, length, slope)
                for i in range(length):
                    values[base + i] = piece[i]


@compiled
def _times_plus(piece: Any, length: Any, factor: Any, offset: Any) -> None:
    for i in range(length):
        piece[i] = piece[i] * factor + offset


@compiled
def _times(piece: Any, length: Any, factor: Any) -> None:
    for i in range(length):
        piece[i] = piece[i] * factor


@compiled
def _cut_off(piece: Any, length: Any, slope: Any) -> None:
    for i in range(length):
        value = piece[i]
        below = slope if slope == 0 else value * slope  # as in `rectify`: no -0, and no NaN of infinity
        piece[i] = value if value > 0 or value != value else below


@compiled
def _take(piece: Any, length: Any, dy: Any, top: Any, base: Any, rectified: Any, slope: Any) -> None:
    """Copy a gradient, and bring it to before the rectifier."""
    for i in range(length):
        piece[i] = dy[base + i]
    if rectified:
        for i in range(length):
            piece[i] = piece[i] if top[base + i] > 0 else piece[i] * slope


@compiled_sums
def _sums(a: Any, at: Any, b: Any, base: Any, length: Any) -> Any:
    """Return the sum of `a` and that of its products with `b`."""
    total = products = 0.0
    for i in range(length):
        total += a[at + i]
        products += a[at + i] * b[base + i]
    return total, products


@compiled_sums
def offset_gradient(
    dy: Any,
    top: Any,
    outer: Any,
    count: Any,
    inner: Any,
    start: Any,
    stop: Any,
    rectified: Any,
    slope: Any,
    out: Any,
    d_offsets: Any,
) -> None:
    """Do `channels.offset_gradient` for the channels from `start` to `stop`; `out` is where `dy` is, if rectified."""
    piece = np.empty(PIECE, dy.dtype)
    for c in range(start, stop):
        total = 0.0
        for n in range(outer):
            for begin in range(0, inner, PIECE):
                base, length = np.uintp((n * count + c) * inner + begin), np.uintp(min(PIECE, inner - begin))
                _take(piece, length, dy, top, base, rectified, slope)
                if rectified:
                    for i in range(length):
                        out[base + i] = piece[i]
                total += _sum(piece, length)
        d_offsets[c] = total


@compiled_sums
def _sum(piece: Any, length: Any) -> Any:
    total = 0.0
    for i in range(length):
        total += piece[i]
    return total


@compiled_sums
def scale_gradient(
    x: Any,
    dy: Any,
    outer: Any,
    count: Any,
    inner: Any,
    start: Any,
    stop: Any,
    factors: Any,
    d_factors: Any,
    d_offsets: Any,
    write: Any,
    out: Any,
) -> None:
    """Do `channels.scale_gradient` for the channels from `start` to `stop`."""
    piece = np.empty(PIECE, out.dtype)
    for c in range(start, stop):
        total = products = 0.0
        for n in range(outer):
            for begin in range(0, inner, PIECE):
                base, length = np.uintp((n * count + c) * inner + begin), np.uintp(min(PIECE, inner - begin))
                more, others = _sums(dy, base, x, base, length)
                total, products = total + more, products + others
                if write:
                    for i in range(length):
                        piece[i] = dy[base + i]
                    _times(piece, length, factors[c])
                    for i in range(length):
                        out[base + i] = piece[i]
        d_factors[c], d_offsets[c] = products, total


@compiled_sums
def _statistics(x: Any, shape: Any, c: Any) -> Any:
    """Return the mean and the variance of a channel."""
    outer, count, inner = shape
    values, total = outer * inner, 0.0
    for n in range(outer):
        base = np.uintp((n * count + c) * inner)
        for i in range(np.uintp(inner)):
            total += x[base + i]
    mean, total = total / values, 0.0
    for n in range(outer):
        base = np.uintp((n * count + c) * inner)
        for i in range(np.uintp(inner)):
            apart = x[base + i] - mean
            total += apart * apart
    return mean, total / values


@compiled_sums
def standardize(
    x: Any,
    shape: Any,
    start: Any,
    stop: Any,
    eps: Any,
    own: Any,
    statistics: Any,
    tail: Any,
    kept: Any,
    keep: Any,
    out: Any,
) -> None:
    """Do `batch_norm.standardize` for the channels from `start` to `stop`; `own`: with statistics of their own."""
    outer, count, inner = shape
    means, variances, deviations = statistics
    factors, offsets, slope, scaled, rectified = tail
    piece = np.empty(PIECE, out.dtype)
    for c in range(start, stop):
        if own:
            mean, variance = _statistics(x, shape, c)
            means[c], variances[c], deviations[c] = mean, variance, np.sqrt(variance + eps)
        centre, spread = means[c], deviations[c]
        for n in range(outer):
            for begin in range(0, inner, PIECE):
                base, length = np.uintp((n * count + c) * inner + begin), np.uintp(min(PIECE, inner - begin))
                for i in range(length):
                    piece[i] = (x[base + i] - centre) / spread
                if keep:
                    for i in range(length):
                        kept[base + i] = piece[i]
                if scaled:
                    _times_plus(piece, length, factors[c], offsets[c])
                if rectified:
                    _cut_off(piece, length, slope)
                for i in range(length):
                    out[base + i] = piece[i]


@compiled_sums
def standardize_gradient(
    y: Any,
    dy: Any,
    top: Any,
    shape: Any,
    start: Any,
    stop: Any,
    own: Any,
    deviations: Any,
    tail: Any,
    sums: Any,
    between: Any,
    out: Any,
) -> None:
    """Do `batch_norm.standardize_gradient` for the channels from `start` to `stop`; `own`: of own statistics."""
    outer, count, inner = shape
    factors, _, slope, scaled, rectified = tail
    piece = np.empty(PIECE, out.dtype)
    means = np.empty(2, y.dtype)  # in the type of the values, so that the last pass is vector code in it
    for c in range(start, stop):
        total = products = d_factor = d_offset = 0.0
        for n in range(outer):
            for begin in range(0, inner, PIECE):
                base, length = np.uintp((n * count + c) * inner + begin), np.uintp(min(PIECE, inner - begin))
                if scaled:
                    _take(piece, length, dy, top, base, rectified, slope)
                    more, others = _sums(piece, np.uintp(0), y, base, length)
                    d_offset, d_factor = d_offset + more, d_factor + others
                    _times(piece, length, factors[c])
                    for i in range(length):
                        between[base + i] = piece[i]
                    if not own:
                        for i in range(length):
                            piece[i] = piece[i] / deviations[c]
                        for i in range(length):
                            out[base + i] = piece[i]
                        continue
                    more, others = _sums(piece, np.uintp(0), y, base, length)
                else:
                    more, others = _sums(dy, base, y, base, length)
                total, products = total + more, products + others
        sums[0][c], sums[1][c] = d_factor, d_offset
        if not own:
            continue
        means[0], means[1] = total / (outer * inner), products / (outer * inner)
        mean, correlation, spread = means[0], means[1], deviations[c]
        for n in range(outer):
            for begin in range(0, inner, PIECE):
                base, length = np.uintp((n * count + c) * inner + begin), np.uintp(min(PIECE, inner - begin))
                for i in range(length):
                    piece[i] = (dy[base + i] - mean - y[base + i] * correlation) / spread
                for i in range(length):
                    out[base + i] = piece[i]
