"""BoxAnnotatorOHEM: the regions of each image that the net gets most wrong."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np

from caffe_nb.core.blob import Blob
from caffe_nb.core.layer import Layer
from caffe_nb.core.registry import register
from caffe_nb.errors import NetError, ShapeError


@register("BoxAnnotatorOHEM")
class BoxAnnotatorOHEM(Layer):
    """Keep labels and weights of the regions of the highest losses in each image (R-FCN's hard example mining).

    Bottoms: regions ``(R, 5)`` or ``(R, 5, H, W)``, each (index of the image, x1, y1, x2, y2); a loss and a label for
    each, of R * H * W values; weights ``(R, C)`` or ``(R, C, H, W)``. Tops: the labels, `ignore_label` (-1) where the
    region is not among the `roi_per_img` of its image with the highest losses; the weights, 0 there. Of equal losses
    the first counts.

    Raises
    ------
    NetError
        At setup, without `roi_per_img`; at backward, when a gradient is asked for.
    ShapeError
        At reshape, when the bottoms do not fit.

    Notes
    -----
    Source: Shrivastava et al., "Training region-based object detectors with online hard example mining", 2016, as
    R-FCN's fork has it, which leaves open which of equal losses count.
    """

    bottoms_needed = (4, 4)
    tops_allowed = (2, 2)
    label_bottoms = (0, 1, 2, 3)

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Check the settings."""
        if self.layer_param.box_annotator_ohem_param.roi_per_img < 1:
            raise NetError("give box_annotator_ohem_param { roi_per_img: ... }, at least 1")

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Check the bottoms; the tops have the shapes of labels and weights."""
        regions = bottom[0].shape
        if len(regions) < 2 or regions[1] != 5:
            raise ShapeError(f"regions have five numbers each, (image, x1, y1, x2, y2): (R, 5); got {regions}")
        places = regions[0] * prod(regions[2:])
        for index, what in ((1, "loss"), (2, "label")):
            if bottom[index].count != places:
                raise ShapeError(
                    f"bottom[{index}] must have one {what} for each of the {places} regions; its shape is"
                    f" {bottom[index].shape}"
                )
        weights = bottom[3].shape
        if len(weights) < 2 or (weights[0], prod(weights[2:])) != (regions[0], prod(regions[2:])):
            raise ShapeError(f"bottom[3] must have weights for each region of shape {regions}; its shape is {weights}")
        top[0].reshape_like(bottom[2])
        top[1].reshape_like(bottom[3])

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Choose the regions."""
        param = self.layer_param.box_annotator_ohem_param
        images = bottom[0].const_data[:, 0].reshape(-1)
        order = np.argsort(-bottom[1].const_data.reshape(-1), kind="stable")
        chosen = np.zeros(images.shape, np.bool_)
        for image in np.unique(images):
            chosen[order[images[order] == image][: param.roi_per_img]] = True
        labels, weights = bottom[2], bottom[3]
        top[0].data[...] = np.where(chosen.reshape(labels.shape), labels.const_data, param.ignore_label)
        chosen = chosen.reshape(weights.shape[0], 1, *weights.shape[2:])
        top[1].data[...] = np.where(chosen, weights.const_data, 0)

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        """Refuse: a choice has no gradient."""
        if any(propagate_down):
            raise NetError("BoxAnnotatorOHEM has no gradient; set propagate_down: false for its bottoms")
