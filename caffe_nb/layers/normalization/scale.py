"""Scale: multiply by an array along some axes."""

from __future__ import annotations

from collections.abc import Sequence

from caffe_nb.core.blob import Array, Blob
from caffe_nb.core.fillers import fill
from caffe_nb.core.layer import Layer
from caffe_nb.core.registry import register
from caffe_nb.layers.kept import Kept
from caffe_nb.layers.normalization.along import Along, parameter_shape
from caffe_nb.ops import channels
from caffe_nb.proto import caffe_pb2


@register("Scale")
class Scale(Layer):
    """Multiply by an array along some axes of the bottom, learned or given as the second bottom; add a bias if asked.

    Bottoms: the values, and optionally the array, whose shape is that of the first bottom's axes from `axis` on. Top:
    the first bottom's shape; it may be the first bottom itself. With one bottom the array is the first parameter; the
    bias, if any, is the last parameter and has the array's shape.

    Parameters of ``scale_param``: ``axis`` (default 1, negative ones count from the end); with one bottom also
    ``num_axes`` (default 1; 0 for a scalar, -1 for all axes from `axis` on) and ``filler`` (default constant 1);
    ``bias_term`` (default false) and ``bias_filler`` (default constant 0).

    Raises
    ------
    NetError
        At setup, for a `num_axes` below -1.
    ShapeError
        When the array is not of the shape of the bottom's axes.

    Notes
    -----
    Equals Caffe's Scale layer. In place, a copy of the bottom is kept for the gradient of the array.

    Deviations
    ----------
    The diff of a scale is always added to; Caffe overwrites that of an array before which there is one
    item only, as in a batch of 1.
    """

    bottoms_needed = (1, 2)
    tops_allowed = (1, 1)
    in_place = True

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Make and fill the parameters."""
        param = self.layer_param.scale_param
        if len(bottom) == 1:
            scale = self.blobs.add_blob(*parameter_shape(bottom[0], param.axis, param.num_axes))
            fill(scale, param.filler if param.HasField("filler") else caffe_pb2.FillerParameter(value=1))
        if param.bias_term:
            axes = bottom[1].ndim if len(bottom) > 1 else param.num_axes
            fill(self.blobs.add_blob(*parameter_shape(bottom[0], param.axis, axes)), param.bias_filler)
        self.param_propagate_down = [True] * len(self.blobs)
        self.kept = Kept(self.dtype)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Check that the array fits; the top has the first bottom's shape."""
        param = self.layer_param.scale_param
        array, what = (bottom[1], "bottom[1]") if len(bottom) > 1 else (self.blobs[0], "the scale")
        self._along = Along.of(bottom[0], array.shape, param.axis, what)
        if param.bias_term:
            Along.of(bottom[0], self.blobs[-1].shape, param.axis, "the bias")
        top[0].reshape_like(bottom[0])
        self.kept.fit(bottom[0], top[0])

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the products, and add the bias."""
        array = bottom[1] if len(bottom) > 1 else self.blobs[0]
        along = self._along
        kept = self.kept.memory(bottom[0], top[0])
        x, y = along.view(bottom[0].const_array), along.view(top[0].array)
        channels.scale(x, array.const_array, self.bias, y, kept=None if kept is None else along.view(kept))

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        """Add to the parameters' diffs, and write the bottoms'."""
        array, along = bottom[1] if len(bottom) > 1 else self.blobs[0], self._along
        values, dy = along.view(self.kept.values(bottom[0], top[0])), along.view(top[0].const_diff_array)
        dx = along.view(bottom[0].diff_array) if propagate_down[0] else None
        d_factors, d_offsets = channels.scale_gradient(values, dy, array.const_array, dx)
        self.add_gradients(d_factors if len(bottom) == 1 else None, d_offsets)
        if len(bottom) > 1 and propagate_down[1]:
            array.diff_array = d_factors.reshape(array.shape)

    @property
    def bias(self) -> Array | None:
        """The bias, if there is one."""
        return self.blobs[-1].const_array if self.layer_param.scale_param.bias_term else None

    def add_gradients(self, d_factors: Array | None, d_offsets: Array) -> None:
        """Add to the parameters' diffs; None for factors that are no parameter."""
        if self.layer_param.scale_param.bias_term and self.param_propagate_down[-1]:
            bias = self.blobs[-1]
            bias.diff_array += d_offsets.reshape(bias.shape)
        if d_factors is not None and self.param_propagate_down[0]:
            self.blobs[0].diff_array += d_factors.reshape(self.blobs[0].shape)
