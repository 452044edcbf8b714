"""EuclideanLoss: half the mean squared distance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from caffe_nb.core.blob import Blob
from caffe_nb.core.layer import Layer
from caffe_nb.core.registry import register
from caffe_nb.errors import ShapeError
from caffe_nb.layers.loss.normalization import loss_weight
from caffe_nb.layers.loss.shapes import same_first_axis


@register("EuclideanLoss")
class EuclideanLoss(Layer):
    """Compute ``sum((a - b)²) / (2 N)``, for regression.

    Bottoms: predictions and targets, both (N, ...) with the same number of values an item. Top: the loss, a scalar
    (0-d), weighted by 1 unless ``loss_weight`` says otherwise. Both bottoms get a gradient, ``±(a - b) / N`` times the
    weight.

    Raises
    ------
    ShapeError
        At reshape, when the batches or the values an item differ.

    Notes
    -----
    Equals Caffe's EuclideanLoss layer: divided by the batch, not by the number of values.

    Deviations
    ----------
    The loss of an empty batch is 0; Caffe divides by 0.
    """

    bottoms_needed = (2, 2)
    tops_allowed = (1, 1)
    auto_tops = True
    default_loss_weight = 1.0

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Make room for the difference."""
        self._difference = Blob(dtype=self.dtype)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Check that the bottoms fit; the top is a scalar."""
        same_first_axis(bottom)
        if bottom[0].count != bottom[1].count:
            raise ShapeError(
                "bottom[0] and bottom[1] must have the same number of values an item; their shapes are "
                f"{bottom[0].shape} and {bottom[1].shape}"
            )
        top[0].reshape()
        self._difference.reshape(bottom[0].count)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the loss."""
        difference = self._difference.array
        np.subtract(bottom[0].const_array.reshape(-1), bottom[1].const_array.reshape(-1), out=difference)
        top[0].array[...] = np.dot(difference, difference) / (2 * max(1, bottom[0].shape[0]))

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        """Write the weighted difference over N, with a minus for the second bottom."""
        scale = loss_weight(top[0]) / max(1, bottom[0].shape[0])
        for index, sign in enumerate((1, -1)):
            if propagate_down[index]:
                blob = bottom[index]
                np.multiply(self._difference.const_array.reshape(blob.shape), sign * scale, out=blob.diff_array)
