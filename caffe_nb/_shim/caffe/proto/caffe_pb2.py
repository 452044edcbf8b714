"""Stands for `caffe_nb.proto.caffe_pb2`: there is one module of messages, whatever name it is imported by."""

import sys

from caffe_nb.proto import caffe_pb2

sys.modules[__name__] = caffe_pb2
