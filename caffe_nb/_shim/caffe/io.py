"""pycaffe's `caffe.io`: re-exports only."""

from caffe_nb.pycaffe.io import *  # noqa: F403
