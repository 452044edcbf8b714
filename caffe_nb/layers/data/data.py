"""Data."""

from __future__ import annotations

from collections.abc import Sequence

from caffe_nb.core.blob import Blob
from caffe_nb.core.registry import register
from caffe_nb.data.batches import Batches, datum_items
from caffe_nb.data.cursor import Records
from caffe_nb.errors import NetError
from caffe_nb.layers.data.prefetching import PrefetchingLayer, new_generator
from caffe_nb.proto import caffe_pb2


@register("Data")
class Data(PrefetchingLayer):
    """Batches of images and labels from a database of datums (Caffe's Data).

    Tops: the images ``(batch_size, channels, height, width)``, transformed as `transform_param` says, and, where there
    is a second top, the labels ``(batch_size,)``. Records come in the order of their keys; after the last one follows
    the first. With `shuffle`, which forks have, they come in a random order, another one each time around.

    Parameters (`data_param`): `source`, the database's folder, looked for in the working directory and beside the
    prototxt; `backend`, LEVELDB (the default; needs the extra `leveldb`) or LMDB; `batch_size`; `rand_skip`, start
    after fewer than so many records, at random; `shuffle`; `prefetch`, how many batches are made ahead, 4 by default.

    Raises NetError for settings that cannot be used, ShapeError for images that do not fit the crop, the mean or one
    another, FormatError for damaged databases and records.

    Notes
    -----
    Equals Caffe's Data layer. Its tops take the shape of each batch's first image, so records of one size each are
    needed only within a batch.

    Deviations
    ----------
    `rand_skip` works, and `force_encoded_color` counts as `force_color`, as in early versions; Caffe 1.0 reads over
    both.
    """

    tops_allowed = (1, 2)

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Open the database and read the first record for its shape."""
        param = self.layer_param.data_param
        if param.batch_size < 1:
            raise NetError(f"batch_size must be at least 1, got {param.batch_size}")
        transformer = self.transformer()
        if param.force_encoded_color:
            transformer.color = True
        backend = caffe_pb2.DataParameter.DB.Name(param.backend)
        if not param.source:
            raise NetError('give the folder of the database: data_param { source: "train_lmdb" }')
        records = Records(param.source, backend, self.folder)
        first = datum_items(Records(param.source, backend, self.folder), transformer.color)()
        shape = (param.batch_size, *transformer.shape(first.image.shape, first.where))
        draw = new_generator(transformer.random or param.shuffle or param.rand_skip > 0)
        order = self.order(draw)
        if order is not None and param.shuffle:
            records.shuffle(order)
        records.take(self.share)
        if order is not None and param.rand_skip:
            records.skip(int(order.integers(param.rand_skip)))
        items = datum_items(records, transformer.color)
        self.start(Batches(items, transformer, param.batch_size, draw), shape, top)
