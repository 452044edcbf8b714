"""Deconvolution."""

from __future__ import annotations

from collections.abc import Sequence

from caffe_nb.core.blob import Blob
from caffe_nb.core.registry import register
from caffe_nb.errors import ShapeError
from caffe_nb.layers.vision.convolution import Convolution
from caffe_nb.layers.vision.windows import check_columns
from caffe_nb.ops import convolution


@register("Deconvolution")
class Deconvolution(Convolution):
    """Spread every pixel over a window by learned kernels and add a learned bias: a convolution run backwards.

    It is the adjoint of Convolution (a "transposed" or "fractionally strided" convolution), used to upsample. Bottoms
    are ``(N, C, *spatial)`` with any number of spatial axes, all of one shape; each gives a top
    ``(N, num_output, *output)``. Parameters are the kernels ``(C, num_output / group, *kernel)`` and, with
    `bias_term`, the bias ``(num_output,)``.

    Settings are those of Convolution, in ``convolution_param``. The output extent is
    ``stride (length - 1) + dilation (kernel - 1) + 1 - 2 pad``. With the ``bilinear`` filler, ``group`` and
    ``num_output`` equal to C, and no bias it interpolates.

    Raises
    ------
    NetError
        At setup, for settings that Convolution refuses too.
    ShapeError
        At reshape, for a bottom whose channels or axes the kernels are not for, or when padding takes the whole output.

    Notes
    -----
    Source: Zeiler et al., Deconvolutional Networks, 2010; Long et al., Fully
    Convolutional Networks for Semantic Segmentation, 2015.
    """

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Compute the tops."""
        weight = self.blobs[0].const_array
        for source, target in zip(bottom, top, strict=True):
            out = self._images(target.array)
            convolution.input_gradient(self._images(source.const_array), weight, self._window, self._groups, out)
            if len(self.blobs) > 1:
                out += self.blobs[1].const_array.reshape(-1, *(1,) * (out.ndim - 2))

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        """Add to the parameters' diffs and write the bottoms'."""
        weight = self.blobs[0].const_array
        for index, (source, target) in enumerate(zip(bottom, top, strict=True)):
            self._add_bias_gradient(target)
            gradient = self._images(target.const_diff_array)
            if self.param_propagate_down[0]:
                images = self._images(source.const_array)
                convolution.add_weight_gradient(gradient, images, self._window, self._groups, self.blobs[0].diff_array)
            if propagate_down[index]:
                out = self._images(source.diff_array)
                convolution.convolve(gradient, weight, None, self._window, self._groups, out)

    def _kernels(self) -> tuple[int, int]:
        return self._channels, self.layer_param.convolution_param.num_output // self._groups

    def _output(self, spatial: tuple[int, ...]) -> tuple[int, ...]:
        window = self._window
        axes = zip(spatial, window.kernel, window.stride, window.pad, window.dilation, strict=True)
        output = tuple(s * (n - 1) + d * (k - 1) + 1 - 2 * p for n, k, s, p, d in axes)
        if any(length < 1 for length in output):
            raise ShapeError(
                f"nothing is left of the output: an image of {spatial} with the kernel {window.kernel}, stride"
                f" {window.stride} and dilation {window.dilation} gives {output} after a pad of {window.pad} is taken"
                " off each side; use a smaller pad"
            )
        check_columns(window, self.layer_param.convolution_param.num_output, spatial)
        return output
