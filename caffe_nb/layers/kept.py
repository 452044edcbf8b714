"""Kept: the values of a bottom that outlive a layer's work in place."""

from __future__ import annotations

import numpy as np
from numpy.typing import DTypeLike

from caffe_nb.core.blob import Array, Blob


class Kept:
    """A copy of a bottom's values for the backward pass, made only where the top overwrites them.

    Parameters
    ----------
    dtype : dtype
        Type of the values.
    """

    def __init__(self, dtype: DTypeLike) -> None:
        self._copy: Array = np.empty(0, dtype)

    def fit(self, bottom: Blob, top: Blob) -> None:
        """Make room for the copy; called at each reshape."""
        if top is bottom and self._copy.shape != bottom.shape:
            self._copy = np.zeros(bottom.shape, bottom.dtype)

    def store(self, bottom: Blob, top: Blob) -> Array:
        """Return the bottom's values, from memory that writing the top leaves alone."""
        if top is not bottom:
            return bottom.const_data
        np.copyto(self._copy, bottom.const_data)
        return self._copy

    def memory(self, bottom: Blob, top: Blob) -> Array | None:
        """Return where to copy the bottom's values to; None where nothing overwrites them."""
        return self._copy if top is bottom else None

    def values(self, bottom: Blob, top: Blob) -> Array:
        """Return the bottom's values of the last `store`."""
        return self._copy if top is bottom else bottom.const_data
