"""HingeLoss: one-vs-all margins, as support vector machines have them."""

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
from caffe_nb.proto import caffe_pb2


@register("HingeLoss")
class HingeLoss(Layer):
    """Compute ``sum(max(0, 1 - s * score)^p) / N``, with s = 1 for the true class and -1 for the others.

    Bottoms: scores (N, C), of which all axes but the first are taken as classes; labels, a class number (as float) for
    each item. Top: the loss, a scalar (0-d), weighted by 1 unless ``loss_weight`` says otherwise. Only the scores get a
    gradient.

    Parameters of ``hinge_loss_param``: ``norm``, ``L1`` (default, p = 1) or ``L2`` (p = 2).

    Raises
    ------
    ShapeError
        At reshape, when there is not one label an item.
    NetError
        At forward, for a label that is no class; at backward, when a gradient for the labels is asked for.

    Notes
    -----
    Equals Caffe's HingeLoss layer: divided by the batch, not by the number of scores.

    Deviations
    ----------
    A label that is no class is refused, where Caffe reads beyond the scores, and so is more than one label an item. A
    score that is not a number makes the loss one too; in Caffe it costs nothing.
    """

    bottoms_needed = (2, 2)
    tops_allowed = (1, 1)
    auto_tops = True
    default_loss_weight = 1.0
    label_bottoms = (1,)

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Read the norm."""
        self._squared = self.layer_param.hinge_loss_param.norm == caffe_pb2.HingeLossParameter.L2
        self._missing = Blob(dtype=self.dtype)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Check that scores and labels fit; the top is a scalar."""
        shape = one_label_an_item(bottom)
        top[0].reshape()
        self._missing.reshape(*shape)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the loss."""
        missing = self._missing.array
        np.copyto(missing, bottom[0].const_array.reshape(missing.shape))
        missing[self._true(bottom[1])] *= -1
        missing += 1
        np.maximum(missing, 0, out=missing)
        total = np.vdot(missing, missing) if self._squared else missing.sum()
        top[0].array[...] = total / max(1, len(missing))

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        """Write the weighted slope of each score, with a minus for the true class."""
        if propagate_down[1]:
            raise NetError("labels (bottom[1]) have no gradient; set propagate_down: false for them")
        if not propagate_down[0]:
            return
        missing = self._missing.const_array
        scale = loss_weight(top[0]) / max(1, len(missing))
        out = bottom[0].diff_array.reshape(missing.shape)
        if self._squared:
            np.multiply(missing, 2 * scale, out=out)
        else:
            np.sign(missing, out=out)
            out *= scale
        out[self._true(bottom[1])] *= -1

    def _true(self, labels: Blob) -> tuple[Array, Array]:
        """Return where the true classes are in an array of items and classes."""
        items, classes = self._missing.shape
        return self.xp.arange(items), class_labels(labels.const_array, classes)[0].reshape(-1)
