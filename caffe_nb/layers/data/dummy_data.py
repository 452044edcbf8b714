"""DummyData."""

from __future__ import annotations

from collections.abc import Sequence

from caffe_nb.core.blob import Blob
from caffe_nb.core.fillers import check, fill
from caffe_nb.core.layer import Layer
from caffe_nb.core.registry import register
from caffe_nb.errors import NetError
from caffe_nb.layers.data.shapes import one_for_each
from caffe_nb.proto import caffe_pb2


@register("DummyData")
class DummyData(Layer):
    """Data made by fillers (Caffe's DummyData).

    `shape` (or `num`, `channels`, `height` and `width`) and `data_filler` are given once for all tops or once for each;
    without a filler the data is zero. Constant data is filled once, at setup, and is the caller's from then on; other
    data is drawn anew at every forward.

    Deviations
    ----------
    The random numbers themselves.
    """

    bottoms_needed = (0, 0)
    tops_allowed = (1, None)

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Give the tops their shapes and fill the constant ones."""
        param = self.layer_param.dummy_data_param
        sides = (param.num, param.channels, param.height, param.width)
        if param.shape and any(sides):
            raise NetError("give either shape or num, channels, height and width, not both")
        if not param.shape and not any(sides):
            raise NetError("give the shape of the data: shape { dim: 2 dim: 3 }")
        shapes = [tuple(shape.dim) for shape in one_for_each(param.shape, len(top), "shape")] if param.shape else None
        if shapes is None:
            names = ("num", "channels", "height", "width")
            columns = [one_for_each(side, len(top), name) for side, name in zip(sides, names, strict=True)]
            shapes = list(zip(*columns, strict=True))
        fillers = param.data_filler or [caffe_pb2.FillerParameter()]
        self._fillers = one_for_each(fillers, len(top), "data_filler")
        for blob, shape, filler in zip(top, shapes, self._fillers, strict=True):
            blob.reshape(*shape)
            check(filler)
            if filler.type == "constant":
                fill(blob, filler)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Draw the data that is not constant."""
        for blob, filler in zip(top, self._fillers, strict=True):
            if filler.type != "constant":
                fill(blob, filler)
