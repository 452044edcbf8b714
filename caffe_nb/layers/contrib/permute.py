"""Permute: axes in another order."""

from __future__ import annotations

from collections.abc import Sequence

from caffe_nb.core.blob import Blob
from caffe_nb.core.layer import Layer
from caffe_nb.core.registry import register
from caffe_nb.errors import NetError, ShapeError


@register("Permute")
class Permute(Layer):
    """Put the axes of a blob into another order (SSD's Permute).

    ``permute_param { order: 0 order: 2 ... }`` names for each axis of the top the bottom's axis; those that are not
    named follow in their order.

    Raises
    ------
    NetError
        At setup, for an axis that does not exist or is named twice.

    Notes
    -----
    Source: the fork of Liu et al., "SSD: Single shot multibox detector", 2016.
    """

    bottoms_needed = (1, 1)
    tops_allowed = (1, 1)

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Read the order."""
        named, axes = list(self.layer_param.permute_param.order), bottom[0].ndim
        for axis in named:
            if axis >= axes or named.count(axis) > 1:
                problem = "is named twice" if axis < axes else f"does not exist in a bottom of shape {bottom[0].shape}"
                raise NetError(f"permute_param: axis {axis} {problem}")
        self._order = [*named, *(axis for axis in range(axes) if axis not in named)]

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Give the top the permuted shape."""
        if bottom[0].ndim != len(self._order):
            raise ShapeError(f"the order is for {len(self._order)} axes, got a bottom of shape {bottom[0].shape}")
        top[0].reshape(*(bottom[0].shape[axis] for axis in self._order))

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Copy in the new order."""
        top[0].array[...] = bottom[0].const_array.transpose(self._order)

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        """Copy back."""
        if propagate_down[0]:
            bottom[0].diff_array[...] = top[0].const_diff_array.transpose(
                [self._order.index(axis) for axis in range(len(self._order))]
            )
