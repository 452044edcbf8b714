"""What a layer keeps from its forward for its backward."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from caffe_nb import device
from caffe_nb.core.blob import Array, Blob
from caffe_nb.core.layer import Layer


class Follows:
    """An attribute of a layer that holds an array, a number or None, and is read where layers compute then.

    For what a forward computed and the backward needs, when it is in no blob: the mode may change in between.
    """

    def __set_name__(self, _owner: type[Layer], name: str) -> None:
        self._name = name

    def __set__(self, layer: Layer, array: Any) -> None:
        layer.__dict__[self._name] = array

    def __get__(self, layer: Layer | None, owner: type[Layer]) -> Any:
        if layer is None:
            return self
        layer.__dict__[self._name] = array = device.here(layer.__dict__[self._name])
        return array


class Kept:
    """A copy of a bottom's values for the backward pass, made only where the top overwrites them.

    Parameters
    ----------
    dtype : dtype
        Type of the values.
    """

    def __init__(self, dtype: DTypeLike) -> None:
        self._copy = Blob(dtype=dtype)
        self._lent: Blob | None = None

    def fit(self, bottom: Blob, top: Blob) -> None:
        """Make room for the copy; called at each reshape."""
        if top is bottom:
            self._copy.reshape_like(bottom)

    def store(self, bottom: Blob, top: Blob) -> Array:
        """Return the bottom's values, from memory that writing the top leaves alone."""
        copy = self.memory(bottom, top)
        if copy is not None:
            np.copyto(copy, bottom.const_array)
        return self.values(bottom, top)

    def memory(self, bottom: Blob, top: Blob) -> Array | None:
        """Return where to copy the bottom's values to; None where nothing overwrites them."""
        self._lent = None
        return self._copy.array if top is bottom else None

    def values(self, bottom: Blob, top: Blob) -> Array:
        """Return the bottom's values of the last `store`, or of who lent them since."""
        kept = self._lent or (self._copy if top is bottom else bottom)
        values: Array = kept.const_array.reshape(bottom.shape)
        return values

    def lend(self, values: Blob) -> None:
        """Take the bottom's values from another layer's blob, as it is then, until they are stored again."""
        self._lent = values

    def has_lent(self, values: Blob) -> bool:
        """Whether the values are those of this blob."""
        return self._lent is values
