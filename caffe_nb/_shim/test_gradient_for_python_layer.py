"""The module that people pass round: re-exports only."""

from caffe_nb.pycaffe.gradient import test_gradient_for_python_layer

__all__ = ["test_gradient_for_python_layer"]
