"""HDF5Data."""

from __future__ import annotations

from collections.abc import Sequence

from caffe_nb.core.blob import Blob
from caffe_nb.core.layer import Layer
from caffe_nb.core.registry import register
from caffe_nb.data.hdf5 import HDF5Rows, read_source
from caffe_nb.data.sharing import share_of
from caffe_nb.errors import NetError


@register("HDF5Data")
class HDF5Data(Layer):
    """Batches of rows from HDF5 files (Caffe's HDF5Data).

    `source` is a text file with the names of HDF5 files. Each top is the dataset of the top's name: ``(batch_size,
    *row)``. Batches run over the ends of files, and after the last file the first follows. With `shuffle`, files and
    rows within each file come in a new random order every time.
    """

    bottoms_needed = (0, 0)
    tops_allowed = (1, None)

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Open the source and read the first file."""
        param = self.layer_param.hdf5_data_param
        if self.layer_param.HasField("transform_param"):
            raise NetError("HDF5 rows are taken as they are; leave out transform_param and transform them in the file")
        if param.batch_size < 1:
            raise NetError(f"batch_size must be at least 1, got {param.batch_size}")
        files = read_source(param.source, self.folder)
        self._rows = HDF5Rows(files, list(self.layer_param.top), self.dtype, param.shuffle, share_of(self.phase))
        for blob, shape in zip(top, self._rows.shapes, strict=True):
            blob.reshape(param.batch_size, *shape)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Read the next batch."""
        self._rows.read([blob.data for blob in top])
