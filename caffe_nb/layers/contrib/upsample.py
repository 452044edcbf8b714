"""Upsample: images made larger, by a pooling's mask or by repeating pixels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from caffe_nb.core.blob import Array, Blob
from caffe_nb.core.layer import Layer
from caffe_nb.core.registry import register
from caffe_nb.errors import NetError, ShapeError
from caffe_nb.ops.gather import row_numbers


@register("Upsample")
class Upsample(Layer):
    """Put values back to where a MAX pooling took them from (SegNet), or repeat every pixel (YOLO's forks).

    With two bottoms, the values ``(N, C, H, W)`` and the mask of that shape (a MAX pooling's second top), the top is 0
    but for the pixels that the mask names, ``y * width + x`` in each image. Where the mask names a pixel twice, the
    last value stands. Its size is `upsample_h` times `upsample_w`, or `scale` (or `scale_h` and `scale_w`) times the
    bottom's; `pad_out_h` and `pad_out_w` take 1 off, for a pooling by 2 of an odd extent.

    With one bottom every pixel becomes `scale_h` times `scale_w` equal ones. `scale` is 2 by default.

    Raises
    ------
    NetError
        At setup, for settings that exclude each other; at forward, for a mask that names no pixel of the top.
    ShapeError
        At reshape, for bottoms of different shapes or without 4 axes.

    Notes
    -----
    Source: Badrinarayanan et al., "SegNet: a deep convolutional encoder-decoder architecture for image segmentation",
    2015. Each value gets the gradient of the pixel that it was put to; the mask gets 0.
    """

    bottoms_needed = (1, 2)
    tops_allowed = (1, 1)
    label_bottoms = (1,)
    inexact = "of values for the same pixel each gets its gradient, only the last one stands there"

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Check the settings."""
        param = self.layer_param.upsample_param
        sides = [param.HasField("scale_h"), param.HasField("scale_w")]
        extents = [param.HasField("upsample_h"), param.HasField("upsample_w")]
        if any(sides) and (not all(sides) or param.HasField("scale")):
            raise NetError("give either scale or both scale_h and scale_w")
        self._scale = (param.scale_h, param.scale_w) if any(sides) else (param.scale, param.scale)
        if min(self._scale) < 1:
            raise NetError(f"the scale must be at least 1, got {self._scale}")
        self._cut = (param.pad_out_h, param.pad_out_w)
        if any(cut and scale != 2 for cut, scale in zip(self._cut, self._scale, strict=True)):
            raise NetError("pad_out_h and pad_out_w are for a scale of 2; give upsample_h and upsample_w instead")
        if len(bottom) == 1 and (any(extents) or any(self._cut)):
            raise NetError(
                "with one bottom every pixel is repeated by the scale; upsample_h, upsample_w and pad_out are for two"
                " bottoms, the second one a pooling's mask"
            )
        if any(extents) and not (param.upsample_h > 0 and param.upsample_w > 0):
            raise NetError(f"give both upsample_h and upsample_w, got {param.upsample_h} and {param.upsample_w}")
        self._size = (param.upsample_h, param.upsample_w) if any(extents) else None

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Give the top its size."""
        shape = bottom[0].shape
        if len(shape) != 4 or bottom[-1].shape != shape:
            raise ShapeError(
                "the bottoms must be images (N, C, H, W) and, where there are two, a mask of that shape; got"
                f" {' and '.join(str(blob.shape) for blob in bottom)}"
            )
        pairs = zip(shape[2:], self._scale, self._cut, strict=True)
        size = self._size or tuple(length * scale - cut for length, scale, cut in pairs)
        top[0].reshape(*shape[:2], *size)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Put the values to their places, or repeat them."""
        x, y = bottom[0].const_array, top[0].array
        if len(bottom) == 1:
            self._squares(y, bottom[0])[...] = x[:, :, :, None, :, None]
            return
        y[...] = 0
        np.put_along_axis(_planes(y), self._places(bottom[1], top[0]), _planes(x), axis=-1)

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        """Write the bottoms' diffs."""
        dy = top[0].const_diff_array
        if propagate_down[0] and len(bottom) == 1:
            bottom[0].diff_array[...] = self._squares(dy, bottom[0]).sum(axis=(3, 5))
        elif propagate_down[0]:
            _planes(bottom[0].diff_array)[...] = np.take_along_axis(
                _planes(dy), self._places(bottom[1], top[0]), axis=-1
            )
        if len(bottom) > 1 and propagate_down[1]:
            bottom[1].diff_array[...] = 0

    def _places(self, mask: Blob, top: Blob) -> Array:
        """Return the mask as numbers of pixels in each image of the top."""
        height, width = top.shape[2:]
        what = f"the mask, as the number of a pixel in an image of {height} x {width} (the pooling's bottom),"
        return _planes(row_numbers(mask.const_array, height * width, what))

    def _squares(self, y: Array, bottom: Blob) -> Array:
        """Return the top with the pixels that come from one pixel along axes 3 and 5."""
        n, channels, height, width = bottom.shape
        return y.reshape(n, channels, height, self._scale[0], width, self._scale[1])


def _planes(array: Array) -> Array:
    return array.reshape(*array.shape[:2], -1) if array.size else array.reshape(*array.shape[:2], 0)
