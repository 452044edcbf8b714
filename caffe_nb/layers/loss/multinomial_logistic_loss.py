"""MultinomialLogisticLoss: the logarithmic loss of probabilities."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from caffe_nb.core.blob import Array, Blob
from caffe_nb.core.layer import Layer
from caffe_nb.core.registry import register
from caffe_nb.errors import NetError
from caffe_nb.layers.loss.normalization import loss_weight
from caffe_nb.layers.loss.shapes import one_label_an_item
from caffe_nb.ops.labels import class_labels

LEAST_PROBABILITY = 1e-20
"""Smaller probabilities count as this."""


@register("MultinomialLogisticLoss")
class MultinomialLogisticLoss(Layer):
    """Compute the mean of ``-log(probability of the label)``.

    For scores, SoftmaxWithLoss does the same after a softmax, with a gradient that stays exact.

    Bottoms: probabilities (N, C), of which all axes but the first are taken as classes; labels, a class number (as
    float) for each item. Top: the loss, a scalar (0-d), weighted by 1 unless ``loss_weight`` says otherwise. Only the
    probabilities get a gradient, ``-1 / (N * probability)`` at the label and 0 elsewhere, times the weight. No
    parameters.

    Raises
    ------
    ShapeError
        At reshape, when there is not one label an item.
    NetError
        At forward, for a label that is no class; at backward, when a gradient for the labels is asked for.

    Notes
    -----
    Equals Caffe's MultinomialLogisticLoss layer: probabilities count as at least 1e-20.

    Deviations
    ----------
    A label that is no class is refused, where Caffe reads beyond the probabilities.
    """

    bottoms_needed = (2, 2)
    tops_allowed = (1, 1)
    auto_tops = True
    default_loss_weight = 1.0
    label_bottoms = (1,)
    inexact = "forward takes a probability below 1e-20 for 1e-20, backward does not"

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Check that probabilities and labels fit; the top is a scalar."""
        self._shape = one_label_an_item(bottom)
        top[0].reshape()

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the loss."""
        _, chosen = self._chosen(bottom)
        top[0].array[...] = -np.log(chosen).sum() / max(1, len(chosen))

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        """Write the weighted slope of the labels' probabilities, and 0 elsewhere."""
        if propagate_down[1]:
            raise NetError("labels (bottom[1]) have no gradient; set propagate_down: false for them")
        if not propagate_down[0]:
            return
        out = bottom[0].diff_array.reshape(self._shape)
        out[...] = 0
        true, chosen = self._chosen(bottom)
        out[true] = -loss_weight(top[0]) / max(1, len(out)) / chosen

    def _chosen(self, bottom: Sequence[Blob]) -> tuple[tuple[Array, Array], Array]:
        """Return where the labels' probabilities are, and these."""
        items, classes = self._shape
        true = (self.xp.arange(items), class_labels(bottom[1].const_array, classes)[0].reshape(-1))
        return true, np.maximum(bottom[0].const_array.reshape(self._shape)[true], LEAST_PROBABILITY)
