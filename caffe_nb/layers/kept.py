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
        self._copy = Blob(dtype=dtype)

    def fit(self, bottom: Blob, top: Blob) -> None:
        """Make room for the copy; called at each reshape."""
        if top is bottom:
            self._copy.reshape_like(bottom)

    def store(self, bottom: Blob, top: Blob) -> Array:
        """Return the bottom's values, from memory that writing the top leaves alone."""
        if top is bottom:
            np.copyto(self._copy.array, bottom.const_array)
        return self.values(bottom, top)

    def memory(self, bottom: Blob, top: Blob) -> Array | None:
        """Return where to copy the bottom's values to; None where nothing overwrites them."""
        return self._copy.array if top is bottom else None

    def values(self, bottom: Blob, top: Blob) -> Array:
        """Return the bottom's values of the last `store`."""
        values: Array = self._copy.const_array if top is bottom else bottom.const_array
        return values
