"""SmoothL1LossOHEM: the smooth L1 loss, and each region's part of it."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from caffe_nb.core.blob import Blob
from caffe_nb.core.registry import register
from caffe_nb.layers.contrib.smooth_l1_loss import SmoothL1Loss
from caffe_nb.layers.loss.normalization import divisor, mode
from caffe_nb.proto import caffe_pb2


@register("SmoothL1LossOHEM")
class SmoothL1LossOHEM(SmoothL1Loss):
    """Compute the smooth L1 loss of sigma 1 and each region's part of it, for mining hard examples (R-FCN).

    Bottoms: predictions ``(N, C)`` or ``(N, C, H, W)``, targets, and optionally weights of their difference, all of one
    count. Tops: the loss, a scalar (0-d), weighted by 1 unless ``loss_weight`` says otherwise; and, if a second one is
    named, the sums over the channels, ``(N, 1, H, W)``, which give no gradient.

    Parameters: ``loss_param { normalization }`` (default VALID), what the loss is divided by: ``VALID`` and ``FULL``
    N * H * W, ``BATCH_SIZE`` N, ``NONE`` 1, ``PRE_FIXED`` ``pre_fixed_normalizer``.

    Raises
    ------
    NetError
        At backward, when a gradient for the weights is asked for.
    ShapeError
        At reshape, when the bottoms differ in batch or count.

    Notes
    -----
    Source: Dai et al., "R-FCN: Object detection via region-based fully convolutional networks", 2016, and its fork,
    which has no CPU code for it.
    """

    bottoms_needed = (2, 3)
    tops_allowed = (1, 2)

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Read the normalization."""
        self._sigma = 1
        self._normalization = mode(self.layer_param.loss_param, caffe_pb2.LossParameter.VALID)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Check the bottoms; the first top is a scalar, the second has a value a region."""
        super().reshape(bottom, top)
        if len(top) > 1:
            spatial = (*bottom[0].shape[2:], 1, 1)
            top[1].reshape(bottom[0].shape[0], 1, *spatial[: max(2, len(spatial) - 2)])

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the loss, and the parts where they are asked for."""
        errors = self._errors(bottom)
        top[0].array[...] = errors.sum() / self._divisor(bottom)
        if len(top) > 1:
            shape = bottom[0].shape
            parts = errors.reshape(shape[0], prod(shape[1:2]), prod(shape[2:])).sum(1)
            top[1].array[...] = parts.reshape(top[1].shape)

    def _divisor(self, bottom: Sequence[Blob]) -> Any:
        shape, fixed = bottom[0].shape, self.layer_param.loss_param.pre_fixed_normalizer
        return divisor(self._normalization, shape[0], prod(shape[2:]), None, fixed)
