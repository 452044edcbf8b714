"""ShuffleChannel: channels dealt out in turn from groups."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from caffe_nb.core.blob import Array, Blob
from caffe_nb.core.layer import Layer
from caffe_nb.core.registry import register
from caffe_nb.errors import NetError, ShapeError


@register("ShuffleChannel")
class ShuffleChannel(Layer):
    """Deal the channels out in turn: the first of each group, the second of each, and so on (ShuffleNet).

    The bottom is ``(N, C, ...)``, the top has its shape. ``shuffle_channel_param { group }`` is the number of groups,
    which divides C.

    Raises
    ------
    NetError
        At setup, for no group.
    ShapeError
        At reshape, when the groups do not divide the channels.

    Notes
    -----
    Source: Zhang et al., "ShuffleNet: An extremely efficient convolutional neural network for mobile devices", 2017.
    """

    bottoms_needed = (1, 1)
    tops_allowed = (1, 1)

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Read the groups."""
        self._groups = self.layer_param.shuffle_channel_param.group
        if self._groups < 1:
            raise NetError("give shuffle_channel_param { group: ... }, the number of groups, at least 1")

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Check the channels."""
        if bottom[0].ndim < 2 or bottom[0].shape[1] % self._groups:
            raise ShapeError(
                f"group ({self._groups}) must divide the channels on axis 1 of a bottom of shape {bottom[0].shape}"
            )
        top[0].reshape_like(bottom[0])

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Shuffle."""
        _deal(bottom[0].const_array, self._groups, top[0].array)

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        """Shuffle back: as many groups as a group had channels."""
        if propagate_down[0]:
            _deal(top[0].const_diff_array, max(1, top[0].shape[1] // self._groups), bottom[0].diff_array)


def _deal(x: Array, groups: int, out: Array) -> None:
    n, channels = x.shape[:2]
    grouped = x.reshape(n, groups, channels // groups, int(np.prod(x.shape[2:])))
    out[...] = grouped.swapaxes(1, 2).reshape(x.shape)
