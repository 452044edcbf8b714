"""Accuracy: the share of right classes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from caffe_nb.core.blob import Blob
from caffe_nb.core.layer import Layer
from caffe_nb.core.registry import register
from caffe_nb.errors import NetError, ShapeError
from caffe_nb.layers.loss.shapes import one_label_a_position
from caffe_nb.ops.labels import class_labels


@register("Accuracy")
class Accuracy(Layer):
    """Compute the share of class vectors whose true class is among the `top_k` best scores.

    Bottoms: scores, with the classes along ``axis``; labels, a class number (as float) for every class vector. Tops:
    the accuracy, a scalar (0-d) from 0 to 1; and, if a second one is named, the accuracy of each class, of shape (C,),
    0 for a class that no label names.

    Parameters of ``accuracy_param``: ``top_k`` (default 1), ``axis`` (default 1), ``ignore_label`` (no default: a label
    whose positions are left out).

    Raises
    ------
    NetError
        At setup, for a top_k of 0; at forward, for a label that is no class; at backward, when a gradient is asked for.
    ShapeError
        At reshape, when there is not one label a class vector, or there are fewer classes than top_k.

    Notes
    -----
    Equals Caffe's Accuracy layer (master of 2020): a score that ties with the true class's counts as better, so a net
    that gives every class the same score is right nowhere.

    Deviations
    ----------
    A score that is not a number counts as better than the true class's, so a net that has diverged is right nowhere; in
    Caffe it is right everywhere. A label that is no class is refused, where Caffe reads beyond the scores.
    """

    bottoms_needed = (2, 2)
    tops_allowed = (1, 2)
    label_bottoms = (0, 1)

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Read the parameters."""
        param = self.layer_param.accuracy_param
        self._top_k = int(param.top_k)
        self._ignore = param.ignore_label if param.HasField("ignore_label") else None
        if self._top_k < 1:
            raise NetError("accuracy_param: top_k must be at least 1, got 0")

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Check that scores and labels fit; the first top is a scalar, the second has a value a class."""
        axis = bottom[0].axis(self.layer_param.accuracy_param.axis)
        self._outer, self._classes, self._inner = one_label_a_position(bottom, axis)
        if self._top_k > self._classes:
            raise ShapeError(
                f"top_k is {self._top_k}, but axis {axis} of bottom[0] {bottom[0].shape} has {self._classes} classes"
            )
        top[0].reshape()
        if len(top) > 1:
            top[1].reshape(self._classes)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the accuracy, and that of each class where it is asked for."""
        labels, counted = class_labels(bottom[1].const_array, self._classes, self._ignore)
        scores = bottom[0].const_array.reshape(self._outer, self._classes, self._inner)
        labels = labels.reshape(self._outer, self._inner)
        true = np.take_along_axis(scores, labels[:, None, :], axis=1)
        # The true class is never below itself: it is one of those counted, as in Caffe.
        at_least = self._classes - np.count_nonzero(scores < true, axis=1)
        right = at_least <= self._top_k
        counts = np.ones_like(right) if counted is None else counted.reshape(right.shape)
        right &= counts
        top[0].array[...] = right.sum() / np.maximum(counts.sum(), 1)
        if len(top) > 1:
            of_class, right_of_class = self.xp.zeros((2, self._classes), np.uint32)
            self.xp.add.at(of_class, labels, counts)
            self.xp.add.at(right_of_class, labels, right)
            top[1].array[...] = right_of_class / np.maximum(of_class, 1)

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        """Refuse: counting has no gradient."""
        if any(propagate_down):
            raise NetError("Accuracy has no gradient; train with a loss layer such as SoftmaxWithLoss")
