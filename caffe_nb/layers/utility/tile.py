"""Tile: a blob several times over along an axis."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np

from caffe_nb.core.blob import Blob
from caffe_nb.core.layer import Layer
from caffe_nb.core.registry import register
from caffe_nb.errors import NetError


@register("Tile")
class Tile(Layer):
    """Repeat the bottom along an axis.

    One bottom. Top: its shape, with `tiles` times the length along the axis.

    Parameters of ``tile_param``: ``tiles`` (needed), how many copies follow one another; ``axis`` (default 1, negative
    ones count from the end).

    Raises
    ------
    NetError
        At setup, when tiles is not given or below 1.
    ShapeError
        At reshape, when the bottom has no such axis.

    Notes
    -----
    Equals Caffe's Tile layer.
    """

    bottoms_needed = (1, 1)
    tops_allowed = (1, 1)

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Read the number of copies."""
        param = self.layer_param.tile_param
        if param.tiles < 1:
            got = str(param.tiles) if param.HasField("tiles") else "none"
            raise NetError(f"tile_param: tiles, the number of copies, must be given and at least 1, got {got}")
        self._tiles = int(param.tiles)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Give the top its shape."""
        shape, axis = bottom[0].shape, bottom[0].axis(self.layer_param.tile_param.axis)
        self._outer, self._inner = prod(shape[:axis]), prod(shape[axis:])
        top[0].reshape(*shape[:axis], shape[axis] * self._tiles, *shape[axis + 1 :])

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the copies."""
        x = bottom[0].const_array.reshape(self._outer, 1, self._inner)
        np.copyto(top[0].array.reshape(self._outer, self._tiles, self._inner), x)

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        """Write the sum of the copies' diffs."""
        if propagate_down[0]:
            dy = top[0].const_diff_array.reshape(self._outer, self._tiles, self._inner)
            dy.sum(axis=1, out=bottom[0].diff_array.reshape(self._outer, self._inner))
