"""Interp: bilinear resizing, corners on corners."""

from __future__ import annotations

from collections.abc import Sequence

from caffe_nb.core.blob import Array, Blob
from caffe_nb.core.layer import Layer
from caffe_nb.core.registry import register
from caffe_nb.errors import NetError, ShapeError
from caffe_nb.ops.interpolation import interpolate, interpolation_gradient


@register("Interp")
class Interp(Layer):
    """Resize images bilinearly, the centres of the corner pixels onto each other (DeepLab's and PSPNet's Interp).

    The bottom is ``(N, C, H, W)``; `pad_beg` and `pad_end`, 0 or negative, cut rows and columns off first. The size of
    the top is `height` times `width`, or that of a second bottom, or follows from `shrink_factor`,
    ``(H - 1) / shrink + 1``, and then `zoom_factor`, ``H + (H - 1) (zoom - 1)``.

    Raises
    ------
    NetError
        At setup, for settings that exclude each other.
    ShapeError
        At reshape, when nothing is left.

    Notes
    -----
    Source: the forks of Chen et al. (DeepLab, 2014) and Zhao et al. (PSPNet, 2017). The second bottom gets no
    gradient: it gives its size.
    """

    bottoms_needed = (1, 2)
    tops_allowed = (1, 1)
    label_bottoms = (1,)

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Check the settings."""
        param = self.layer_param.interp_param
        sized = bool(param.height or param.width)
        scaled = param.HasField("zoom_factor") or param.HasField("shrink_factor")
        if sized and not (param.height > 0 and param.width > 0):
            raise NetError(f"give both height and width, at least 1; got {param.height} and {param.width}")
        if sized + scaled + (len(bottom) > 1) > 1:
            raise NetError("give the size once: as height and width, as zoom_factor and shrink_factor, or as a bottom")
        if not (sized or scaled or len(bottom) > 1):
            raise NetError(
                "give interp_param { height width }, { zoom_factor } or { shrink_factor }, or a second bottom"
            )
        if param.zoom_factor < 1 or param.shrink_factor < 1:
            raise NetError("zoom_factor and shrink_factor are at least 1")
        if param.pad_beg > 0 or param.pad_end > 0:
            raise NetError("pad_beg and pad_end cut off: 0 or negative")
        self._cut = (-param.pad_beg, -param.pad_end)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Give the top its size."""
        if bottom[0].ndim != 4 or bottom[-1].ndim != 4:
            raise ShapeError(f"bottoms must be (N, C, H, W), got {' and '.join(str(b.shape) for b in bottom)}")
        lengths = [length - sum(self._cut) for length in bottom[0].shape[2:]]
        if min(lengths) < 1:
            raise ShapeError(
                f"nothing is left of a bottom of shape {bottom[0].shape} when {sum(self._cut)} are cut off"
            )
        sizes = [self._size(length, axis, bottom) for axis, length in enumerate(lengths)]
        top[0].reshape(*bottom[0].shape[:2], *sizes)

    def _size(self, length: int, axis: int, bottom: Sequence[Blob]) -> int:
        param = self.layer_param.interp_param
        if len(bottom) > 1:
            return bottom[1].shape[2 + axis]
        if param.height:
            return (param.height, param.width)[axis]
        shrunk = (length - 1) // param.shrink_factor + 1
        return shrunk + (shrunk - 1) * (param.zoom_factor - 1)

    def _inside(self, array: Array) -> Array:
        begin, end = self._cut
        return array[:, :, begin : array.shape[2] - end, begin : array.shape[3] - end]

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Interpolate along rows and columns."""
        interpolate(self._inside(bottom[0].const_array), top[0].array)

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        """Give each gradient to the four pixels that it came from, by their weights."""
        if propagate_down[0]:
            gradient = bottom[0].diff_array
            gradient[...] = 0
            interpolation_gradient(top[0].const_diff_array, self._inside(gradient))
