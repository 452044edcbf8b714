"""pycaffe's `caffe.classifier`: re-exports only."""

from caffe_nb.pycaffe.classifier import Classifier

__all__ = ["Classifier"]
