"""Layers that move, join, select and share blobs."""

from caffe_nb.layers.utility import (
    argmax,
    batch_reindex,
    concat,
    eltwise,
    filter,
    flatten,
    parameter,
    python,
    reduction,
    reshape,
    silence,
    slice,
    split,
    tile,
)

__all__ = [
    "argmax",
    "batch_reindex",
    "concat",
    "eltwise",
    "filter",
    "flatten",
    "parameter",
    "python",
    "reduction",
    "reshape",
    "silence",
    "slice",
    "split",
    "tile",
]
