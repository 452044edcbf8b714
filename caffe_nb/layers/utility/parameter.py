"""Parameter: a learned blob by itself."""

from __future__ import annotations

from collections.abc import Sequence

from caffe_nb.core.blob import Blob
from caffe_nb.core.layer import Layer
from caffe_nb.core.registry import register


@register("Parameter")
class Parameter(Layer):
    """Give a learned parameter to other layers as a blob.

    No bottoms. Top: the parameter, in the shape of ``parameter_param { shape }`` (default: a scalar), sharing data and
    diff with it, so that what the readers write as the top's diff is the parameter's. It starts at 0: fill it by
    copying weights, or from Python.

    Notes
    -----
    Equals Caffe's Parameter layer: the diff is overwritten by each backward, not added to, so with ``iter_size`` above
    1 the last pass counts alone.
    """

    bottoms_needed = (0, 0)
    tops_allowed = (1, 1)

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Make the parameter."""
        self.blobs.add_blob(list(self.layer_param.parameter_param.shape.dim))
        self.param_propagate_down = [True]

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Give the top the parameter's shape and memory."""
        top[0].reshape_like(self.blobs[0])
        top[0].share_data(self.blobs[0])
        top[0].share_diff(self.blobs[0])
