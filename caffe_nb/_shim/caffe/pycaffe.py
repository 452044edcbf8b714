"""pycaffe's `caffe.pycaffe`, where its nets and solvers come from: re-exports only."""

from caffe_nb.net import Net
from caffe_nb.pycaffe import io
from caffe_nb.solvers import (
    AdaDeltaSolver,
    AdaGradSolver,
    AdamSolver,
    NesterovSolver,
    RMSPropSolver,
    SGDSolver,
)

__all__ = [
    "AdaDeltaSolver",
    "AdaGradSolver",
    "AdamSolver",
    "NesterovSolver",
    "Net",
    "RMSPropSolver",
    "SGDSolver",
    "io",
]
