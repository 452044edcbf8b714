"""Axpy: a scaled blob plus another."""

from __future__ import annotations

from collections.abc import Sequence

from caffe_nb.core.blob import Blob
from caffe_nb.core.layer import Layer
from caffe_nb.core.registry import register
from caffe_nb.errors import ShapeError


@register("Axpy")
class Axpy(Layer):
    """Compute ``a * x + y``, with one factor a channel (SENet's Axpy).

    Bottoms: the factors ``(N, C)`` or ``(N, C, 1, 1)``, and `x` and `y`, both ``(N, C, H, W)``; the top has their
    shape.

    Raises
    ------
    ShapeError
        At reshape, when the shapes do not fit.

    Notes
    -----
    Source: Hu et al., "Squeeze-and-excitation networks", 2017.
    """

    bottoms_needed = (3, 3)
    tops_allowed = (1, 1)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Check the shapes."""
        factors, x, y = (blob.shape for blob in bottom)
        if (
            len(x) != 4
            or x != y
            or len(factors) not in (2, 4)
            or (*factors[:2], 1, 1) != (*x[:2], *(factors[2:] or (1, 1)))
        ):
            raise ShapeError(
                "the bottoms must be factors (N, C) or (N, C, 1, 1) and two blobs (N, C, H, W); got"
                f" {factors}, {x} and {y}"
            )
        top[0].reshape(*x)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Scale and add."""
        factors = bottom[0].const_array.reshape(*bottom[1].shape[:2], 1, 1)
        out = top[0].array
        out[...] = factors * bottom[1].const_array + bottom[2].const_array

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        """Write the three gradients."""
        gradient = top[0].const_diff_array
        if propagate_down[0]:
            bottom[0].diff_array[...] = (gradient * bottom[1].const_array).sum((2, 3)).reshape(bottom[0].shape)
        if propagate_down[1]:
            bottom[1].diff_array[...] = gradient * bottom[0].const_array.reshape(*bottom[1].shape[:2], 1, 1)
        if propagate_down[2]:
            bottom[2].diff_array[...] = gradient
