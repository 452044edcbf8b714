"""SoftmaxWithLoss: the multinomial logistic loss of scores."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from caffe_nb.core.blob import Blob
from caffe_nb.core.layer import Layer
from caffe_nb.core.registry import register
from caffe_nb.errors import NetError
from caffe_nb.layers.loss.normalization import divisor, loss_weight, mode
from caffe_nb.layers.loss.shapes import one_label_a_position, same_first_axis
from caffe_nb.ops import softmax as ops
from caffe_nb.ops.labels import class_labels
from caffe_nb.proto import caffe_pb2


@register("SoftmaxWithLoss")
class SoftmaxWithLoss(Layer):
    """Compute the mean of ``-log(softmax(scores)[label])``, for classification.

    Bottoms: scores, with the classes along ``axis``; labels, a class number (as float) for every class vector, so (N,)
    or (N, 1) for scores (N, C), and (N, H, W) or (N, 1, H, W) for scores (N, C, H, W). Tops: the loss, a scalar (0-d),
    weighted by 1 unless ``loss_weight`` says otherwise; and, if a second one is named, the probabilities, of the
    scores' shape. Only the scores get a gradient, and only from the loss.

    Parameters: ``softmax_param { axis }`` (default 1). ``loss_param``: ``ignore_label`` (no default: a label whose
    positions count for nothing); ``normalization`` (default VALID), what the sum is divided by: ``VALID`` the positions
    that are not ignored, ``FULL`` all positions, ``BATCH_SIZE`` the product of the axes before the class axis, ``NONE``
    nothing, ``PRE_FIXED`` (of R-FCN's fork) ``pre_fixed_normalizer``; the older ``normalize`` means VALID (true) or
    BATCH_SIZE (false) where no normalization is given.

    Raises
    ------
    ShapeError
        At reshape, when the batches differ or there is not one label a class vector.
    NetError
        At forward, for a label that is no class; at backward, when a gradient for the labels is asked for.

    Notes
    -----
    Equals Caffe's SoftmaxWithLoss layer: probabilities count as at least the smallest normal float32, and the divisor
    as at least 1.

    Deviations
    ----------
    A second top, the probabilities, can be built; Caffe refuses the net. A label that is no class is refused, where
    Caffe reads beyond the scores.
    """

    bottoms_needed = (2, 2)
    tops_allowed = (1, 2)
    auto_tops = True
    default_loss_weight = 1.0
    label_bottoms = (1,)
    inexact = "forward takes a probability below 1e-38 for 1e-38, backward does not"

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Read the parameters."""
        param = self.layer_param.loss_param
        self._ignore = param.ignore_label if param.HasField("ignore_label") else None
        self._normalization = mode(param, caffe_pb2.LossParameter.VALID)
        self._probabilities = Blob(dtype=self.dtype)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Check that scores and labels fit; the first top is a scalar, the second has the scores' shape."""
        axis = bottom[0].axis(self.layer_param.softmax_param.axis)
        same_first_axis(bottom)
        self._outer, self._classes, self._inner = one_label_a_position(bottom, axis)
        self._axis = axis
        top[0].reshape()
        self._probabilities.reshape_like(bottom[0])
        if len(top) > 1:
            top[1].reshape_like(bottom[0])
            top[1].share_data(self._probabilities)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the loss, and the probabilities where they are asked for."""
        labels, counted = self._read_labels(bottom[1])
        out = top[1].array if len(top) > 1 else self._probabilities.array
        ops.softmax(bottom[0].const_array, self._axis, out=out)
        folded = out.reshape(self._outer, self._classes, self._inner)
        top[0].array[...] = ops.cross_entropy(folded, labels, counted) / self._divisor(counted)

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        """Write ``(probabilities - one-hot label) * loss weight / divisor``, 0 where the label is ignored."""
        if propagate_down[1]:
            raise NetError("labels (bottom[1]) have no gradient; set propagate_down: false for them")
        if not propagate_down[0]:
            return
        labels, counted = self._read_labels(bottom[1])
        folded = (self._outer, self._classes, self._inner)
        ops.cross_entropy_gradient(
            self._probabilities.const_array.reshape(folded),
            labels,
            counted,
            scale=loss_weight(top[0]) / self._divisor(counted),
            out=bottom[0].diff_array.reshape(folded),
        )

    def _read_labels(self, bottom: Blob) -> tuple[ops.Labels, NDArray[np.bool_] | None]:
        """Return the class of each position and whether it counts, both of shape (outer, inner)."""
        labels, counted = class_labels(bottom.const_array, self._classes, self._ignore)
        shape = (self._outer, self._inner)
        return labels.reshape(shape), None if counted is None else counted.reshape(shape)

    def _divisor(self, counted: NDArray[np.bool_] | None) -> Any:
        fixed = self.layer_param.loss_param.pre_fixed_normalizer
        return divisor(self._normalization, self._outer, self._inner, counted, fixed)
