"""Split: one blob for several readers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from caffe_nb.core.blob import Blob
from caffe_nb.core.layer import Layer
from caffe_nb.core.registry import register


@register("Split")
class Split(Layer):
    """Give the same values to several readers, and add up the gradients that come back.

    One bottom; one or more tops of its shape that share its values, so that nothing is copied forward. The net inserts
    these layers itself where a blob has several readers. No parameters.

    Notes
    -----
    Equals Caffe's Split layer.
    """

    bottoms_needed = (1, 1)
    tops_allowed = (1, None)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Give the tops the bottom's shape and memory."""
        for blob in top:
            blob.reshape_like(bottom[0])
            blob.share_data(bottom[0])

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        """Write the sum of the tops' diffs."""
        if not propagate_down[0]:
            return
        total = bottom[0].diff_array
        if len(top) == 1:
            np.copyto(total, top[0].const_diff_array)
            return
        np.add(top[0].const_diff_array, top[1].const_diff_array, out=total)
        for blob in top[2:]:
            total += blob.const_diff_array
