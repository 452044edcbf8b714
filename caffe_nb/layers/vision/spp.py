"""SPP: spatial pyramid pooling."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np

from caffe_nb.core.blob import Array, Blob
from caffe_nb.core.layer import Layer
from caffe_nb.core.registry import register
from caffe_nb.errors import NetError, ShapeError
from caffe_nb.layers.vision.pool import Method, Pool
from caffe_nb.ops.window import Window


@register("SPP")
class SPP(Layer):
    """Pool images of any size to a fixed number of values, over a pyramid of grids (Caffe's SPP).

    The bottom is ``(N, C, H, W)``. Level i of the pyramid (from 0) divides the image into ``2^i x 2^i`` windows, each
    as large as the rounded-up part of the image, and pools them; the levels stand one after the other in the top,
    ``(N, C * (1 + 4 + 16 + ...))``, level 0 first. A pyramid of one level gives ``(N, C, 1, 1)``, as in Caffe.

    Parameters of ``spp_param``: ``pyramid_height`` (required), the number of levels; ``pool`` MAX (default), AVE or
    STOCHASTIC, as for Pooling. ``engine`` changes nothing here.

    Raises
    ------
    NetError
        At setup, without a pyramid height; at reshape, for a pyramid too high for the image, or STOCHASTIC on an image
        that the windows do not divide evenly (it would need padding).
    ShapeError
        At reshape, for a bottom that does not have 4 axes or is empty.

    Notes
    -----
    Half of the padding that the windows need stands before the image, rounded up.
    Source: He et al., Spatial Pyramid Pooling in Deep Convolutional Networks for Visual Recognition, 2014.
    """

    bottoms_needed = (1, 1)
    tops_allowed = (1, 1)

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Check the height of the pyramid."""
        if self.layer_param.spp_param.pyramid_height < 1:
            raise NetError("spp_param: pyramid_height, the number of levels, must be at least 1")
        self._pools: list[Pool] = []
        self._shapes: list[tuple[int, ...]] = []
        self._images: tuple[int, ...] = ()

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Find the windows of every level and give the top its shape."""
        param = self.layer_param.spp_param
        images = bottom[0].shape
        if len(images) != 4 or 0 in images[2:]:
            raise ShapeError(f"SPP needs a bottom of 4 axes, (N, C, H, W), with at least one pixel, got shape {images}")
        if images == self._images:
            return
        self._pools, self._shapes, self._images = [], [], ()
        for level in range(param.pyramid_height):
            pool = Pool(Method(param.pool), self.phase)
            window = _level_window(images[2:], 2**level)
            if any(pad >= kernel for pad, kernel in zip(window.pad, window.kernel, strict=True)):
                raise NetError(
                    f"spp_param: pyramid_height {param.pyramid_height} is too high for an image of {images[2:]}: level"
                    f" {level}, with {2**level} windows along an axis, has some that see only padding; use at most"
                    f" {level}"
                )
            pool.check(window)
            self._pools.append(pool)
            self._shapes.append(pool.reshape(images, window))
        self._images = images
        if param.pyramid_height == 1:
            top[0].reshape(*self._shapes[0])
        else:
            top[0].reshape(images[0], sum(prod(shape[1:]) for shape in self._shapes))

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Pool each level and put the results one after the other."""
        images = bottom[0].const_array
        rows = self._rows(top[0].array)
        start = 0
        for pool, shape in zip(self._pools, self._shapes, strict=True):
            pooled = self.xp.empty(shape, rows.dtype)
            pool.forward(images, pooled)
            length = prod(shape[1:])
            rows[:, start : start + length] = pooled.reshape(len(rows), length)
            start += length

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        """Write the sum of the levels' gradients."""
        if not propagate_down[0]:
            return
        out = bottom[0].diff_array
        rows = self._rows(top[0].const_diff_array)
        share = np.empty_like(out)
        start = 0
        for pool, shape in zip(self._pools, self._shapes, strict=True):
            length = prod(shape[1:])
            pool.backward(rows[:, start : start + length].reshape(shape), out if start == 0 else share)
            if start:
                out += share
            start += length

    def _rows(self, array: Array) -> Array:
        return array.reshape(self._images[0], sum(prod(shape[1:]) for shape in self._shapes))


def _level_window(image: tuple[int, ...], bins: int) -> Window:
    """Return the window that divides an image into so many parts along each axis."""
    kernel = tuple(-(-length // bins) for length in image)
    pad = tuple((k * bins - length + 1) // 2 for k, length in zip(kernel, image, strict=True))
    return Window(kernel, kernel, pad, (1, 1))
