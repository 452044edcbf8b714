"""Layers without bottoms: where a net's data comes from; and HDF5Output, where it goes."""

from caffe_nb.layers.data import (
    data,
    dummy_data,
    hdf5_data,
    hdf5_output,
    image_data,
    input,
    memory_data,
    window_data,
)

__all__ = [
    "data",
    "dummy_data",
    "hdf5_data",
    "hdf5_output",
    "image_data",
    "input",
    "memory_data",
    "window_data",
]
