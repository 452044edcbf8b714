"""Layers that move, join and share blobs."""

from caffe_nb.layers.utility import concat, eltwise, flatten, python, silence, split

__all__ = ["concat", "eltwise", "flatten", "python", "silence", "split"]
