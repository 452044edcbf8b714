"""Reshape: the same values in another shape."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np

from caffe_nb.core.blob import Blob
from caffe_nb.core.layer import Layer
from caffe_nb.core.registry import register
from caffe_nb.errors import NetError, ShapeError


@register("Reshape")
class Reshape(Layer):
    """Give a blob another shape of the same count.

    One bottom, one top that shares the bottom's values, so that nothing is copied forward.

    Parameters of ``reshape_param``: ``shape``, the new lengths, of which 0 means the bottom's at the same place and one
    may be -1, which is found from the others; ``axis`` (default 0) and ``num_axes`` (default -1, all that follow), the
    axes that the shape stands for, the others being kept. A negative ``axis`` counts from after the last one, so -1
    appends axes, and ``num_axes: 0`` inserts them.

    Raises
    ------
    NetError
        At setup, for a shape with several -1 or lengths below -1.
    ShapeError
        At reshape, when the axes do not exist or the counts differ.

    Notes
    -----
    Equals Caffe's Reshape layer.

    Deviations
    ----------
    The gradient is copied; in Caffe bottom and top share it, also where none is asked for.
    """

    bottoms_needed = (1, 1)
    tops_allowed = (1, 1)

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Read the new shape."""
        self._lengths = [int(length) for length in self.layer_param.reshape_param.shape.dim]
        if min(self._lengths, default=0) < -1:
            raise NetError(f"reshape_param: shape must be made of lengths, 0 and at most one -1, got {self._lengths}")
        if self._lengths.count(-1) > 1:
            raise NetError(f"reshape_param: only one length of a shape can be -1, got {self._lengths}")

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Give the top its shape and the bottom's memory."""
        new = self._new_shape(bottom[0])
        if prod(new) != bottom[0].count:
            raise ShapeError(
                f"reshape_param: shape {self._lengths} makes {new} with {prod(new)} values of a bottom of shape "
                f"{bottom[0].shape} with {bottom[0].count}"
            )
        top[0].reshape(*new)
        top[0].share_data(bottom[0])

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        """Write the top's diff in the bottom's shape."""
        if propagate_down[0]:
            np.copyto(bottom[0].diff_array, top[0].const_diff_array.reshape(bottom[0].shape))

    def _new_shape(self, blob: Blob) -> tuple[int, ...]:
        shape, (first, end) = blob.shape, self._replaced(blob)
        new = list(self._lengths)
        for place, length in enumerate(new):
            if length == 0:
                if first + place >= len(shape):
                    raise ShapeError(
                        f"reshape_param: the 0 at place {place} of shape {new} stands for axis {first + place}, which "
                        f"a bottom of shape {shape} does not have"
                    )
                new[place] = shape[first + place]
        if -1 in new:
            place = new.index(-1)
            others = prod(shape[:first]) * prod(new[:place] + new[place + 1 :]) * prod(shape[end:])
            if others == 0 or blob.count % others:
                raise ShapeError(
                    f"reshape_param: nothing fits the -1 of shape {self._lengths}: the bottom of shape {shape} has "
                    f"{blob.count} values, which the other lengths, {others} together, do not divide"
                )
            new[place] = blob.count // others
        return (*shape[:first], *new, *shape[end:])

    def _replaced(self, blob: Blob) -> tuple[int, int]:
        """Return the first axis that the new shape stands for, and the first after it that is kept."""
        param = self.layer_param.reshape_param
        first = param.axis if param.axis >= 0 else blob.ndim + param.axis + 1
        end = blob.ndim if param.num_axes == -1 else first + param.num_axes
        if not 0 <= first <= blob.ndim:
            raise ShapeError(
                f"reshape_param: axis {param.axis} is not from {-blob.ndim - 1} to {blob.ndim} for a bottom of shape "
                f"{blob.shape}"
            )
        if param.num_axes < -1 or end > blob.ndim:
            raise ShapeError(
                f"reshape_param: num_axes must be -1 (all) or from 0 to {blob.ndim - first} after axis {first} of a "
                f"bottom of shape {blob.shape}, got {param.num_axes}"
            )
        return first, end
