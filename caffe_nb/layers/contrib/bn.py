"""BN: batch normalization with its own scale and shift, as two forks have it."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np

from caffe_nb.core.blob import Array, Blob
from caffe_nb.core.fillers import fill
from caffe_nb.core.layer import Layer, Phase
from caffe_nb.core.registry import register
from caffe_nb.errors import NetError, ShapeError
from caffe_nb.layers.kept import Follows
from caffe_nb.ops import normalize
from caffe_nb.proto import caffe_pb2

AXES = (0, 2)
"""Of ``(N, C, values)``: what a channel's mean is taken over."""
SEGNET = ("scale_filler", "shift_filler", "bn_mode")
PSPNET = ("slope_filler", "bias_filler", "momentum", "frozen")
SEGNET_EPS = 1e-9


@register("BN")
class BN(Layer):
    """Compute ``slope * (x - mean) / sqrt(variance + eps) + bias`` for each channel (PSPNet's and SegNet's BN).

    The bottom is ``(N, C, ...)``, the top has its shape and may be the bottom itself. Two forks have a type of this
    name; ``bn_param`` says which is meant.

    PSPNet's (also of temporal segment networks) is taken unless a setting of SegNet's is there. Four parameters
    ``(1, C, 1, 1)``: slope, bias, and the stored mean and variance, which no solver learns. In TRAIN phase mean and
    variance are the batch's, and the stored ones become ``momentum * stored + (1 - momentum) * batch``; in TEST phase,
    and with ``frozen: true``, which stops all learning, they are the stored ones. ``slope_filler`` (default constant
    1), ``bias_filler`` (default 0), ``momentum`` (default 0.9), ``eps`` (default 1e-5).

    SegNet's has ``scale_filler`` (default constant 1), ``shift_filler`` (default 0) or ``bn_mode``. Two parameters
    ``(1, C, 1, 1)``: scale and shift. ``bn_mode: LEARN`` (default) takes the batch's mean and variance in both phases,
    and writes them into a second and a third top ``(1, C, 1, 1)`` where there are some; ``INFERENCE`` computes
    ``scale * x + shift``, for parameters into which the statistics were multiplied. ``eps`` is 1e-9 by default.

    Raises
    ------
    NetError
        At setup, for settings of both forks, or tops for statistics that are not computed.
    ShapeError
        For another number of channels.

    Notes
    -----
    Sources: Ioffe and Szegedy, "Batch normalization", 2015; the forks of Wang et al. (Temporal segment networks, 2016)
    and Kendall et al. (SegNet, 2015). The stored variance is the mean of the squares, as the fork's CPU code has it.

    Deviations
    ----------
    Without a filler the slope is 1, where the forks have 0. With stored statistics the gradient is that of constants,
    in TEST phase too.
    """

    bottoms_needed = (1, 1)
    tops_allowed = (1, 3)
    in_place = True
    inexact = "no gradient comes from the tops of the statistics"

    _deviation = Follows()

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Tell the forks apart, make and fill the parameters."""
        param = self.layer_param.bn_param
        segnet = [name for name in SEGNET if param.HasField(name)]
        other = [name for name in PSPNET if param.HasField(name)]
        if segnet and other:
            raise NetError(
                f"bn_param has settings of two forks: {', '.join(segnet)} of SegNet's BN, {', '.join(other)} of"
                " PSPNet's; keep those of the fork that the net is for"
            )
        self._segnet = bool(segnet)
        self._linear = self._segnet and param.bn_mode == param.INFERENCE
        self._stored = not self._segnet and (param.frozen or self.phase == Phase.TEST)
        if len(top) > 1 and (not self._segnet or self._linear):
            raise NetError(
                "a second and a third top are for the batch's statistics, which only SegNet's BN with bn_mode: LEARN"
                " gives; leave them out"
            )
        self._eps = SEGNET_EPS if self._segnet and not param.HasField("eps") else float(param.eps)
        self._channels = _planes(bottom[0])[1]
        self._make_parameters(param)
        self._normalized = Blob(dtype=self.dtype)
        self._deviation = np.ones((1, self._channels, 1), self.dtype)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Give the top the bottom's shape."""
        planes = _planes(bottom[0])
        if planes[1] != self._channels:
            raise ShapeError(
                f"the parameters are for {self._channels} channels, but the bottom {bottom[0].shape} has {planes[1]}"
            )
        top[0].reshape_like(bottom[0])
        for blob in top[1:]:
            blob.reshape(1, self._channels, 1, 1)
        self._normalized.reshape(*planes)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the normalized, scaled and shifted values; take up the batch's statistics."""
        planes = self._normalized.shape
        x, y = bottom[0].const_array.reshape(planes), top[0].array.reshape(planes)
        if self._linear:
            np.copyto(y, x)
        elif self._stored:
            np.subtract(x, self._column(2), out=y)
            self._divide(y, self._column(3))
        elif y.size:
            mean = normalize.center(x, AXES, out=y)
            variance = normalize.variance(y, AXES, scratch=self._normalized.array)
            self._remember(mean, variance, top)
            self._divide(y, variance)
        np.copyto(self._normalized.array, y)
        y *= self._column(0)
        y += self._column(1)

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        """Add to the diffs of slope and bias, and write the bottom's."""
        planes = self._normalized.shape
        dy = top[0].const_diff_array.reshape(planes)
        if self.param_propagate_down[0]:
            self.blobs[0].diff_array += (dy * self._normalized.const_array).sum(axis=AXES).reshape(1, -1, 1, 1)
        if self.param_propagate_down[1]:
            self.blobs[1].diff_array += dy.sum(axis=AXES).reshape(1, -1, 1, 1)
        if not propagate_down[0] or not bottom[0].count:
            return
        dx = bottom[0].diff_array.reshape(planes)
        np.multiply(dy, self._column(0), out=dx)
        if self._stored:
            dx /= self._deviation
        elif not self._linear:
            normalize.standardized_gradient(self._normalized.const_array, dx, self._deviation, AXES, out=dx)

    def _make_parameters(self, param: caffe_pb2.BNParameter) -> None:
        names = ("scale_filler", "shift_filler") if self._segnet else ("slope_filler", "bias_filler")
        for name, default in zip(names, (1, 0), strict=True):
            given = param.HasField(name)
            filler = getattr(param, name) if given else caffe_pb2.FillerParameter(value=default)
            fill(self.blobs.add_blob(1, self._channels, 1, 1), filler)
        self.param_propagate_down = [not param.frozen] * 2
        if self._segnet:
            return
        for _ in range(2):
            self.blobs.add_blob(1, self._channels, 1, 1)
        self.param_propagate_down += [False] * 2
        specs = self.layer_param.param
        while len(specs) < 4:
            specs.add()
        for spec in specs[0 if param.frozen else 2 :]:  # whatever the text says, as the fork
            spec.lr_mult = spec.decay_mult = 0

    def _column(self, index: int) -> Array:
        values: Array = self.blobs[index].const_array.reshape(1, -1, 1)
        return values

    def _divide(self, y: Array, variance: Array) -> None:
        with np.errstate(invalid="ignore"):  # a stored variance may be anything; a negative one gives NaN
            self._deviation = np.sqrt(variance + self._eps)
        y /= self._deviation

    def _remember(self, mean: Array, variance: Array, top: Sequence[Blob]) -> None:
        """Add the batch's statistics to the stored ones, or write them into the tops that are for them."""
        for blob, value in zip(top[1:], (mean, variance), strict=False):
            blob.array[...] = value.reshape(1, -1, 1, 1)
        momentum = self.layer_param.bn_param.momentum
        for blob, value in zip(self.blobs[2:], (mean, variance), strict=False):
            stored = blob.array
            stored *= momentum
            stored += (1 - momentum) * value.reshape(1, -1, 1, 1)


def _planes(bottom: Blob) -> tuple[int, int, int]:
    """Return the shape as ``(N, C, values)``."""
    if bottom.ndim < 2:
        raise ShapeError(f"BN needs a bottom (N, C, ...), got shape {bottom.shape}")
    return (bottom.shape[0], bottom.shape[1], prod(bottom.shape[2:]))
