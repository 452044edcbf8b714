"""Along: how the array of Scale or Bias lies along some axes of the bottom."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from caffe_nb.core.blob import Array, Blob
from caffe_nb.errors import NetError, ShapeError


def parameter_shape(bottom: Blob, axis: int, num_axes: int) -> tuple[int, ...]:
    """Return the shape of a learned array: that of the bottom's axes from `axis` on.

    Parameters
    ----------
    bottom : Blob
        What is scaled or shifted.
    axis : int
        The first axis; negative ones count from the end.
    num_axes : int
        How many; 0 for a scalar, -1 for all that follow.

    Raises
    ------
    NetError
        For a number of axes below -1.
    ShapeError
        When the bottom has no such axes.
    """
    first = bottom.axis(axis)
    if num_axes < -1:
        raise NetError(f"num_axes must be at least 0, or -1 for all axes from axis {axis} on, got {num_axes}")
    end = bottom.ndim if num_axes == -1 else first + num_axes
    if end > bottom.ndim:
        raise ShapeError(
            f"{num_axes} axes from axis {first} on do not exist in a bottom of shape {bottom.shape};"
            f" num_axes can be up to {bottom.ndim - first} there, or -1 for all"
        )
    return bottom.shape[first:end]


@dataclass(frozen=True)
class Along:
    """An array that lies along some axes of the bottom and is repeated along the others.

    Attributes
    ----------
    outer, count, inner : int
        The number of the bottom's values before these axes, along them, and after them.
    """

    outer: int
    count: int
    inner: int

    @classmethod
    def of(cls, bottom: Blob, shape: tuple[int, ...], axis: int, what: str) -> Along:
        """Return how an array of a shape lies along the bottom from `axis` on; a scalar lies anywhere.

        Raises
        ------
        ShapeError
            When the bottom's axes are others; `what` names the array in the message.
        """
        first = bottom.axis(axis) if shape else 0
        end = first + len(shape)
        if bottom.shape[first:end] != shape:
            raise ShapeError(
                f"{what} has shape {shape}, which must be the shape of bottom[0] {bottom.shape} from axis {first} on"
            )
        return cls(prod(bottom.shape[:first]), prod(shape), prod(bottom.shape[end:]))

    def view(self, array: Array) -> Array:
        """Return values of the bottom's shape as ``(outer, count, inner)``, a view."""
        return array.reshape(self.outer, self.count, self.inner)

    def spread(self, array: Array) -> Array:
        """Return the array as ``(count, 1)``, ready to broadcast against `view`; a view."""
        return array.reshape(self.count, 1)

    def total(self, product: Array, shape: tuple[int, ...]) -> Array:
        """Return the sum over all that the array is repeated along, in the array's shape."""
        total: Array = self.view(product).sum(axis=(0, 2)).reshape(shape)
        return total
