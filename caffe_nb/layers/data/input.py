"""Input."""

from __future__ import annotations

from collections.abc import Sequence

from caffe_nb.core.blob import Blob
from caffe_nb.core.layer import Layer
from caffe_nb.core.registry import register
from caffe_nb.layers.data.shapes import one_for_each


@register("Input")
class Input(Layer):
    """Blobs whose data the caller writes (Caffe's Input).

    `input_param { shape }` once for all tops, once for each, or not at all where the caller reshapes them.
    """

    bottoms_needed = (0, 0)
    tops_allowed = (1, None)

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Give the tops their first shapes; later ones are the caller's."""
        shapes = self.layer_param.input_param.shape
        if not shapes:
            return
        for blob, shape in zip(top, one_for_each(shapes, len(top), "shape"), strict=True):
            blob.reshape(*shape.dim)
