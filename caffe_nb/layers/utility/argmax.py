"""ArgMax: where the largest values are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from caffe_nb.core.blob import Array, Blob
from caffe_nb.core.layer import Layer
from caffe_nb.core.registry import register
from caffe_nb.errors import NetError, ShapeError


@register("ArgMax")
class ArgMax(Layer):
    """Find the `top_k` largest values, of each item or along an axis, and write their places, largest first.

    Bottom: any shape with a batch axis. Top: without ``axis``, the items' values are taken as one row each, and the top
    is (N, 1, top_k) with places, or (N, 2, top_k) with places and then values where ``out_max_val`` is set; a bottom
    with more than three axes gets a top with as many, the rest of length 1. With ``axis``, the bottom's shape with
    `top_k` along that axis, holding places, or values instead where ``out_max_val`` is set.

    Parameters of ``argmax_param``: ``out_max_val`` (default false), ``top_k`` (default 1), ``axis`` (no default,
    negative ones count from the end).

    Raises
    ------
    NetError
        At setup, for a top_k of 0; at backward, when a gradient is asked for.
    ShapeError
        At reshape, when there are fewer values than top_k, or the axis does not exist.

    Notes
    -----
    Equals Caffe's ArgMax layer: where values tie, the later place comes first.
    """

    bottoms_needed = (1, 1)
    tops_allowed = (1, 1)
    label_bottoms = (0,)

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Read the parameters."""
        param = self.layer_param.argmax_param
        self._given_axis = int(param.axis) if param.HasField("axis") else None
        self._values = bool(param.out_max_val)
        self._top_k = int(param.top_k)
        if self._top_k < 1:
            raise NetError("argmax_param: top_k must be at least 1, got 0")

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Give the top its shape."""
        shape, k = bottom[0].shape, self._top_k
        axis = self._axis = bottom[0].axis(0 if self._given_axis is None else self._given_axis)
        choices = bottom[0].count // max(1, shape[0]) if self._given_axis is None else shape[axis]
        if bottom[0].count and k > choices:
            where = "an item" if self._given_axis is None else f"axis {axis}"
            raise ShapeError(f"top_k is {k}, but {where} of a bottom of shape {shape} has {choices} values")
        if self._given_axis is None:
            top[0].reshape(shape[0], 2 if self._values else 1, k, *[1] * (len(shape) - 3))
        else:
            top[0].reshape(*shape[:axis], k, *shape[axis + 1 :])

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the places, the values, or both."""
        x = bottom[0].const_array
        if not x.size:
            return
        if self._given_axis is None:
            rows = x.reshape(len(x), -1)
            places = _largest(rows, self._top_k)
            out = top[0].array.reshape(len(x), -1, self._top_k)
            out[:, 0] = places
            if self._values:
                out[:, 1] = np.take_along_axis(rows, places, axis=1)
        else:
            last = np.moveaxis(x, self._axis, -1)
            places = _largest(last, self._top_k)
            found = np.take_along_axis(last, places, axis=-1) if self._values else places
            np.moveaxis(top[0].array, self._axis, -1)[...] = found

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        """Refuse: a place has no gradient."""
        if any(propagate_down):
            raise NetError("ArgMax has no gradient; set propagate_down: false, or train through another layer")


def _largest(values: Array, k: int) -> NDArray[np.intp]:
    """Return the places of the `k` largest values along the last axis, largest first, of equals the later first."""
    backwards, last = values[..., ::-1], values.shape[-1] - 1
    if k == 1:
        places: NDArray[np.intp] = last - backwards.argmax(axis=-1)[..., None]
        return places
    order: NDArray[np.intp] = last - np.argsort(-backwards, axis=-1, kind="stable")[..., :k]
    return order
