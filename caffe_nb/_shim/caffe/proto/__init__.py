"""The messages of Caffe's formats, as pycaffe's users import them."""

from caffe_nb.proto import caffe_pb2

__all__ = ["caffe_pb2"]
