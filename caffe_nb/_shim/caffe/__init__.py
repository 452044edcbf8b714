"""pycaffe's names for the engine of caffe_nb: re-exports only."""

from caffe_nb import __version__
from caffe_nb.core.blob import Blob
from caffe_nb.core.layer import Layer, Phase
from caffe_nb.core.registry import layer_types as layer_type_list
from caffe_nb.device import set_device, set_mode_cpu, set_mode_gpu
from caffe_nb.net import Net
from caffe_nb.rng import set_random_seed
from caffe_nb.solvers import (
    AdaDeltaSolver,
    AdaGradSolver,
    AdamSolver,
    NesterovSolver,
    RMSPropSolver,
    SGDSolver,
    get_solver,
)

from . import proto  # noqa: TID252  (the shim is mounted under another name than its folder)

TRAIN = Phase.TRAIN
TEST = Phase.TEST

__all__ = [
    "TEST",
    "TRAIN",
    "AdaDeltaSolver",
    "AdaGradSolver",
    "AdamSolver",
    "Blob",
    "Layer",
    "NesterovSolver",
    "Net",
    "RMSPropSolver",
    "SGDSolver",
    "__version__",
    "get_solver",
    "layer_type_list",
    "proto",
    "set_device",
    "set_mode_cpu",
    "set_mode_gpu",
    "set_random_seed",
]
