"""InnerProduct."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from numpy.typing import NDArray

from caffe_nb.core.blob import Blob
from caffe_nb.core.fillers import fill
from caffe_nb.core.layer import Layer
from caffe_nb.core.registry import register
from caffe_nb.errors import NetError, ShapeError
from caffe_nb.ops.gemm import add_gemm, gemm

Array = NDArray[Any]


@register("InnerProduct")
class InnerProduct(Layer):
    """Multiply flattened inputs by a learned matrix and add a learned bias.

    The bottom's axes from `axis` on are flattened to K inputs, those before it are kept: the top is
    ``(*kept, num_output)``. Parameters: the matrix ``(num_output, K)``, or ``(K, num_output)`` with `transpose`, and,
    with `bias_term`, the bias ``(num_output,)``.

    Parameters of ``inner_product_param``: ``num_output`` (needed), ``axis`` (default 1, negative ones count from the
    end), ``transpose`` (default false), ``bias_term`` (default true), ``weight_filler`` and ``bias_filler`` (default
    constant 0).

    Raises
    ------
    NetError
        At setup, without `num_output`, or when the top is the bottom.
    ShapeError
        When the bottom has no such axis, or, at a later reshape, another number of inputs.

    Notes
    -----
    Equals Caffe's InnerProduct layer.

    Deviations
    ----------
    In place is refused, where Caffe computes garbage.
    """

    bottoms_needed = (1, 1)
    tops_allowed = (1, 1)

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Make and fill the parameters."""
        param = self.layer_param.inner_product_param
        if top[0] is bottom[0]:
            raise NetError("an inner product cannot be done in place; give its top a name of its own")
        if param.num_output < 1:
            raise NetError(f"num_output must be at least 1, got {param.num_output}")
        self._axis = bottom[0].axis(param.axis)
        self._inputs = prod(bottom[0].shape[self._axis :])
        shape = (param.num_output, self._inputs)
        fill(self.blobs.add_blob(*(shape[::-1] if param.transpose else shape)), param.weight_filler)
        if param.bias_term:
            fill(self.blobs.add_blob(param.num_output), param.bias_filler)
        self.param_propagate_down = [True] * len(self.blobs)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Give the top its shape."""
        shape = bottom[0].shape
        inputs = prod(shape[self._axis :])
        if len(shape) < self._axis or inputs != self._inputs:
            raise ShapeError(
                f"the weights are for {self._inputs} inputs, but a bottom of shape {shape} has {inputs} from axis"
                f" {self._axis} on"
            )
        top[0].reshape(*shape[: self._axis], self.layer_param.inner_product_param.num_output)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Compute the top."""
        out = self._rows(top[0].array)
        gemm(self._rows(bottom[0].const_array), self._matrix(self.blobs[0].const_array).T, out=out)
        if len(self.blobs) > 1:
            out += self.blobs[1].const_array

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        """Add to the parameters' diffs and write the bottom's."""
        gradient = self._rows(top[0].const_diff_array)
        if self.param_propagate_down[0]:
            add_gemm(gradient.T, self._rows(bottom[0].const_array), self._matrix(self.blobs[0].diff_array))
        if len(self.blobs) > 1 and self.param_propagate_down[1]:
            self.blobs[1].diff_array += gradient.sum(axis=0)
        if propagate_down[0]:
            gemm(gradient, self._matrix(self.blobs[0].const_array), out=self._rows(bottom[0].diff_array))

    def _matrix(self, weight: Array) -> Array:
        """Return the weights as ``(num_output, K)``, a view."""
        return weight.T if self.layer_param.inner_product_param.transpose else weight

    def _rows(self, array: Array) -> Array:
        """Return the array as one row for each item before `axis`, a view."""
        return array.reshape(prod(array.shape[: self._axis]), prod(array.shape[self._axis :]))
