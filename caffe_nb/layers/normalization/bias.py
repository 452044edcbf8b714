"""Bias: add an array along some axes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from caffe_nb.core.blob import Blob
from caffe_nb.core.fillers import fill
from caffe_nb.core.layer import Layer
from caffe_nb.core.registry import register
from caffe_nb.layers.normalization.along import Along, parameter_shape


@register("Bias")
class Bias(Layer):
    """Add an array along some axes of the bottom, learned or given as the second bottom.

    Bottoms: the values, and optionally the array, whose shape is that of the first bottom's axes from `axis` on. Top:
    the first bottom's shape; it may be the first bottom itself. With one bottom the array is a parameter.

    Parameters of ``bias_param``: ``axis`` (default 1, negative ones count from the end); with one bottom also
    ``num_axes`` (default 1; 0 for a scalar, -1 for all axes from `axis` on) and ``filler`` (default constant 0).

    Raises
    ------
    NetError
        At setup, for a `num_axes` below -1.
    ShapeError
        When the array is not of the shape of the bottom's axes.

    Notes
    -----
    Equals Caffe's Bias layer.
    """

    bottoms_needed = (1, 2)
    tops_allowed = (1, 1)
    in_place = True

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Make and fill the parameter, unless the array is a bottom."""
        param = self.layer_param.bias_param
        if len(bottom) == 1:
            fill(self.blobs.add_blob(*parameter_shape(bottom[0], param.axis, param.num_axes)), param.filler)
        self.param_propagate_down = [True] * len(self.blobs)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Check that the array fits; the top has the first bottom's shape."""
        array, what = (bottom[1], "bottom[1]") if len(bottom) > 1 else (self.blobs[0], "the bias")
        self._along = Along.of(bottom[0], array.shape, self.layer_param.bias_param.axis, what)
        top[0].reshape_like(bottom[0])

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the sums."""
        array = bottom[1] if len(bottom) > 1 else self.blobs[0]
        along = self._along
        np.add(along.view(bottom[0].const_array), along.spread(array.const_array), out=along.view(top[0].array))

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        """Sum up the array's diff, and hand the top's diff down."""
        dy = top[0].const_diff_array
        if len(bottom) > 1:
            if propagate_down[1]:
                bottom[1].diff_array = self._along.total(dy, bottom[1].shape)
        elif self.param_propagate_down[0]:
            self.blobs[0].diff_array += self._along.total(dy, self.blobs[0].shape)
        if propagate_down[0] and top[0] is not bottom[0]:
            np.copyto(bottom[0].diff_array, dy)
