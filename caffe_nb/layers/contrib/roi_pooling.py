"""ROIPooling: maxima over a grid of cells in each region."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from caffe_nb.core.blob import Blob
from caffe_nb.core.layer import Layer
from caffe_nb.core.registry import register
from caffe_nb.errors import NetError
from caffe_nb.layers.contrib.regions import check_regions, check_unchanged
from caffe_nb.ops import regions


@register("ROIPooling")
class ROIPooling(Layer):
    """Lay a grid over each region of interest and take the largest value of every cell (Fast R-CNN).

    Bottoms: features ``(N, C, H, W)`` and regions ``(R, 5)``, each (index of the image, x1, y1, x2, y2) in the image's
    coordinates. Top: ``(R, C, pooled_h, pooled_w)``. `spatial_scale` leads from the image's coordinates to the
    features'. Regions are rounded to whole pixels and are at least one; a cell that sees no pixel gives 0. The regions
    get no gradient.

    Raises
    ------
    NetError
        At setup, without `pooled_h` and `pooled_w`.
    ShapeError
        For bottoms of other shapes, and for a region of an image that is not in the batch.

    Notes
    -----
    Source: Girshick, "Fast R-CNN", 2015, and its fork. Of equal values the first gets the gradient.
    """

    bottoms_needed = (2, 2)
    tops_allowed = (1, 1)
    label_bottoms = (1,)

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Read the grid."""
        param = self.layer_param.roi_pooling_param
        self._grid = (param.pooled_h, param.pooled_w)
        self._scale = param.spatial_scale
        if min(self._grid) < 1:
            raise NetError(f"give roi_pooling_param {{ pooled_h pooled_w }}, at least 1; got {self._grid}")
        self._shapes: list[tuple[int, ...]] = []
        self._mask = Blob(dtype=np.int32)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Give the top a grid for each region."""
        check_regions(bottom)
        top[0].reshape(bottom[1].shape[0], bottom[0].shape[1], *self._grid)
        shapes = [blob.shape for blob in (*bottom, *top)]
        if shapes != self._shapes:
            self._shapes = shapes
            self._mask.reshape(*top[0].shape)
            self._mask.array[...] = -1

    def _cells(self, bottom: Sequence[Blob], *, checked: bool = False) -> regions.Cells:
        rois = bottom[1].const_array.reshape(-1, 5)
        return regions.cells_of(rois, bottom[0].shape, self._grid, self._scale, whole=True, checked=checked)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the maxima."""
        regions.max_cells(bottom[0].const_array, self._cells(bottom), top[0].array, self._mask.array)

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        """Add each gradient to the pixel that its value came from."""
        if propagate_down[1]:
            raise NetError("the regions of ROIPooling have no gradient; set propagate_down: false for bottom 1")
        if propagate_down[0]:
            check_unchanged(bottom, top, self._shapes)
            cells = self._cells(bottom, checked=True)
            regions.max_gradient(top[0].const_diff_array, cells, self._mask.const_array, bottom[0].diff_array)
