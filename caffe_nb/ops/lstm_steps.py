"""All steps of an LSTM in float32 for some of its streams, in one kernel: threads do not meet until the last step.

The weights are laid out once for all steps, where a BLAS does it for each product. Arrays are in a row:
``(steps, streams, 4 units)`` and ``(steps, streams, units)``; `start` and `stop` are the streams to work on.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from caffe_nb.ops.jit import compiled, compiled_sums
from caffe_nb.ops.parallel import flat, run
from caffe_nb.ops.scratch import scratch

Array = NDArray[Any]

BLOCK = 128
"""Columns that are worked on together; with those of eight rows they stay in the innermost cache."""
GROUP = 8
"""Rows that are worked on together."""
TAPS = 4
"""Rows of the matrix that are worked on together: what is summed up is read and written once for all of them."""
LEAST = 4
"""With fewer steps or streams than this, a BLAS is faster."""
LINE = 16
"""Columns that are laid out together."""
FASTER = 32
"""How many multiplications of a product count for one of `run`."""

_ONE, _TWO, _HALF = np.float32(1), np.float32(2), np.float32(0.5)
_LOWEST, _HIGHEST = np.float32(-87.3), np.float32(88.8)
_LOG2_E, _LN2_HIGH, _LN2_LOW = np.float32(1.44269504), np.float32(0.693359375), np.float32(-2.12194440e-4)
_E0, _E1, _E2 = np.float32(1.9875691500e-4), np.float32(1.3981999507e-3), np.float32(8.3334519073e-3)
_E3, _E4, _E5 = np.float32(4.1665795894e-2), np.float32(1.6666665459e-1), np.float32(5.0000001201e-1)
_NEAR = np.float32(0.625)
_T0, _T1, _T2 = np.float32(-5.70498872745e-3), np.float32(2.06390887954e-2), np.float32(-5.37397155531e-2)
_T3, _T4 = np.float32(1.33314422036e-1), np.float32(-3.33332819422e-1)


def pays(gates: Array) -> bool:
    """Whether to run these ``(steps, streams, 4 units)`` this way."""
    return gates.dtype == np.float32 and min(gates.shape[:2]) >= LEAST


def forward(gates: Array, weight: Array, cont: Array, first: tuple[Array, Array], c: Array, h: Array) -> None:
    """Do `recurrent.lstm`."""
    matrix = _packed(weight.T)
    given = matrix, flat(cont), flat(first[0]), flat(first[1])
    written = gates.reshape(-1), c.reshape(-1), h.reshape(-1)
    run(lambda start, stop: _forward(*given, c.shape, start, stop, *written), gates.shape[1], _work(gates, weight))


def backward(
    gates: Array, weight: Array, cont: Array, c: Array, c_first: Array, dh: Array, out: tuple[Array, Array, Array]
) -> None:
    """Do `recurrent.lstm_gradient`; `out` is the gradient of the gates, and those of the last state to begin with."""
    matrix = _packed(weight)
    given = flat(gates), matrix, flat(cont), flat(c), flat(c_first), flat(dh)
    d_gates, d_h, d_c = (each.reshape(-1) for each in out)
    run(
        lambda start, stop: _backward(*given, c.shape, start, stop, d_gates, d_h, d_c),
        gates.shape[1],
        _work(gates, weight),
    )


def _work(gates: Array, weight: Array) -> float:
    return float(gates.size * weight.shape[1] / FASTER)


def _packed(matrix: Array) -> Array:
    """Return a matrix in blocks of `BLOCK` columns, each row by row, with zeros where it ends before."""
    rows, columns = matrix.shape
    depth, blocks = -(-rows // TAPS) * TAPS, -(-columns // BLOCK)
    values = scratch("packed matrix", (blocks, depth, BLOCK), matrix.dtype)
    source = matrix.view()
    source.flags.writeable = False
    run(lambda start, stop: _pack(source, values, start, stop), blocks, values.size * 4)
    return flat(values)


@compiled
def _pack(matrix: Any, values: Any, start: Any, stop: Any) -> None:
    rows, columns = matrix.shape
    for b in range(start, stop):
        for first in range(0, BLOCK, LINE):  # so that a matrix that is transposed is read by whole lines of the cache
            for k in range(values.shape[1]):
                for j in range(first, first + LINE):
                    inside = k < rows and b * BLOCK + j < columns
                    values[b, k, j] = matrix[k, b * BLOCK + j] if inside else 0


@compiled
def _forward(
    matrix: Any,
    cont: Any,
    h_first: Any,
    c_first: Any,
    shape: Any,
    start: Any,
    stop: Any,
    gates: Any,
    c: Any,
    h: Any,
) -> None:
    steps, streams, units = shape
    depth = -(-units // TAPS) * TAPS
    left = np.zeros(-(-(stop - start) // GROUP) * GROUP * depth, np.float32)
    sums, row, cell = np.empty(GROUP * BLOCK, np.float32), np.empty(4 * units, np.float32), np.empty(units, np.float32)
    cells, hidden = c_first[start * units : stop * units].copy(), h_first[start * units : stop * units].copy()
    one, two, three, size = np.uintp(units), np.uintp(2 * units), np.uintp(3 * units), np.uintp(4 * units)
    for t in range(steps):
        for n in range(stop - start):
            here, there, goes_on = np.uintp(n * units), np.uintp(n * depth), cont[t * streams + start + n]
            for u in range(one):
                left[there + u] = hidden[here + u] * goes_on
        _add_product(left, stop - start, depth, matrix, 4 * units, sums, gates, (t * streams + start) * 4 * units)
        for n in range(stop - start):
            place, goes_on = t * streams + start + n, cont[t * streams + start + n]
            at, here, there = np.uintp(place * 4 * units), np.uintp(place * units), np.uintp(n * units)
            for u in range(size):
                row[u] = gates[at + u]
            _sigmoid(row, three)
            _tanh(row, three, size)
            for u in range(size):
                gates[at + u] = row[u]
            for u in range(one):
                cell[u] = row[one + u] * cells[there + u] * goes_on + row[u] * row[three + u]
            for u in range(one):
                c[here + u] = cell[u]
                cells[there + u] = cell[u]
            _tanh(cell, np.uintp(0), one)
            for u in range(one):
                hidden[there + u] = row[two + u] * cell[u]
            for u in range(one):
                h[here + u] = hidden[there + u]


@compiled
def _backward(
    gates: Any,
    matrix: Any,
    cont: Any,
    c: Any,
    c_first: Any,
    dh: Any,
    shape: Any,
    start: Any,
    stop: Any,
    d_gates: Any,
    d_h: Any,
    d_c: Any,
) -> None:
    steps, streams, units = shape
    rows = 4 * units  # a multiple of TAPS
    left = np.zeros(-(-(stop - start) // GROUP) * GROUP * rows, np.float32)
    sums, row, d_row = np.empty(GROUP * BLOCK, np.float32), np.empty(rows, np.float32), np.empty(rows, np.float32)
    above, kept, squashed = np.empty(units, np.float32), np.empty(units, np.float32), np.empty(units, np.float32)
    one, two, three, size = np.uintp(units), np.uintp(2 * units), np.uintp(3 * units), np.uintp(rows)
    for t in range(steps - 1, -1, -1):
        for n in range(stop - start):
            place, goes_on = t * streams + start + n, cont[t * streams + start + n]
            at, here, there = np.uintp(place * rows), np.uintp(place * units), np.uintp((start + n) * units)
            for u in range(size):
                row[u] = gates[at + u]
            for u in range(one):
                squashed[u] = c[here + u]
            _tanh(squashed, np.uintp(0), one)
            for u in range(one):
                above[u] = d_h[there + u] + dh[here + u]
            for u in range(one):
                s = squashed[u]
                kept[u] = (_ONE - s * s) * row[two + u] * above[u] + d_c[there + u]
            for u in range(one):
                i, g = row[u], row[three + u]
                d_row[u] = kept[u] * g * i * (_ONE - i)
                d_row[three + u] = kept[u] * i * (_ONE - g * g)
            for u in range(one):
                o = row[two + u]
                d_row[two + u] = above[u] * squashed[u] * o * (_ONE - o)
            for u in range(one):
                kept[u] = kept[u] * row[one + u] * goes_on
            held, before = (c, here - np.uintp(streams * units)) if t else (c_first, there)
            for u in range(one):
                d_row[one + u] = kept[u] * held[before + u] * (_ONE - row[one + u])
            for u in range(one):
                d_c[there + u] = kept[u]
                d_h[there + u] = 0
            for u in range(size):
                d_gates[at + u] = d_row[u]
            there = np.uintp(n * rows)
            for u in range(size):
                left[there + u] = d_row[u] * goes_on
        _add_product(left, stop - start, rows, matrix, units, sums, d_h, start * units)


@compiled
def _add_product(left: Any, count: Any, depth: Any, matrix: Any, columns: Any, sums: Any, out: Any, at: Any) -> None:
    """Add the product of rows and the matrix to rows of `out` from `at` on; `left` has whole groups of rows."""
    for b in range(-(-columns // BLOCK)):
        width = np.uintp(min(BLOCK, columns - b * BLOCK))
        for g in range(-(-count // GROUP)):
            sums[:] = 0
            _eight_rows(left, g * GROUP * depth, depth, matrix, b * depth * BLOCK, sums)
            for n in range(g * GROUP, min(count, (g + 1) * GROUP)):
                here, there = np.uintp(at + n * columns + b * BLOCK), np.uintp((n - g * GROUP) * BLOCK)
                for j in range(width):
                    out[here + j] += sums[there + j]


@compiled_sums
def _eight_rows(a: Any, first: Any, depth: Any, values: Any, at: Any, sums: Any) -> None:
    """Add the products of `GROUP` rows of `a`, with `depth` from one to the next, and a block of the matrix.

    Offsets within `sums` and the block are constants, so that the compiler sees that nothing overlaps and makes vector
    code of it.
    """
    b = np.uintp(BLOCK)
    for k in range(0, depth, TAPS):
        i = first + k
        a00, a01, a02, a03 = a[i], a[i + 1], a[i + 2], a[i + 3]
        i += depth
        a10, a11, a12, a13 = a[i], a[i + 1], a[i + 2], a[i + 3]
        i += depth
        a20, a21, a22, a23 = a[i], a[i + 1], a[i + 2], a[i + 3]
        i += depth
        a30, a31, a32, a33 = a[i], a[i + 1], a[i + 2], a[i + 3]
        i += depth
        a40, a41, a42, a43 = a[i], a[i + 1], a[i + 2], a[i + 3]
        i += depth
        a50, a51, a52, a53 = a[i], a[i + 1], a[i + 2], a[i + 3]
        i += depth
        a60, a61, a62, a63 = a[i], a[i + 1], a[i + 2], a[i + 3]
        i += depth
        a70, a71, a72, a73 = a[i], a[i + 1], a[i + 2], a[i + 3]
        here = np.uintp(at + k * BLOCK)
        for j in range(b):
            v0, v1 = values[here + j], values[here + j + b]
            v2, v3 = values[here + j + np.uintp(2 * BLOCK)], values[here + j + np.uintp(3 * BLOCK)]
            sums[j] += a00 * v0 + a01 * v1 + a02 * v2 + a03 * v3
            sums[j + b] += a10 * v0 + a11 * v1 + a12 * v2 + a13 * v3
            sums[j + np.uintp(2 * BLOCK)] += a20 * v0 + a21 * v1 + a22 * v2 + a23 * v3
            sums[j + np.uintp(3 * BLOCK)] += a30 * v0 + a31 * v1 + a32 * v2 + a33 * v3
            sums[j + np.uintp(4 * BLOCK)] += a40 * v0 + a41 * v1 + a42 * v2 + a43 * v3
            sums[j + np.uintp(5 * BLOCK)] += a50 * v0 + a51 * v1 + a52 * v2 + a53 * v3
            sums[j + np.uintp(6 * BLOCK)] += a60 * v0 + a61 * v1 + a62 * v2 + a63 * v3
            sums[j + np.uintp(7 * BLOCK)] += a70 * v0 + a71 * v1 + a72 * v2 + a73 * v3


@compiled
def _exponential(x: Any) -> Any:
    """Return exp(x) within 2 units of the last place, as vector code; infinity from 88.4 on, at least 1e-38."""
    bounded = max(_LOWEST, x)
    bounded = min(_HIGHEST, bounded)
    n = np.floor(bounded * _LOG2_E + _HALF)
    r = bounded - n * _LN2_HIGH - n * _LN2_LOW
    p = ((((_E0 * r + _E1) * r + _E2) * r + _E3) * r + _E4) * r + _E5
    power = np.int32((np.int32(n) + np.int32(127)) << np.int32(23)).view(np.float32)
    return (p * r * r + r + _ONE) * power


@compiled
def _sigmoid(row: Any, stop: Any) -> None:
    for u in range(stop):
        x = row[u]
        y = _ONE / (_ONE + _exponential(-x))
        row[u] = x if x != x else y


@compiled
def _tanh(row: Any, start: Any, stop: Any) -> None:
    for u in range(start, stop):
        x = row[u]
        z, size = x * x, abs(x)
        near = ((((_T0 * z + _T1) * z + _T2) * z + _T3) * z + _T4) * z * x + x
        far = _ONE - _TWO / (_exponential(_TWO * size) + _ONE)
        far = far if x > 0 else -far
        y = near if size < _NEAR else far
        row[u] = x if x != x else y
