"""ReLU: the rectified linear unit."""

from __future__ import annotations

from collections.abc import Sequence

from caffe_nb.core.blob import Blob
from caffe_nb.core.layer import Layer
from caffe_nb.core.registry import register
from caffe_nb.ops.rectify import rectify, rectify_gradient


@register("ReLU")
class ReLU(Layer):
    """Cut off what is negative: ``y = max(0, x) + negative_slope * min(0, x)``.

    One bottom of any shape, one top of the same shape, which may be the bottom itself. The slope at exactly 0 is
    `negative_slope`.

    Parameters of ``relu_param``: ``negative_slope`` (default 0; a small positive value gives the leaky ReLU).
    ``engine`` is read and has no effect.

    Notes
    -----
    Equals Caffe's ReLU layer. In place, the gradient is found from the top's sign, which needs a slope of at least 0.

    Deviations
    ----------
    A bottom of minus infinity gives 0 for the plain ReLU, where Caffe computes 0 times infinity.

    References
    ----------
    Nair and Hinton, "Rectified linear units improve restricted Boltzmann machines", ICML 2010. Maas, Hannun and Ng,
    "Rectifier nonlinearities improve neural network acoustic models", ICML 2013 (leaky).
    """

    bottoms_needed = (1, 1)
    tops_allowed = (1, 1)
    in_place = True

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Read the slope."""
        self.slope = float(self.layer_param.relu_param.negative_slope)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Give the top the bottom's shape."""
        top[0].reshape_like(bottom[0])

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the rectified values."""
        rectify(bottom[0].const_array, self.slope, top[0].array)

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        """Write the top's diff, times the slope where the bottom is not positive."""
        if propagate_down[0]:
            rectify_gradient(bottom[0].const_array, top[0].const_diff_array, self.slope, bottom[0].diff_array)
