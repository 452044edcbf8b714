"""SoftmaxWithLossOHEM: the multinomial logistic loss of scores, and each label's part of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from caffe_nb.core.blob import Blob
from caffe_nb.core.registry import register
from caffe_nb.layers.loss.softmax_with_loss import SoftmaxWithLoss
from caffe_nb.ops.softmax import label_losses


@register("SoftmaxWithLossOHEM")
class SoftmaxWithLossOHEM(SoftmaxWithLoss):
    """Compute what SoftmaxWithLoss does and, as a third top, each label's loss, for mining hard examples (R-FCN).

    Bottoms and parameters are those of SoftmaxWithLoss. Tops: the loss, a scalar (0-d); the probabilities, of the
    scores' shape; each label's ``-log(softmax(scores)[label])``, of the labels' shape, 0 where the label is ignored.
    Only the first top gives a gradient.

    Raises
    ------
    ShapeError
        At reshape, when the batches differ or there is not one label a class vector.
    NetError
        At forward, for a label that is no class; at backward, when a gradient for the labels is asked for.

    Notes
    -----
    Source: Dai et al., "R-FCN: Object detection via region-based fully convolutional networks", 2016, and its fork,
    which has no CPU code for it.
    """

    tops_allowed = (1, 3)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Check that scores and labels fit, and shape the tops."""
        super().reshape(bottom, top)
        if len(top) > 2:
            top[2].reshape_like(bottom[1])

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the loss, and the probabilities and the losses where they are asked for."""
        super().forward(bottom, top)
        if len(top) > 2:
            labels, counted = self._read_labels(bottom[1])
            folded = self._probabilities.const_array.reshape(self._outer, self._classes, self._inner)
            losses = label_losses(folded, labels)
            top[2].array[...] = (losses if counted is None else np.where(counted, losses, 0)).reshape(bottom[1].shape)
