"""pycaffe's names for the engine of caffe_nb: re-exports only."""

from caffe_nb import __version__
from caffe_nb.core.blob import Blob
from caffe_nb.core.layer import Layer, Phase
from caffe_nb.core.registry import layer_types as layer_type_list
from caffe_nb.device import set_device, set_mode_cpu, set_mode_gpu
from caffe_nb.net import Net
from caffe_nb.pycaffe.missing import lazy_module
from caffe_nb.pycaffe.net_spec import NetSpec, layers, params, to_proto
from caffe_nb.pycaffe.process import (
    NCCL,
    Timer,
    has_nccl,
    init_log,
    log,
    set_multiprocess,
    set_solver_count,
    set_solver_rank,
    solver_count,
    solver_rank,
)
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

__getattr__ = lazy_module(
    __name__,
    {"Classifier": "classifier", "Detector": "detector"},
    ("_caffe", "classifier", "detector", "io", "net_spec", "pycaffe"),
)

__all__ = [
    "NCCL",
    "TEST",
    "TRAIN",
    "AdaDeltaSolver",
    "AdaGradSolver",
    "AdamSolver",
    "Blob",
    "Layer",
    "NesterovSolver",
    "Net",
    "NetSpec",
    "RMSPropSolver",
    "SGDSolver",
    "Timer",
    "__version__",
    "get_solver",
    "has_nccl",
    "init_log",
    "layer_type_list",
    "layers",
    "log",
    "params",
    "proto",
    "set_device",
    "set_mode_cpu",
    "set_mode_gpu",
    "set_multiprocess",
    "set_random_seed",
    "set_solver_count",
    "set_solver_rank",
    "solver_count",
    "solver_rank",
    "to_proto",
]
