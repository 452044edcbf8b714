"""LRN: local response normalization."""

from __future__ import annotations

from collections.abc import Sequence

from caffe_nb.core.blob import Blob
from caffe_nb.core.layer import Layer
from caffe_nb.core.registry import register
from caffe_nb.errors import NetError, ShapeError
from caffe_nb.ops import lrn as ops
from caffe_nb.proto import caffe_pb2


@register("LRN")
class LRN(Layer):
    """Divide each value by a power of the energy around it: ``y = x * scale ^ -beta``.

    One bottom ``(N, C, H, W)``, one top of the same shape, which must be another blob. With ``norm_region:
    ACROSS_CHANNELS`` the energy is ``scale = k + alpha / local_size * sum(x²)`` over `local_size` channels around it;
    with ``WITHIN_CHANNEL`` it is ``scale = 1 + alpha / local_size² * sum(x²)`` over a square of `local_size` pixels
    around it. Channels and pixels that do not exist count as 0.

    Parameters of ``lrn_param``: ``local_size`` (default 5), odd; ``alpha`` (default 1); ``beta`` (default 0.75);
    ``norm_region`` (default ``ACROSS_CHANNELS``); ``k`` (default 1; for ACROSS_CHANNELS only). ``engine`` is read and
    has no effect.

    Raises
    ------
    NetError
        At setup, for an even `local_size`, or when the top is the bottom.
    ShapeError
        At reshape, for a bottom that has not four axes.

    Notes
    -----
    Equals Caffe's LRN layer.

    References
    ----------
    Krizhevsky, Sutskever and Hinton, "ImageNet classification with deep convolutional neural networks", 2012.
    """

    bottoms_needed = (1, 1)
    tops_allowed = (1, 1)

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Read the parameters."""
        param = self.layer_param.lrn_param
        if top[0] is bottom[0]:
            raise NetError("LRN cannot be done in place; give its top a name of its own")
        if param.local_size % 2 == 0:
            raise NetError(f"local_size must be odd, got {param.local_size}")
        self._size, self._k = int(param.local_size), float(param.k)
        self._alpha, self._beta = float(param.alpha), float(param.beta)
        self._within = param.norm_region == caffe_pb2.LRNParameter.WITHIN_CHANNEL
        self._scale = Blob(dtype=self.dtype)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Give the top, and the energies, the bottom's shape."""
        if bottom[0].ndim != 4:
            raise ShapeError(f"LRN needs a bottom of 4 axes, (N, C, H, W), got shape {bottom[0].shape}")
        top[0].reshape_like(bottom[0])
        self._scale.reshape_like(bottom[0])

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the normalized values."""
        x, y, scale = bottom[0].const_array, top[0].array, self._scale.array
        if self._within:
            ops.within_channel(x, self._size, self._alpha, self._beta, scale, out=y)
        else:
            ops.across_channels(x, self._size, self._alpha, self._beta, self._k, scale, out=y)

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        """Write the bottom's diff."""
        if not propagate_down[0]:
            return
        gradient = ops.within_channel_gradient if self._within else ops.across_channels_gradient
        x, dy = bottom[0].const_array, top[0].const_diff_array
        gradient(x, self._scale.const_array, dy, self._size, self._alpha, self._beta, out=bottom[0].diff_array)
