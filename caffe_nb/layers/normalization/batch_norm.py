"""BatchNorm: channels brought to mean 0 and variance 1."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np

from caffe_nb.core.blob import Array, Blob
from caffe_nb.core.layer import Layer, Phase
from caffe_nb.core.registry import register
from caffe_nb.errors import NetError, ShapeError
from caffe_nb.layers.kept import Follows
from caffe_nb.ops import batch_norm as ops

AXES = (0, 2)
"""Of ``(N, C, values)``: what a channel's mean is taken over."""


@register("BatchNorm")
class BatchNorm(Layer):
    """Bring each channel to mean 0 and variance 1: ``y = (x - mean) / sqrt(variance + eps)``.

    One bottom ``(N, C, ...)``, one top of the same shape, which may be the bottom itself; a bottom of one axis counts
    as one channel. In TRAIN phase mean and variance are those of the batch; in TEST phase they are the stored ones.

    Three parameters that no solver learns: the sums of the means ``(C,)`` and of the variances ``(C,)`` so far, and
    their weight ``(1,)``; the stored mean is the first over the third, the stored variance the second over the third
    (both 0 while the weight is 0). Each forward with the batch's own statistics multiplies all three by
    `moving_average_fraction` and adds the mean, the unbiased variance and 1. Follow with Scale (`bias_term: true`)
    for a learned scale and bias.

    Parameters of ``batch_norm_param``: ``use_global_stats`` (default: true in TEST phase), whether to use the stored
    statistics; ``moving_average_fraction`` (default 0.999); ``eps`` (default 1e-5). ``filler``, of Intel's fork, is for
    the scale that its kernels fuse from the Scale layer behind: constant 1 is read and changes nothing, another is
    refused.

    Raises
    ------
    NetError
        At setup, when a ``param { lr_mult }`` other than 0 is given for a statistic, or a `filler` that is not constant
        1.
    ShapeError
        At reshape, for another number of channels.

    Notes
    -----
    Equals Caffe's BatchNorm layer. With stored statistics the gradient goes through as if they were constants, which
    they are.

    Deviations
    ----------
    A bottom of one axis is taken and counts as one channel.

    References
    ----------
    Ioffe and Szegedy, "Batch normalization: accelerating deep network training by reducing internal covariate shift",
    2015.
    """

    bottoms_needed = (1, 1)
    tops_allowed = (1, 1)
    in_place = True

    _deviation = Follows()

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Make the statistics, and keep solvers away from them."""
        param = self.layer_param.batch_norm_param
        given = param.HasField("use_global_stats")
        self.stored = bool(param.use_global_stats) if given else self.phase == Phase.TEST
        if param.HasField("filler") and (param.filler.type, param.filler.value) != ("constant", 1):
            raise NetError(
                "BatchNorm has no scale that a filler could fill (Intel's fork fuses one into it);"
                " give the filler to the Scale layer behind it: scale_param { filler { ... } }"
            )
        self._fraction, self._eps = float(param.moving_average_fraction), float(param.eps)
        self._channels = _planes(bottom[0])[1]
        for length in (self._channels, self._channels, 1):
            self.blobs.add_blob(length)
        specs = self.layer_param.param
        for index in range(3):
            if index == len(specs):
                specs.add(lr_mult=0)
            elif specs[index].lr_mult != 0:
                raise NetError(
                    f"the statistics cannot be learned, but param {index + 1} has lr_mult {specs[index].lr_mult:g};"
                    " leave the param entries out, or set lr_mult: 0 in each"
                )
        self.param_propagate_down = [False] * 3
        self.normalized = Blob(dtype=self.dtype)
        self._deviation = np.ones((1, self._channels, 1), self.dtype)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Give the top the bottom's shape."""
        planes = _planes(bottom[0])
        if planes[1] != self._channels:
            raise ShapeError(
                f"the statistics are for {self._channels} channels, but the bottom {bottom[0].shape} has {planes[1]}"
            )
        top[0].reshape_like(bottom[0])
        self.normalized.reshape(*planes)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the normalized values; with the batch's own statistics, add them to the stored ones."""
        self.normalize(bottom[0], top[0])

    def normalize(self, bottom: Blob, top: Blob, tail: ops.Tail = ops.NOTHING, *, keep: bool = False) -> None:
        """Do `forward`, and what follows in place; `keep`: keep the normalized values in any case."""
        planes = self.normalized.shape
        x, y = bottom.const_array.reshape(planes), top.array.reshape(planes)
        if not y.size:
            return
        if not self.stored:
            kept = self.normalized.array
            mean, variance, self._deviation = ops.standardize(x, self._eps, y, kept, tail)
            stored = self.blobs[0].array, self.blobs[1].array, self.blobs[2].array
            ops.remember(stored, mean, variance, self._fraction, self.normalized.count // self._channels)
            return
        weight = self.blobs[2].const_array
        factor = np.where(weight == 0, 0, 1 / np.where(weight == 0, 1, weight))
        with np.errstate(invalid="ignore"):  # a stored variance may be anything; a negative one gives NaN
            self._deviation = np.sqrt(self._column(1) * factor + self._eps)
        ops.normalize(x, self._column(0) * factor, self._deviation, y, self.normalized.array if keep else None, tail)

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        """Write the bottom's diff."""
        if not propagate_down[0] or not bottom[0].count:
            return
        planes = self.normalized.shape
        dy, dx = top[0].const_diff_array.reshape(planes), bottom[0].diff_array.reshape(planes)
        if self.stored:
            np.divide(dy, self._deviation, out=dx)
        else:
            ops.standardize_gradient(self.normalized.const_array, dy, self._deviation, dx)

    def gradient(self, top: Blob, bottom: Blob, tail: ops.Tail) -> tuple[Array, Array]:
        """Do `backward`, and before it for what followed in place.

        Returns
        -------
        d_factors, d_offsets : (C,) arrays
            The gradients of the factors and offsets that followed.
        """
        planes = self.normalized.shape
        y, result, dy = self.normalized.const_array, top.const_array.reshape(planes), top.diff_array.reshape(planes)
        dx = bottom.diff_array.reshape(planes)
        return ops.standardize_gradient(y, dy, self._deviation, dx, tail, result, own=not self.stored)

    def _column(self, index: int) -> Array:
        values: Array = self.blobs[index].const_array.reshape(1, -1, 1)
        return values


def _planes(bottom: Blob) -> tuple[int, int, int]:
    """Return the shape as ``(N, C, values)``."""
    if bottom.ndim < 1:
        raise ShapeError("batch normalization needs a bottom with a batch axis, got a scalar")
    if bottom.ndim == 1:
        return (bottom.shape[0], 1, 1)
    return (bottom.shape[0], bottom.shape[1], prod(bottom.shape[2:]))
