"""SmoothL1Loss: quadratic near 0, linear beyond."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from caffe_nb.core.blob import Array, Blob
from caffe_nb.core.layer import Layer
from caffe_nb.core.registry import register
from caffe_nb.errors import NetError, ShapeError
from caffe_nb.layers.loss.normalization import loss_weight
from caffe_nb.layers.loss.shapes import same_first_axis
from caffe_nb.ops.smooth_l1 import smooth_l1, smooth_l1_slope


@register("SmoothL1Loss")
class SmoothL1Loss(Layer):
    """Compute the sum of ``w_out * f(w_in * (a - b)) / N``, for regression that outliers do not rule (Fast R-CNN).

    ``f(d)`` is ``(sigma d)² / 2`` where ``|d| < 1 / sigma²``, and ``|d| - 1 / (2 sigma²)`` beyond. Bottoms: predictions
    and targets, and optionally the weights ``w_in`` and ``w_out``, all of one batch and one count; N is the length of
    the first axis. Top: the loss, a scalar (0-d), weighted by 1 unless ``loss_weight`` says otherwise. Predictions and
    targets get a gradient.

    Parameters: ``smooth_l1_loss_param { sigma }`` (default 1).

    Raises
    ------
    NetError
        At setup, when sigma is not above 0; at backward, when a gradient for the weights is asked for.
    ShapeError
        At reshape, when the bottoms differ in batch or count.

    Notes
    -----
    Source: Girshick, "Fast R-CNN", 2015, and its fork.

    Deviations
    ----------
    A third bottom alone is taken, as SSD's fork does; py-faster-rcnn wants a fourth then.
    """

    bottoms_needed = (2, 4)
    tops_allowed = (1, 1)
    auto_tops = True
    default_loss_weight = 1.0
    label_bottoms = (2, 3)

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Read sigma."""
        self._sigma = self.layer_param.smooth_l1_loss_param.sigma
        if not self._sigma > 0:
            raise NetError(f"sigma must be above 0, got {self._sigma:g}")

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Check that the bottoms fit; the top is a scalar."""
        same_first_axis(bottom)
        if any(blob.count != bottom[0].count for blob in bottom):
            raise ShapeError(f"all bottoms need the same count, got {', '.join(str(blob.shape) for blob in bottom)}")
        top[0].reshape()

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the loss."""
        top[0].array[...] = self._errors(bottom).sum() / self._divisor(bottom)

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        """Write the weighted slope over N, with a minus for the targets."""
        if any(propagate_down[2:]):
            raise NetError("the weights (bottom[2] and on) have no gradient; set propagate_down: false for them")
        if not any(propagate_down[:2]):
            return
        slope = smooth_l1_slope(self._difference(bottom), self._sigma)
        for weights in bottom[2:]:
            slope *= weights.const_array.reshape(-1)
        slope *= loss_weight(top[0]) / self._divisor(bottom)
        for index, sign in enumerate((1, -1)):
            if propagate_down[index]:
                bottom[index].diff_array[...] = sign * slope.reshape(bottom[index].shape)

    def _divisor(self, bottom: Sequence[Blob]) -> Any:
        return max(1, bottom[0].shape[0])

    def _difference(self, bottom: Sequence[Blob]) -> Array:
        """Return what is under the function: predictions less targets, weighted."""
        difference: Array = bottom[0].const_array.reshape(-1) - bottom[1].const_array.reshape(-1)
        if len(bottom) > 2:
            difference *= bottom[2].const_array.reshape(-1)
        return difference

    def _errors(self, bottom: Sequence[Blob]) -> Array:
        """Return every value's part of the loss, flat."""
        errors = smooth_l1(self._difference(bottom), self._sigma)
        if len(bottom) > 3:
            errors *= bottom[3].const_array.reshape(-1)
        return errors
