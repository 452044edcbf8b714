"""Matrix products through NumPy's BLAS, with as many threads as the product is worth."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

from numpy.typing import NDArray

from caffe_nb import device
from caffe_nb.ops.parallel import one_blas_thread

Array = NDArray[Any]

SINGLE_THREAD_FLOP = 100_000_000
"""Products below this run on one thread: about 2 ms. The threads of a BLAS wait for one another by spinning, so on a
machine that does something else as well (a browser that shows the net) a small product with several of them can take a
hundred times as long as with one; setting their number costs a microsecond."""


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
    small = 2 * a.size * b.shape[-1] < SINGLE_THREAD_FLOP
    with one_blas_thread() if small else nullcontext():
        product: Array = device.namespace_of(a).matmul(a, b, out=out)
    return product
