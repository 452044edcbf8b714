"""pycaffe's `caffe.net_spec`: re-exports only."""

from caffe_nb.proto import caffe_pb2
from caffe_nb.pycaffe.net_spec import (
    Function,
    Layers,
    NetSpec,
    Parameters,
    Top,
    assign_proto,
    layers,
    param_name_dict,
    params,
    to_proto,
)

__all__ = [
    "Function",
    "Layers",
    "NetSpec",
    "Parameters",
    "Top",
    "assign_proto",
    "caffe_pb2",
    "layers",
    "param_name_dict",
    "params",
    "to_proto",
]
