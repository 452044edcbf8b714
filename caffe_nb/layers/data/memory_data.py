"""MemoryData."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from caffe_nb.core.blob import Array, Blob
from caffe_nb.core.layer import Layer
from caffe_nb.core.registry import register
from caffe_nb.data.datum import datum_to_image
from caffe_nb.data.sharing import check_enough, share_of
from caffe_nb.data.transformer import Transformer
from caffe_nb.errors import NetError, ShapeError
from caffe_nb.layers.data.prefetching import new_generator
from caffe_nb.proto import caffe_pb2

log = logging.getLogger("caffe_nb")


@register("MemoryData")
class MemoryData(Layer):
    """Batches of arrays that the caller hands over with `net.set_input_arrays` (Caffe's MemoryData).

    The first top is ``(batch_size, channels, height, width)``, the second ``(batch_size,)``: the labels. Batches follow
    one another and start over after the last. `transform_param` is for images and datums (`add_images`, `add_datums`);
    arrays are taken as they are. Where several processes train together, all are given the same arrays, and each takes
    its share of them.

    Deviations
    ----------
    The labels are ``(batch_size,)`` from the first to the last; Caffe makes them ``(batch_size, 1, 1, 1)`` at the first
    forward. New arrays, images and datums may come before all batches of those before were seen.
    """

    bottoms_needed = (0, 0)
    tops_allowed = (2, 2)

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Check the settings and give the tops their shapes."""
        param = self.layer_param.memory_data_param
        self._shape = (param.batch_size, param.channels, param.height, param.width)
        if 0 in self._shape:
            raise NetError(
                "batch_size, channels, height and width must all be given and at least 1, got"
                f" {param.batch_size}, {param.channels}, {param.height} and {param.width}"
            )
        self._transformer = Transformer(self.layer_param.transform_param, self.phase, self.dtype, self.folder)
        self._draw = new_generator(self._transformer.random)
        self._data: Array | None = None
        self._labels: Array = np.empty(0)
        self._share = share_of(self.phase)
        self._row = 0

    def reset(self, data: ArrayLike, labels: ArrayLike) -> None:
        """Take over the arrays that the next batches come from; the first of them is next.

        Parameters
        ----------
        data : (N, channels, height, width) array_like
            The data; N is a multiple of the batch size. An array of the net's type is used as it is, not copied: what
            is written into it later is seen.
        labels : (N,) or (N, 1, 1, 1) array_like
            One label for each row of the data.

        Raises
        ------
        ShapeError
            When the shapes do not fit.
        """
        if self.layer_param.HasField("transform_param"):
            log.warning("MemoryData takes arrays as they are: transform_param is for add_images and add_datums")
        self._take(data, labels)

    def add_images(self, images: Sequence[Array], labels: Sequence[float]) -> None:
        """Take over images, transformed as `transform_param` says; the first of them is next.

        Parameters
        ----------
        images : sequence of (H, W, C) ndarray
            Bytes or floats, as OpenCV has them: blue first. A multiple of the batch size.
        labels : sequence of float
            One label for each image.

        Raises
        ------
        ShapeError
            When the images, transformed, have not the shape of the top, or a number does not fit.
        """
        self._transform([np.asarray(image).transpose(2, 0, 1) for image in images], labels, "image")

    def add_datums(self, datums: Sequence[caffe_pb2.Datum]) -> None:
        """Take over datums, transformed as `transform_param` says; the first of them is next.

        Parameters
        ----------
        datums : sequence of Datum
            A multiple of the batch size.

        Raises
        ------
        ShapeError
            As for `add_images`.
        FormatError
            When a datum's values do not fill its shape.
        """
        color = self._transformer.color
        images = [datum_to_image(datum, f"datum {index}", color) for index, datum in enumerate(datums)]
        self._transform(images, [datum.label for datum in datums], "datum")

    def _transform(self, images: Sequence[Array], labels: Sequence[float], what: str) -> None:
        data = np.empty((len(images), *self._shape[1:]), self.dtype)
        for index, (image, out) in enumerate(zip(images, data, strict=True)):
            where = f"{what} {index}"
            shape = self._transformer.shape(image.shape, where)
            if shape != out.shape:
                raise ShapeError(f"{where} becomes {shape}, but the top takes {out.shape} (channels, height, width)")
            self._transformer(image, out, self._draw, where)
        self._take(data, labels)

    def _take(self, data: ArrayLike, labels: ArrayLike) -> None:
        values = np.ascontiguousarray(data, self.dtype)
        classes = np.ascontiguousarray(labels, self.dtype)
        batch = self._shape[0]
        if values.ndim != 4 or values.shape[1:] != self._shape[1:]:
            expected = ", ".join(map(str, self._shape[1:]))
            raise ShapeError(f"the data must have the shape (N, {expected}), got {values.shape}")
        if not len(values) or len(values) % batch:
            raise ShapeError(f"the number of rows must be a multiple of the batch size {batch}, got {len(values)}")
        check_enough(len(values), self._share, "the data", "rows")
        if classes.size != len(values) or classes.shape[:1] != values.shape[:1]:
            raise ShapeError(f"the labels must have the shape ({len(values)},), one for each row, got {classes.shape}")
        self._data, self._labels, self._row = values, classes.reshape(-1), 0

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Give the tops the shape of a batch."""
        top[0].reshape(*self._shape)
        top[1].reshape(self._shape[0])

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Copy the next batch."""
        if self._data is None:
            raise NetError("there is no data yet; call net.set_input_arrays(data, labels) before the first forward")
        if self._share.alone:
            rows: slice | Array = slice(self._row, self._row + self._shape[0])
        else:  # every process has the same arrays, and takes each `size`-th row of the global batch
            mine = self._row + self._share.rank + self._share.size * np.arange(self._shape[0])
            rows = mine % len(self._data)
        top[0].data[...] = self._data[rows]
        top[1].data[...] = self._labels[rows]
        self._row = (self._row + self._shape[0] * self._share.size) % len(self._data)
