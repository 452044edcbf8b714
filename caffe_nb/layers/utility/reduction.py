"""Reduction: many values to one."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np

from caffe_nb.core.blob import Array, Blob
from caffe_nb.core.layer import Layer
from caffe_nb.core.registry import register
from caffe_nb.proto import caffe_pb2

_MODES = caffe_pb2.ReductionParameter


@register("Reduction")
class Reduction(Layer):
    """Take the sum, the sum of absolute values or squares, or the mean, over an axis and all that follow it.

    One bottom. Top: the bottom's axes before ``axis``; a scalar (0-d) for axis 0.

    Parameters of ``reduction_param``: ``operation`` ``SUM`` (default), ``ASUM``, ``SUMSQ`` or ``MEAN``; ``axis``
    (default 0, negative ones count from the end); ``coeff`` (default 1), a factor of the result.

    Raises
    ------
    ShapeError
        At reshape, when the bottom has no such axis.

    Notes
    -----
    Equals Caffe's Reduction layer: only the last axes can be taken together, and the slope of ``|x|`` at 0 is 0.
    """

    bottoms_needed = (1, 1)
    tops_allowed = (1, 1)

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Read the operation."""
        self._operation = int(self.layer_param.reduction_param.operation)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Give the top the axes that stay."""
        param = self.layer_param.reduction_param
        shape, axis = bottom[0].shape, bottom[0].axis(param.axis)
        self._folded = prod(shape[:axis]), prod(shape[axis:])
        self._factor = float(param.coeff)
        if self._operation == _MODES.MEAN:
            self._factor /= max(1, self._folded[1])
        top[0].reshape(*shape[:axis])

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the sums or means."""
        x = bottom[0].const_array.reshape(self._folded)
        y = top[0].array.reshape(-1)
        terms: Array = x
        if self._operation == _MODES.ASUM:
            terms = np.abs(x)
        elif self._operation == _MODES.SUMSQ:
            terms = np.square(x)
        terms.sum(axis=1, out=y)
        if self._factor != 1:
            y *= self._factor

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        """Write the top's diff times each value's slope."""
        if not propagate_down[0]:
            return
        x, dx = bottom[0].const_array.reshape(self._folded), bottom[0].diff_array.reshape(self._folded)
        dy = top[0].const_diff_array.reshape(-1, 1) * self.dtype.type(self._factor)
        if self._operation == _MODES.ASUM:
            np.sign(x, out=dx)
            dx *= dy
        elif self._operation == _MODES.SUMSQ:
            np.multiply(x, 2 * dy, out=dx)
        else:
            dx[...] = dy
