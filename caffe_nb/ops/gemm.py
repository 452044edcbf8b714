"""Matrix products through NumPy's BLAS, with as many threads as the product is worth."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from caffe_nb import device
from caffe_nb.ops.parallel import one_blas_thread, run
from caffe_nb.ops.scratch import scratch

Array = NDArray[Any]

FASTER = 32
"""How many multiplications a BLAS does in the time of one that `run` counts."""
PIECE = 1 << 17
"""Elements of a piece that is added."""


def gemm(a: Array, b: Array, out: Array | None = None) -> Array:
    """Return the matrix product of `a` and `b`, batched as `numpy.matmul` does.

    Parameters
    ----------
    a : (..., M, K) ndarray
        Left factor.
    b : (..., K, N) ndarray
        Right factor.
    out : (..., M, N) ndarray, optional
        Where to write.

    Returns
    -------
    (..., M, N) ndarray
        `out`, or a new array.
    """
    namespace = device.namespace_of(a)
    if a.ndim != 2 or b.ndim != 2 or namespace is not np:
        with one_blas_thread():
            return namespace.matmul(a, b, out=out)  # type: ignore[no-any-return]
    rows, columns = a.shape[0], b.shape[1]
    product = np.empty((rows, columns), a.dtype) if out is None else out

    def some(start: int, stop: int) -> None:
        part = slice(start, stop)
        if rows < columns:
            np.matmul(a, b[:, part], out=product[:, part])
        else:
            np.matmul(a[part], b, out=product[part])

    # Threads of our own, not the BLAS's: those wait for one another by spinning, so on a machine that does something
    # else as well (a browser that shows the net) a product can take a hundred times as long with several of them.
    with one_blas_thread():
        run(some, max(rows, columns), a.size * columns / FASTER)
    return product


def add_gemm(a: Array, b: Array, out: Array) -> None:
    """Add the matrix product of `a` and `b` to `out`, in pieces that stay in the cache.

    Parameters
    ----------
    a : (M, K) ndarray
        Left factor.
    b : (K, N) ndarray
        Right factor.
    out : (M, N) ndarray
        What is added to.
    """
    if device.namespace_of(a) is not np:
        out += gemm(a, b)
        return
    rows, columns = out.shape
    step = max(1, PIECE // max(columns, 1))

    def some(start: int, stop: int) -> None:
        for first in range(start, stop, step):
            target = out[first : min(first + step, stop)]
            part = scratch("gemm piece", target.shape, out.dtype)
            np.matmul(a[first : first + len(target)], b, out=part)
            np.add(target, part, out=target)

    with one_blas_thread():
        run(some, rows, out.size + a.size * columns / FASTER)
