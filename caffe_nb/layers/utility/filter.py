"""Filter: only the items that a selector lets through."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from caffe_nb.core.blob import Blob
from caffe_nb.core.layer import Layer
from caffe_nb.core.registry import register
from caffe_nb.errors import NetError, ShapeError
from caffe_nb.layers.kept import Follows


@register("Filter")
class Filter(Layer):
    """Keep the items of batches for which a selector is not 0.

    Bottoms: one or more batches (N, ...), and as the last one the selector, (N,) or (N, 1, ...). Tops: one for each
    batch, (M, ...) with the M items that were selected; M may be 0. Items that were not selected get a gradient of 0,
    the selector gets none. No parameters.

    Raises
    ------
    NetError
        At setup, when there is not one top for each batch; at backward, when a gradient for the selector is asked for.
    ShapeError
        At reshape, when a batch has not one item for each value of the selector.

    Notes
    -----
    Equals Caffe's Filter layer: while the net is built, before there are values, the tops have room for all N items.
    """

    bottoms_needed = (2, None)
    tops_allowed = (1, None)
    reshapes_by_values = True

    _selected = Follows()

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Check that each batch has its top."""
        if len(top) != len(bottom) - 1:
            raise NetError(
                f"Filter takes a top for each bottom but the last (the selector): {len(bottom) - 1} for {len(bottom)} "
                f"bottoms, got {len(top)}"
            )
        self._selector = len(bottom) - 1
        self._selected = None

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Find the items that are selected, and give the tops room for them."""
        *batches, selector = bottom
        shape = selector.shape
        if not shape or selector.count != shape[0]:
            raise ShapeError(f"the selector, the last bottom, must have one value an item, (N,); its shape is {shape}")
        for index, blob in enumerate(batches):
            if not blob.shape or blob.shape[0] != shape[0]:
                raise ShapeError(
                    f"bottom[{index}] must have the {shape[0]} items of the selector (the last bottom) along axis 0; "
                    f"its shape is {blob.shape}"
                )
        first = self._selected is None
        self._selected = np.flatnonzero(selector.const_array)
        items = shape[0] if first else len(self._selected)
        for blob, y in zip(batches, top, strict=True):
            y.reshape(items, *blob.shape[1:])

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Copy the selected items."""
        selected = self._selected
        for blob, y in zip(bottom[:-1], top, strict=True):
            y.array[: len(selected)] = blob.const_array[selected]

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        """Write the diffs of the selected items, and 0 for the others."""
        if propagate_down[self._selector]:
            raise NetError("the selector (the last bottom) has no gradient; set propagate_down: false for it")
        selected = self._selected
        for blob, y, wanted in zip(bottom[:-1], top, propagate_down[:-1], strict=True):
            if wanted:
                dx = blob.diff_array
                dx[...] = 0
                dx[selected] = y.const_diff_array[: len(selected)]

    def allow_force_backward(self, bottom_index: int) -> bool:
        """Whether `force_backward` may ask for the gradient of this bottom: not for the selector's."""
        return bottom_index != self._selector
