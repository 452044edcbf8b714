"""Crop."""

from __future__ import annotations

from collections.abc import Sequence

from caffe_nb.core.blob import Blob
from caffe_nb.core.layer import Layer
from caffe_nb.core.registry import register
from caffe_nb.errors import NetError, ShapeError


@register("Crop")
class Crop(Layer):
    """Cut a piece out of a blob, as large as another blob.

    Bottoms: the blob that is cut, and the reference, of which only the shape is read. The top has the first bottom's
    extents before `axis` and the reference's from `axis` on.

    Parameters of ``crop_param``: ``axis`` (default 2; negative ones count from the end), the first axis that is cut;
    ``offset``, where the piece begins: none (0 everywhere), one for all axes that are cut, or one for each.

    Raises
    ------
    NetError
        At setup, for a number of offsets that is neither 1 nor that of the axes which are cut.
    ShapeError
        For an axis that does not exist, a reference with too few axes, or a piece that reaches over the edge.

    Deviations
    ----------
    The reference's diff is written with zeros, its gradient; Caffe leaves it as it finds it.
    """

    bottoms_needed = (2, 2)
    tops_allowed = (1, 1)

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Check the axis and the number of offsets."""
        param = self.layer_param.crop_param
        cut = bottom[0].ndim - bottom[0].axis(param.axis)
        if len(param.offset) > 1 and len(param.offset) != cut:
            raise NetError(
                f"crop_param: there are {len(param.offset)} offsets for the {cut} axes that are cut, from axis"
                f" {param.axis} of a bottom of shape {bottom[0].shape}; give one for all or one for each"
            )

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Find the piece and give the top its shape."""
        param = self.layer_param.crop_param
        shape, wanted = bottom[0].shape, bottom[1].shape
        start = bottom[0].axis(param.axis)
        if len(wanted) < len(shape):
            raise ShapeError(f"the reference must have the axes of bottom[0], {shape}, got one of shape {wanted}")
        offsets = list(param.offset) or [0]
        if len(offsets) == 1:
            offsets *= len(shape) - start
        piece = [slice(None)] * start
        for axis, offset in enumerate(offsets, start):
            stop = offset + wanted[axis]
            if stop > shape[axis]:
                raise ShapeError(
                    f"the piece reaches over the edge of axis {axis}: offset {offset} and length {wanted[axis]} (the"
                    f" reference's) end at {stop}, but bottom[0] of shape {shape} ends at {shape[axis]}"
                )
            piece.append(slice(offset, stop))
        self._piece = tuple(piece)
        top[0].reshape(*shape[:start], *wanted[start : len(shape)])

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Copy the piece."""
        top[0].array[...] = bottom[0].const_array[self._piece]

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        """Write the top's diff where the piece was, zero elsewhere and in the reference's diff."""
        if propagate_down[0]:
            out = bottom[0].diff_array
            out[...] = 0
            out[self._piece] = top[0].const_diff_array
        if propagate_down[1]:
            bottom[1].diff_array[...] = 0
