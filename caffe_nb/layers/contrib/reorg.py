"""Reorg: squares of pixels as channels."""

from __future__ import annotations

from collections.abc import Sequence

from caffe_nb.core.blob import Array, Blob
from caffe_nb.core.layer import Layer
from caffe_nb.core.registry import register
from caffe_nb.errors import NetError, ShapeError


@register("Reorg")
class Reorg(Layer):
    """Make channels of the squares of `stride` times `stride` pixels, or back (YOLO's Reorg).

    The bottom is ``(N, C, H, W)``. The top is ``(N, C s², H / s, W / s)``; with ``reverse: true``
    ``(N, C / s², s H, s W)``.

    The order is Darknet's, for which its weights were trained: without `reverse` the memory of the bottom is read as
    an image ``(C / s², s H, s W)``, whose squares become planes. It is not the inverse of `reverse`, which moves
    channel ``(y s + x) C / s² + c`` to the pixels ``(y, x)`` of the squares of channel c.

    Raises
    ------
    NetError
        At setup, for no stride.
    ShapeError
        At reshape, when `s²` does not divide the channels or s the extents.

    Notes
    -----
    Source: Redmon and Farhadi, "YOLO9000: better, faster, stronger", 2016.
    """

    bottoms_needed = (1, 1)
    tops_allowed = (1, 1)

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Read the stride."""
        self._stride = self.layer_param.reorg_param.stride
        self._reverse = self.layer_param.reorg_param.reverse
        if self._stride < 1:
            raise NetError("give reorg_param { stride: ... }, at least 1")

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Give the top its shape."""
        shape, s = bottom[0].shape, self._stride
        fits = len(shape) == 4 and shape[1] % s**2 == 0 and (self._reverse or shape[2] % s == shape[3] % s == 0)
        if not fits:
            raise ShapeError(
                f"stride {s} needs a bottom (N, C, H, W) whose channels {s**2} divides"
                f"{'' if self._reverse else f' and whose height and width {s} divides'}, got shape {shape}"
            )
        n, channels, height, width = shape
        if self._reverse:
            top[0].reshape(n, channels // s**2, height * s, width * s)
        else:
            top[0].reshape(n, channels * s**2, height // s, width // s)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Move the values."""
        if self._reverse:
            self._squares(top[0].array, bottom[0])[...] = self._planes(bottom[0].const_array, bottom[0])
        else:
            self._planes(top[0].array, bottom[0])[...] = self._squares(bottom[0].const_array, bottom[0])

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        """Move the gradients back."""
        if not propagate_down[0]:
            return
        if self._reverse:
            self._planes(bottom[0].diff_array, bottom[0])[...] = self._squares(top[0].const_diff_array, bottom[0])
        else:
            self._squares(bottom[0].diff_array, bottom[0])[...] = self._planes(top[0].const_diff_array, bottom[0])

    def _planes(self, array: Array, bottom: Blob) -> Array:
        """Return the memory as ``(N, s, s, C / s², H, W)``: rows and columns of the squares, then planes."""
        n, channels, height, width = bottom.shape
        s = self._stride
        return array.reshape(n, s, s, channels // s**2, height, width)

    def _squares(self, array: Array, bottom: Blob) -> Array:
        """Return the memory of an image ``(C / s², s H, s W)`` with its axes in the order of `_planes`."""
        n, channels, height, width = bottom.shape
        s = self._stride
        return array.reshape(n, channels // s**2, height, s, width, s).transpose(0, 3, 5, 1, 2, 4)
