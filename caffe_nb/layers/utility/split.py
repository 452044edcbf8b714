"""Split: one blob for several readers."""

from __future__ import annotations

from collections.abc import Sequence

from caffe_nb.core.blob import Blob
from caffe_nb.core.layer import Layer
from caffe_nb.core.registry import register
from caffe_nb.ops.sums import weighted_sum


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
        weighted_sum([blob.const_diff_array for blob in top], [1.0] * len(top), out=bottom[0].diff_array)
