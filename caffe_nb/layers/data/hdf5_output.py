"""HDF5Output."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from caffe_nb.core.blob import Array, Blob
from caffe_nb.core.layer import Layer
from caffe_nb.core.registry import register
from caffe_nb.data.hdf5_writer import HDF5Writer
from caffe_nb.errors import NetError, ShapeError


@register("HDF5Output")
class HDF5Output(Layer):
    """Write two blobs to an HDF5 file (Caffe's HDF5Output).

    Bottoms: ``(N, ...)`` and ``(N, ...)``, kept as the datasets `data` and `label` with at least four axes: those that
    are missing follow with length 1. No tops, no parameters; the gradient is 0. `hdf5_output_param { file_name }` is
    relative to the working directory.

    Raises NetError without a file name or when its folder is missing, ShapeError when the bottoms differ in N,
    FormatError when the file cannot be written.

    Deviations
    ----------
    The first forward replaces a file of that name and each later one appends its rows, so that the file holds all
    batches of a run; Caffe replaces the file when the net is built, and ends the process at the second forward.
    """

    bottoms_needed = (2, 2)
    tops_allowed = (0, 0)

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Check the file's name."""
        name = self.layer_param.hdf5_output_param.file_name
        if not name:
            raise NetError('give the name of the file: hdf5_output_param { file_name: "out.h5" }')
        self._file = HDF5Writer(Path(name))

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Check that both bottoms have as many rows."""
        if any(not blob.ndim for blob in bottom) or bottom[0].shape[0] != bottom[1].shape[0]:
            raise ShapeError(
                f"both bottoms must have the same number of rows (axis 0), got {bottom[0].shape} and {bottom[1].shape}"
            )

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Append the rows."""
        self._file.append({"data": _four_axes(bottom[0].const_data), "label": _four_axes(bottom[1].const_data)})

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        """Write zeros."""
        for blob, wanted in zip(bottom, propagate_down, strict=True):
            if wanted:
                blob.diff[...] = 0


def _four_axes(values: Array) -> Array:
    return values.reshape(values.shape + (1,) * (4 - values.ndim))
