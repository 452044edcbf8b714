"""ContrastiveLoss: similar pairs near one another, dissimilar ones apart."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np

from caffe_nb.core.blob import Array, Blob
from caffe_nb.core.layer import Layer
from caffe_nb.core.registry import register
from caffe_nb.errors import NetError, ShapeError
from caffe_nb.layers.loss.normalization import loss_weight
from caffe_nb.layers.loss.shapes import same_first_axis

NEAR_ZERO = 1e-4
"""Caffe adds this to a distance before it divides by it."""


@register("ContrastiveLoss")
class ContrastiveLoss(Layer):
    """Compute the contrastive loss of pairs of vectors, for siamese nets.

    With d the Euclidean distance of a pair, a similar pair costs ``d²``, a dissimilar one ``max(margin - d, 0)²``; the
    loss is the sum over the batch, divided by ``2 N``.

    Bottoms: the two vectors of each pair, both (N, C), also (N, C, 1, 1); and a number for each pair, 0 for dissimilar,
    other whole numbers for similar. Top: the loss, a scalar (0-d), weighted by 1 unless ``loss_weight`` says otherwise.
    Both vectors get a gradient, the third bottom none.

    Parameters of ``contrastive_loss_param``: ``margin`` (default 1): dissimilar pairs further apart than this cost
    nothing. ``legacy_version`` (default false): a dissimilar pair costs ``max(margin - d², 0)``, as in the first
    version of this layer.

    Raises
    ------
    ShapeError
        At reshape, when the vectors' shapes differ or there is not one number a pair.
    NetError
        At backward, when a gradient for the third bottom is asked for.

    Notes
    -----
    Equals Caffe's ContrastiveLoss layer, after Hadsell, Chopra and LeCun, "Dimensionality reduction by learning an
    invariant mapping" (2006). The gradient of a dissimilar pair is divided by ``d + 0.0001`` instead of d, so it is a
    little smaller than the derivative, and finite for equal vectors.
    """

    bottoms_needed = (3, 3)
    tops_allowed = (1, 1)
    auto_tops = True
    default_loss_weight = 1.0
    label_bottoms = (2,)
    inexact = "the gradient of dissimilar pairs is divided by their distance + 0.0001"

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Read the parameters."""
        param = self.layer_param.contrastive_loss_param
        self._margin = float(param.margin)
        self._legacy = bool(param.legacy_version)
        self._difference = Blob(dtype=self.dtype)
        self._square = Blob(dtype=self.dtype)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Check that the bottoms fit; the top is a scalar."""
        same_first_axis(bottom)
        shape, pairs = bottom[0].shape, bottom[0].shape[0]
        channels = shape[1] if len(shape) > 1 else 1
        if any(prod(blob.shape[1:]) != channels for blob in bottom[:2]):
            raise ShapeError(
                "bottom[0] and bottom[1] must be vectors of the same length, (N, C); their shapes are "
                f"{shape} and {bottom[1].shape}; a Flatten layer makes vectors of images"
            )
        if bottom[2].count != pairs:
            raise ShapeError(
                f"bottom[2] must have one number for each of the {pairs} pairs (0 for dissimilar); its shape is "
                f"{bottom[2].shape}"
            )
        top[0].reshape()
        self._difference.reshape(pairs, channels)
        self._square.reshape(pairs)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the loss."""
        difference, square = self._difference.array, self._square.array
        a, b = (blob.const_array.reshape(difference.shape) for blob in bottom[:2])
        np.subtract(a, b, out=difference)
        np.einsum("nc,nc->n", difference, difference, out=square)
        apart = np.maximum(self._margin - (square if self._legacy else np.sqrt(square)), 0)
        costs = np.where(_similar(bottom[2]), square, apart if self._legacy else apart * apart)
        top[0].array[...] = costs.sum() / (2 * max(1, len(costs)))

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        """Write the weighted difference of similar pairs, its opposite for dissimilar ones within the margin."""
        if propagate_down[2]:
            raise NetError("which pairs are similar (bottom[2]) has no gradient; set propagate_down: false for it")
        if not any(propagate_down):
            return
        square = self._square.const_array
        distance = np.sqrt(square)
        missing = self._margin - (square if self._legacy else distance)
        factor = np.where(missing > 0, -1.0 if self._legacy else -missing / (distance + NEAR_ZERO), 0.0)
        factor[_similar(bottom[2])] = 1
        factor *= loss_weight(top[0]) / max(1, len(factor))
        for index, sign in enumerate((1, -1)):
            if propagate_down[index]:
                out = bottom[index].diff_array.reshape(self._difference.shape)
                np.multiply(self._difference.const_array, (sign * factor).astype(self.dtype)[:, None], out=out)


def _similar(numbers: Blob) -> Array:
    """Return which pairs are similar: those whose number, cut off to a whole one, is not 0."""
    similar: Array = np.abs(numbers.const_array.reshape(-1)) >= 1
    return similar
