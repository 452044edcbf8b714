"""DepthwiseConvolution."""

from __future__ import annotations

from collections.abc import Sequence

from caffe_nb.core.blob import Blob
from caffe_nb.core.registry import register
from caffe_nb.errors import NetError
from caffe_nb.layers.vision.convolution import Convolution


@register("DepthwiseConvolution")
class DepthwiseConvolution(Convolution):
    """Convolve every channel by itself: a Convolution with as many groups as channels (MobileNet's forks).

    Bottoms, tops, settings (``convolution_param``) and parameters are those of Convolution: the kernels
    ``(num_output, 1, *kernel)`` and, with `bias_term`, the bias ``(num_output,)``, so that weights of either type load
    into the other. `group` may be left out.

    Raises
    ------
    NetError
        At setup, for a `group` that is not the number of channels, and for what Convolution refuses.
    ShapeError
        As Convolution.

    Notes
    -----
    Source: Howard et al., "MobileNets: efficient convolutional neural networks for mobile vision applications", 2017.
    """

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Give every channel its group, then set up as a Convolution."""
        param = self.layer_param.convolution_param
        channels = bottom[0].shape[bottom[0].axis(param.axis)]
        if param.HasField("group") and param.group != channels:
            raise NetError(
                f"a {self.type} has a group for each channel: leave group out or make it {channels}, got {param.group};"
                ' for other groups use type: "Convolution"'
            )
        param.group = channels
        super().setup(bottom, top)
