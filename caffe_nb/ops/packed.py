"""Products of few rows with a matrix that stays the same: laid out once, where a BLAS does it for each product."""

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
"""With fewer products or rows than this, a BLAS is faster."""
LINE = 16
"""Columns that are laid out together."""


class Factor:
    """A matrix that rows are multiplied with again and again.

    Parameters
    ----------
    matrix : (rows, columns) array
        The matrix; it must not change.
    times, count : int
        About how many products there will be, and of how many rows each. With few, it is not worth while to lay out
        the matrix anew.

    Notes
    -----
    The layout lies in memory that the next one of this thread uses again: there is one factor at a time.
    """

    def __init__(self, matrix: Array, times: int, count: int) -> None:
        self._matrix = matrix
        self._values: Array | None = None
        if times < LEAST or count < LEAST:
            return
        rows, columns = matrix.shape
        depth, blocks = -(-rows // TAPS) * TAPS, -(-columns // BLOCK)
        values = scratch("packed matrix", (blocks, depth, BLOCK), matrix.dtype)
        source = matrix.view()
        source.flags.writeable = False
        run(lambda start, stop: _pack(source, values, start, stop), blocks, values.size * 4)
        self._values = flat(values)

    def add_product(self, a: Array, factors: Array, out: Array) -> None:
        """Add the product of rows, each times a number, with the matrix; on the thread that calls.

        Parameters
        ----------
        a : (N, rows) array
            The rows.
        factors : (N,) array
            What they are multiplied with first.
        out : (N, columns) array
            What is added to.
        """
        if self._values is None:
            out += np.matmul(a * factors[:, None], self._matrix)
            return
        rows, columns = self._matrix.shape
        _add_product(flat(a), flat(factors), self._values, len(a), rows, columns, out.reshape(-1))


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
def _add_product(a: Any, factors: Any, values: Any, count: Any, rows: Any, columns: Any, out: Any) -> None:
    groups, depth = -(-count // GROUP), -(-rows // TAPS) * TAPS
    left = np.zeros(groups * GROUP * depth, a.dtype)
    for n in range(count):
        for k in range(rows):
            left[n * depth + k] = a[n * rows + k] * factors[n]
    sums = np.empty(GROUP * BLOCK, a.dtype)
    for b in range(-(-columns // BLOCK)):
        width = np.uintp(min(BLOCK, columns - b * BLOCK))
        for g in range(groups):
            sums[:] = 0
            _eight_rows(left, g * GROUP * depth, depth, values, b * depth * BLOCK, sums)
            for n in range(g * GROUP, min(count, (g + 1) * GROUP)):
                here, there = np.uintp(n * columns + b * BLOCK), np.uintp((n - g * GROUP) * BLOCK)
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
