"""pycaffe's `caffe.detector`: re-exports only."""

from caffe_nb.pycaffe.detector import Detector

__all__ = ["Detector"]
