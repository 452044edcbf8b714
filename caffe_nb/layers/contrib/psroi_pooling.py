"""PSROIPooling: means over a grid of cells in each region, each cell from channels of its own."""

from __future__ import annotations

from collections.abc import Sequence

from caffe_nb.core.blob import Blob
from caffe_nb.core.layer import Layer
from caffe_nb.core.registry import register
from caffe_nb.errors import NetError, ShapeError
from caffe_nb.layers.contrib.regions import check_regions, check_unchanged
from caffe_nb.ops import regions


@register("PSROIPooling")
class PSROIPooling(Layer):
    """Lay a grid over each region and take the mean of every cell, each from a channel of its own (R-FCN).

    Bottoms: features ``(N, output_dim * group_size², H, W)`` and regions ``(R, 5)``, each (index of the image, x1, y1,
    x2, y2) in the image's coordinates. Top: ``(R, output_dim, group_size, group_size)``. Cell (i, j) of output c is
    taken from channel ``(c * group_size + i) * group_size + j``. `spatial_scale` leads from the image's coordinates to
    the features'. A cell that sees no pixel gives 0. The regions get no gradient.

    Raises
    ------
    NetError
        At setup, without `output_dim`, `group_size` and `spatial_scale`.
    ShapeError
        For bottoms of other shapes, and for a region of an image that is not in the batch.

    Notes
    -----
    Source: Dai et al., "R-FCN: Object detection via region-based fully convolutional networks", 2016, and its fork.
    """

    bottoms_needed = (2, 2)
    tops_allowed = (1, 1)
    label_bottoms = (1,)

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Read the grid."""
        param = self.layer_param.psroi_pooling_param
        self._outputs, self._group, self._scale = param.output_dim, param.group_size, param.spatial_scale
        if self._outputs < 1 or self._group < 1 or not self._scale > 0:
            raise NetError(
                "give psroi_pooling_param { output_dim group_size spatial_scale }, all above 0; got"
                f" {self._outputs}, {self._group} and {self._scale:g}"
            )

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Give the top a grid for each region."""
        check_regions(bottom)
        channels = self._outputs * self._group**2
        if bottom[0].shape[1] != channels:
            raise ShapeError(
                f"output_dim {self._outputs} and group_size {self._group} need {channels} channels, got features of"
                f" shape {bottom[0].shape}"
            )
        top[0].reshape(bottom[1].shape[0], self._outputs, self._group, self._group)
        self._shapes = [blob.shape for blob in (*bottom, *top)]

    def _cells(self, bottom: Sequence[Blob], *, checked: bool = False) -> regions.Cells:
        rois, grid = bottom[1].const_array.reshape(-1, 5), (self._group, self._group)
        return regions.cells_of(rois, bottom[0].shape, grid, self._scale, whole=False, checked=checked)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the means."""
        regions.mean_cells(bottom[0].const_array, self._cells(bottom), top[0].array)

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        """Spread each gradient over its cell."""
        if propagate_down[1]:
            raise NetError("the regions of PSROIPooling have no gradient; set propagate_down: false for bottom 1")
        if propagate_down[0]:
            check_unchanged(bottom, top, self._shapes)
            cells = self._cells(bottom, checked=True)
            regions.mean_gradient(top[0].const_diff_array, cells, bottom[0].diff_array)
