"""SigmoidCrossEntropyLoss: the logistic loss of independent yes-or-no targets."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np

from caffe_nb.core.blob import Array, Blob
from caffe_nb.core.layer import Layer
from caffe_nb.core.registry import register
from caffe_nb.errors import NetError, ShapeError
from caffe_nb.layers.kept import Follows
from caffe_nb.layers.loss.normalization import divisor, loss_weight, mode
from caffe_nb.layers.loss.shapes import same_first_axis
from caffe_nb.proto import caffe_pb2


@register("SigmoidCrossEntropyLoss")
class SigmoidCrossEntropyLoss(Layer):
    """Compute ``-sum(t log(p) + (1 - t) log(1 - p)) / N`` with ``p = sigmoid(score)``, without overflow.

    Bottoms: scores and targets from 0 to 1, both (N, ...) with the same number of values. Tops: the loss, a scalar
    (0-d), weighted by 1 unless ``loss_weight`` says otherwise; and, if a second one is named, the probabilities p, of
    the scores' shape. Only the scores get a gradient, and only from the loss.

    Parameters of ``loss_param``: ``ignore_label`` (no default): targets that are this number, once cut off to a whole
    one, count for nothing. ``normalization`` (default BATCH_SIZE), what the sum is divided by: ``BATCH_SIZE`` N,
    ``FULL`` the number of targets, ``VALID`` that of the targets that are not ignored, ``NONE`` nothing, ``PRE_FIXED``
    (of R-FCN's fork) ``pre_fixed_normalizer``; the older ``normalize`` means VALID (true) or BATCH_SIZE (false) where
    no normalization is given.

    Raises
    ------
    ShapeError
        At reshape, when the batches or the number of values differ.
    NetError
        At backward, when a gradient for the targets is asked for.

    Notes
    -----
    Equals Caffe's SigmoidCrossEntropyLoss layer. A target between 0 and 1 is cut off to 0 before it is compared with
    ``ignore_label``, so 0 cannot be ignored without those.

    Deviations
    ----------
    A second top, the probabilities, can be built; Caffe refuses the net.
    """

    bottoms_needed = (2, 2)
    tops_allowed = (1, 2)
    auto_tops = True
    default_loss_weight = 1.0
    label_bottoms = (1,)

    _scale = Follows()

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Read the parameters."""
        param = self.layer_param.loss_param
        self._ignore = param.ignore_label if param.HasField("ignore_label") else None
        self._normalization = mode(param, caffe_pb2.LossParameter.BATCH_SIZE)
        self._probabilities = Blob(dtype=self.dtype)
        self._scale = 1.0

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Check that scores and targets fit; the first top is a scalar, the second has the scores' shape."""
        same_first_axis(bottom)
        if bottom[0].count != bottom[1].count:
            raise ShapeError(
                "bottom[1] must have one target for each score; the shapes are "
                f"{bottom[0].shape} for the scores and {bottom[1].shape} for the targets"
            )
        top[0].reshape()
        self._probabilities.reshape_like(bottom[0])
        if len(top) > 1:
            top[1].reshape_like(bottom[0])
            top[1].share_data(self._probabilities)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the loss, and the probabilities where they are asked for."""
        x = bottom[0].const_array
        target = bottom[1].const_array.reshape(x.shape)
        counted = self._counted(target)
        p = top[1].array if len(top) > 1 else self._probabilities.array
        np.abs(x, out=p)
        np.negative(p, out=p)
        np.exp(p, out=p)
        losses = np.log1p(p)  # log(1 + exp(-|x|)) + max(x, 0) - x * target
        losses += np.maximum(x, 0)
        losses -= x * target
        total = (losses if counted is None else np.where(counted, losses, 0)).sum()
        fixed = self.layer_param.loss_param.pre_fixed_normalizer
        self._scale = 1 / divisor(self._normalization, x.shape[0], prod(x.shape[1:]), counted, fixed)
        top[0].array[...] = total * self._scale
        np.divide(np.where(x >= 0, 1, p), 1 + p, out=p)

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        """Write ``(probability - target) * loss weight / divisor``, 0 where the target is ignored."""
        if propagate_down[1]:
            raise NetError("targets (bottom[1]) have no gradient; set propagate_down: false for them")
        if not propagate_down[0]:
            return
        out = bottom[0].diff_array
        target = bottom[1].const_array.reshape(out.shape)
        counted = self._counted(target)
        np.subtract(self._probabilities.const_array, target, out=out)
        out *= loss_weight(top[0]) * self._scale
        if counted is not None:
            np.copyto(out, 0, where=~counted)

    def _counted(self, target: Array) -> Array | None:
        """Return which targets count; None for all."""
        return None if self._ignore is None else np.trunc(target) != self._ignore
