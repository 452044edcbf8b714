"""pycaffe's `caffe.io`: re-exports only."""

from caffe_nb.proto import caffe_pb2  # noqa: F401  (scripts take it from here)
from caffe_nb.pycaffe.io import *  # noqa: F403
from caffe_nb.pycaffe.missing import lazy_module

__getattr__ = lazy_module(__name__, {}, ())
