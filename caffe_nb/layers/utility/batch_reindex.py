"""BatchReindex: the items of a batch in another order."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np

from caffe_nb.core.blob import Blob
from caffe_nb.core.layer import Layer
from caffe_nb.core.registry import register
from caffe_nb.errors import NetError, ShapeError
from caffe_nb.layers.kept import Follows
from caffe_nb.ops.gather import add_rows, row_numbers


@register("BatchReindex")
class BatchReindex(Layer):
    """Select, reorder or repeat the items of a batch.

    Bottoms: the batch, (N, ...); and M numbers of items, (M,), from 0 to N - 1 as floats. Top: (M, ...), the items that
    the numbers name. The gradient of an item is the sum over the places it went to; the numbers have none. No
    parameters.

    Raises
    ------
    ShapeError
        At reshape, when the batch has no axes or the numbers not exactly one.
    NetError
        At forward, for a number that names no item; at backward, when a gradient for the numbers is asked for.

    Notes
    -----
    Equals Caffe's BatchReindex layer: numbers are cut off to whole ones.
    """

    bottoms_needed = (2, 2)
    tops_allowed = (1, 1)
    label_bottoms = (1,)

    _numbers = Follows()

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Start without numbers."""
        self._numbers = np.zeros(0, np.intp)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Give the top its shape."""
        bottom[0].axis(0)
        if bottom[1].ndim != 1:
            raise ShapeError(f"bottom[1] must have one axis, the numbers of the items; its shape is {bottom[1].shape}")
        top[0].reshape(bottom[1].shape[0], *bottom[0].shape[1:])
        if len(self._numbers) != bottom[1].count:
            self._numbers = np.zeros(bottom[1].count, np.intp)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Copy the items."""
        x = bottom[0].const_array
        self._numbers = row_numbers(bottom[1].const_array, len(x), "bottom[1]")
        if self._numbers.size:
            np.take(x, self._numbers, axis=0, out=top[0].array, mode="clip")  # "raise" would go through a copy

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        """Write the sums of the diffs of where each item went."""
        if propagate_down[1]:
            raise NetError("the numbers of the items (bottom[1]) have no gradient; set propagate_down: false for them")
        if not propagate_down[0] or not bottom[0].count:
            return
        dx = bottom[0].diff_array
        dx[...] = 0
        width = prod(dx.shape[1:])
        rows = top[0].const_diff_array.reshape(len(self._numbers), width)
        add_rows(rows, self._numbers, dx.reshape(len(dx), width))
