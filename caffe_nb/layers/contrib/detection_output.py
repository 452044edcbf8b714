"""DetectionOutput: boxes, scores and classes from predictions and prior boxes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from caffe_nb.core.blob import Array, Blob
from caffe_nb.core.layer import Layer
from caffe_nb.core.registry import register
from caffe_nb.errors import NetError, ShapeError
from caffe_nb.ops import boxes


@register("DetectionOutput")
class DetectionOutput(Layer):
    """Decode predicted boxes, drop those that overlap better ones, and list what is left (SSD).

    Bottoms: locations ``(N, P * 4)`` (with ``share_location: false`` ``(N, P * num_classes * 4)``), confidences
    ``(N, P * num_classes)`` and the prior boxes ``(1, 2, P * 4)`` with their variances. Top: ``(1, 1, K, 7)``, a row a
    detection: index of the image, class, score, and the corners x1, y1, x2, y2, by image, then class, then score. An
    image with nothing found gives no row; if all are so, each has one, its index and six times -1.

    `code_type` CORNER, CENTER_SIZE or CORNER_SIZE says what the locations mean; with `variance_encoded_in_target` they
    are not multiplied with the variances. `background_label_id` (0) is no class (-1: all are). Boxes count whose score
    is above `confidence_threshold`; `nms_param` (nms_threshold 0.3, top_k, eta) drops overlapping ones of a class;
    `keep_top_k` is how many an image keeps of all classes (-1: all).

    Raises
    ------
    NetError
        At setup, for settings that are missing; and for files to write (`save_output_param`, `visualize`), which is
        not there.
    ShapeError
        At reshape, when the bottoms do not fit.

    Notes
    -----
    Source: Liu et al., "SSD: Single shot multibox detector", 2016, and its fork. A score that is no number counts for
    nothing. There is no gradient.
    """

    bottoms_needed = (3, 3)
    tops_allowed = (1, 1)
    label_bottoms = (0, 1, 2)

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Check the settings."""
        param = self.layer_param.detection_output_param
        if param.num_classes < 1:
            raise NetError("give detection_output_param { num_classes: ... }, at least 1")
        if param.visualize or param.save_file or param.save_output_param.output_directory:
            raise NetError(
                "DetectionOutput writes no files here: leave out save_output_param, save_file and visualize, and take "
                "the rows from its top"
            )
        nms = param.nms_param
        if not (nms.nms_threshold >= 0 and 0 < nms.eta <= 1):
            raise NetError(f"nms_threshold is 0 or more, eta above 0 and up to 1; got {nms.nms_threshold}, {nms.eta}")
        self._classes = param.num_classes
        self._locations = 1 if param.share_location else param.num_classes

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Check the bottoms; how many rows there are shows in forward."""
        items, priors = bottom[0].shape[0] if bottom[0].ndim else 0, bottom[2].count // 8
        wanted = {0: items * priors * 4 * self._locations, 1: items * priors * self._classes, 2: priors * 8}
        for index, count in wanted.items():
            if bottom[index].count != count:
                raise ShapeError(
                    f"{priors} priors, {items} images and {self._classes} classes need {count} values of bottom"
                    f" {index}, whose shape is {bottom[index].shape}"
                )
        top[0].reshape(1, 1, max(1, items), 7)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write the rows."""
        param = self.layer_param.detection_output_param
        items = bottom[0].shape[0]
        priors, variances = bottom[2].const_data.reshape(2, -1, 4)
        if param.variance_encoded_in_target:
            variances = np.ones_like(priors)
        places = bottom[0].const_data.reshape(items, len(priors), self._locations, 4).swapaxes(1, 2)
        found = boxes.decode(int(param.code_type), priors, variances, places)
        scores = bottom[1].const_data.reshape(items, len(priors), self._classes).swapaxes(1, 2)
        rows = [row for item in range(items) for row in self._detect(item, found[item], scores[item])]
        if not rows:
            rows = [np.array([item, *[-1] * 6], self.dtype) for item in range(max(1, items))]
        top[0].reshape(1, 1, len(rows), 7)
        top[0].data[0, 0] = rows

    def _detect(self, item: int, found: Array, scores: Array) -> list[Array]:
        """Return the rows of one image."""
        param, nms = self.layer_param.detection_output_param, self.layer_param.detection_output_param.nms_param
        top_k = nms.top_k if nms.HasField("top_k") else -1
        least = param.confidence_threshold if param.HasField("confidence_threshold") else -np.inf
        rows: list[Array] = []
        for label in range(self._classes):
            if label == param.background_label_id:
                continue
            candidates = found[label if self._locations > 1 else 0]
            stay = boxes.suppress(candidates, scores[label], least, nms.nms_threshold, top_k, nms.eta)
            rows += [np.array([item, label, scores[label, i], *candidates[i]], self.dtype) for i in stay]
        if -1 < param.keep_top_k < len(rows):
            best = np.argsort([-row[2] for row in rows], kind="stable")[: param.keep_top_k]
            rows = [rows[index] for index in sorted(best)]
        return rows

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        """Refuse: a list has no gradient."""
        if any(propagate_down):
            raise NetError("DetectionOutput has no gradient; use it in the TEST phase")
