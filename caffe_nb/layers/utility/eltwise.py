"""Eltwise: product, sum or maximum of blobs, value by value."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from caffe_nb.core.blob import Blob
from caffe_nb.core.layer import Layer
from caffe_nb.core.registry import register
from caffe_nb.errors import NetError, ShapeError
from caffe_nb.layers.kept import Follows
from caffe_nb.ops.sums import rectified_sum_gradient, weighted_sum
from caffe_nb.proto import caffe_pb2


@register("Eltwise")
class Eltwise(Layer):
    """Take the product, the weighted sum or the maximum of the bottoms, value by value.

    Bottoms: two or more of the same shape. Top: the same shape.

    Parameters of ``eltwise_param``: ``operation`` ``SUM`` (default), ``PROD`` or ``MAX``; ``coeff``, for SUM: a factor
    for each bottom (default 1 each), of which MAX takes no notice; ``stable_prod_grad`` (default true), for PROD:
    multiply the other bottoms to get a bottom's gradient, instead of dividing the top by the bottom, which is faster
    for many bottoms and fails at 0.

    Raises
    ------
    NetError
        At setup, for a number of coefficients that is not that of the bottoms, or coefficients with PROD.
    ShapeError
        At reshape, when the shapes differ.

    Notes
    -----
    Equals Caffe's Eltwise layer. For MAX the gradient goes to the bottom that was the largest; where values tie, to the
    second of the first two bottoms, otherwise to the earlier one.

    Deviations
    ----------
    In place is refused; Caffe takes it and computes wrong sums.
    """

    bottoms_needed = (2, None)
    tops_allowed = (1, 1)

    _largest = Follows()

    @property
    def is_plain_sum(self) -> bool:
        """Whether it adds, without coefficients."""
        return self._operation == caffe_pb2.EltwiseParameter.SUM and set(self._coefficients) == {1.0}

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Read the operation and the coefficients."""
        param = self.layer_param.eltwise_param
        self._operation = int(param.operation)
        self._stable = bool(param.stable_prod_grad)
        given = list(param.coeff)
        if given and self._operation == caffe_pb2.EltwiseParameter.PROD:
            raise NetError("eltwise_param: coeff is for operation SUM; a product takes none")
        if given and len(given) != len(bottom):
            raise NetError(
                f"eltwise_param: there are {len(given)} coefficients for {len(bottom)} bottoms; give one each, or none"
            )
        self._coefficients = [float(value) for value in given] or [1.0] * len(bottom)
        self._largest = np.empty(0, np.intp)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Check that the shapes are the same; the top has it too."""
        shape = bottom[0].shape
        for index, blob in enumerate(bottom[1:], 1):
            if blob.shape != shape:
                raise ShapeError(
                    f"the bottoms must have the same shape; bottom[0] is {shape}, bottom[{index}] is {blob.shape}"
                )
        top[0].reshape(*shape)
        if self._operation == caffe_pb2.EltwiseParameter.MAX and self._largest.shape != shape:
            self._largest = np.zeros(shape, np.intp)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the product, the weighted sum or the maximum."""
        xs, y = [blob.const_array for blob in bottom], top[0].array
        if self._operation == caffe_pb2.EltwiseParameter.SUM:
            weighted_sum(xs, self._coefficients, out=y)
        elif self._operation == caffe_pb2.EltwiseParameter.PROD:
            np.multiply(xs[0], xs[1], out=y)
            for x in xs[2:]:
                y *= x
        else:
            self._largest = np.where(xs[0] > xs[1], 0, 1)
            np.copyto(y, np.where(xs[0] > xs[1], xs[0], xs[1]))
            for index, x in enumerate(xs[2:], 2):
                larger = x > y
                np.copyto(y, x, where=larger)
                self._largest[larger] = index

    def compute(self, bottom: Sequence[Blob], top: Sequence[Blob], slope: float) -> None:
        """Do `forward` of a plain sum, and what a ReLU does in place behind it."""
        weighted_sum([blob.const_array for blob in bottom], self._coefficients, top[0].array, slope)

    def gradients(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob], slope: float
    ) -> None:
        """Do `backward` of a plain sum, and before it what a ReLU does in place."""
        diffs = [blob.diff_array for blob, asked in zip(bottom, propagate_down, strict=True) if asked]
        rectified_sum_gradient(top[0].const_array, top[0].diff_array, slope, diffs)

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        """Write each bottom's share of the top's diff."""
        dy = top[0].const_diff_array
        for index, blob in enumerate(bottom):
            if not propagate_down[index]:
                continue
            if self._operation == caffe_pb2.EltwiseParameter.SUM:
                weighted_sum([dy], [self._coefficients[index]], out=blob.diff_array)
            elif self._operation == caffe_pb2.EltwiseParameter.PROD:
                self._product_gradient(top[0], bottom, index)
            else:
                dx = blob.diff_array
                dx[...] = 0
                np.copyto(dx, dy, where=self._largest == index)

    def _product_gradient(self, top: Blob, bottom: Sequence[Blob], index: int) -> None:
        dx = bottom[index].diff_array
        if self._stable:
            others = [blob.const_array for blob in bottom[:index]] + [blob.const_array for blob in bottom[index + 1 :]]
            np.multiply(top.const_diff_array, others[0], out=dx)
            for x in others[1:]:
                dx *= x
        else:
            np.divide(top.const_array, bottom[index].const_array, out=dx)
            dx *= top.const_diff_array
