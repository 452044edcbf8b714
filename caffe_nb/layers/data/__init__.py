"""Layers without bottoms: where a net's data comes from."""

from caffe_nb.layers.data import (
    dummy_data,
    hdf5_data,
    input,
    memory_data,
)

__all__ = [
    "dummy_data",
    "hdf5_data",
    "input",
    "memory_data",
]
