"""Silence: a reader for blobs that nobody reads."""

from __future__ import annotations

from collections.abc import Sequence

from caffe_nb.core.blob import Blob
from caffe_nb.core.layer import Layer
from caffe_nb.core.registry import register


@register("Silence")
class Silence(Layer):
    """Take blobs and do nothing, so that they are not outputs of the net; their gradient is 0.

    One or more bottoms of any shape, no tops, no parameters.

    Notes
    -----
    Equals Caffe's Silence layer.
    """

    bottoms_needed = (1, None)
    tops_allowed = (0, 0)

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        """Write zeros."""
        for blob, wanted in zip(bottom, propagate_down, strict=True):
            if wanted:
                blob.diff_array[...] = 0
