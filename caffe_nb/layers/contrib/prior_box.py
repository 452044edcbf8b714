"""PriorBox: boxes of given sizes around every cell of a map."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from caffe_nb.core.blob import Blob
from caffe_nb.core.layer import Layer
from caffe_nb.core.registry import register
from caffe_nb.errors import NetError, ShapeError
from caffe_nb.proto import caffe_pb2


@register("PriorBox")
class PriorBox(Layer):
    """Write boxes of given sizes and aspect ratios around the centre of every cell of a feature map (SSD).

    Bottoms: features ``(N, C, H, W)`` and the image ``(N, 3, height, width)``, of which the shapes count only. Top:
    ``(1, 2, H * W * boxes * 4)``: the corners (x1, y1, x2, y2) in units of the image, then the variances of each.

    For each `min_size`: a square of that size (sizes are cut off to whole numbers, as SSD does); with `max_size` one of
    ``sqrt(min * max)``; then for each `aspect_ratio` other than 1 (and its inverse with `flip`) a box of the same area.
    The image's size is that of the second bottom or `img_size`, `img_h` and `img_w`; the distance of cells is the
    image's size over the map's or `step`, `step_h` and `step_w`; `offset` (0.5) is the place of the centre in a cell.
    `clip` keeps boxes inside of the image. `variance` is one number or four; 0.1 by default.

    Raises
    ------
    NetError
        At setup, for settings that are missing or exclude each other; nothing has a gradient.

    Notes
    -----
    Source: Liu et al., "SSD: Single shot multibox detector", 2016, and its fork.
    """

    bottoms_needed = (2, 2)
    tops_allowed = (1, 1)
    label_bottoms = (0, 1)

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Compute the widths and heights of the boxes of a cell."""
        param = self.layer_param.prior_box_param
        if not param.min_size or not all(0 < size < np.inf for size in (*param.min_size, *param.max_size)):
            raise NetError("give prior_box_param { min_size: ... }, above 0 and finite, as max_size")
        if param.max_size and len(param.max_size) != len(param.min_size):
            raise NetError(f"there are {len(param.min_size)} min_size and {len(param.max_size)} max_size")
        if any(high <= low for low, high in zip(param.min_size, param.max_size, strict=False)):
            raise NetError(f"each max_size is above its min_size, got {list(param.min_size)}, {list(param.max_size)}")
        if len(param.variance) not in (0, 1, 4) or any(value <= 0 for value in param.variance):
            raise NetError(f"variance is one number or four, above 0; got {list(param.variance)}")
        self._variance = [*(param.variance or [0.1])] * (4 if len(param.variance) < 2 else 1)
        self._sizes = _sizes(param)
        self._image = _pair(param, "img_size", "img_h", "img_w")
        self._step = _pair(param, "step", "step_h", "step_w")

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Give the top its shape."""
        if any(blob.ndim != 4 for blob in bottom):
            raise ShapeError(f"the bottoms must have four axes, got {bottom[0].shape} and {bottom[1].shape}")
        height, width = bottom[0].shape[2:]
        top[0].reshape(1, 2, height * width * len(self._sizes) * 4)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Write boxes and variances."""
        cells = np.array(bottom[0].shape[2:], self.dtype)
        image = np.array(self._image or bottom[1].shape[2:], self.dtype)
        step = np.array(self._step or image / cells, self.dtype)
        y, x = (
            (np.arange(count, dtype=self.dtype) + self.dtype.type(self.layer_param.prior_box_param.offset)) * distance
            for count, distance in zip(bottom[0].shape[2:], step, strict=True)
        )
        centre = np.stack(np.meshgrid(x, y), -1)[:, :, None, :]
        half = np.array(self._sizes, self.dtype) / 2
        boxes = np.concatenate([centre - half, centre + half], -1) / np.tile(image[::-1], 2)
        if self.layer_param.prior_box_param.clip:
            boxes = boxes.clip(0, 1)
        out = top[0].data  # from shapes alone: computed on the host
        out[0, 0] = boxes.ravel()
        out[0, 1].reshape(-1, 4)[...] = self._variance

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        """Refuse: boxes do not depend on the values."""
        if any(propagate_down):
            raise NetError("PriorBox has no gradient: its boxes depend on shapes only")


def _sizes(param: caffe_pb2.PriorBoxParameter) -> list[tuple[float, float]]:
    """Return width and height of every box of a cell, in SSD's order."""
    ratios: list[float] = [1.0]
    for ratio in param.aspect_ratio:
        if ratio <= 0:
            raise NetError(f"aspect_ratio is above 0, got {ratio:g}")
        if all(abs(ratio - known) >= 1e-6 for known in ratios):
            ratios += [ratio, 1 / ratio] if param.flip else [ratio]
    sizes = []
    for index, low in enumerate(map(int, param.min_size)):
        sizes.append((float(low), float(low)))
        if param.max_size:
            sizes.append((float(np.sqrt(low * int(param.max_size[index]))),) * 2)
        sizes += [(low * ratio**0.5, low / ratio**0.5) for ratio in ratios[1:]]
    return sizes


def _pair(param: caffe_pb2.PriorBoxParameter, both: str, high: str, wide: str) -> tuple[float, float] | None:
    """Return a size as (height, width), given as one number or as two; None where it is not."""
    sides = [name for name in (high, wide) if param.HasField(name)]
    if sides and (param.HasField(both) or len(sides) < 2):
        raise NetError(f"give either {both} or both {high} and {wide}")
    values = (getattr(param, high), getattr(param, wide)) if sides else (getattr(param, both),) * 2
    if (sides or param.HasField(both)) and min(values) <= 0:
        raise NetError(f"{' and '.join(sides) or both} must be above 0")
    return values if min(values) > 0 else None
