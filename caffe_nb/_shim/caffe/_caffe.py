"""pycaffe's compiled module `caffe._caffe`, under whose name scripts ask for types: re-exports only."""

from caffe_nb.core.blob import Blob, BlobVec
from caffe_nb.core.blob import BlobVec as RawBlobVec
from caffe_nb.core.layer import Layer
from caffe_nb.core.registry import layer_types as layer_type_list
from caffe_nb.device import set_device, set_mode_cpu, set_mode_gpu
from caffe_nb.net import Net
from caffe_nb.net.names import LayerVec
from caffe_nb.proto.caffe_pb2 import SolverParameter
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
    Solver,
    get_solver,
)

__all__ = [
    "NCCL",
    "AdaDeltaSolver",
    "AdaGradSolver",
    "AdamSolver",
    "Blob",
    "BlobVec",
    "Layer",
    "LayerVec",
    "NesterovSolver",
    "Net",
    "RMSPropSolver",
    "RawBlobVec",
    "SGDSolver",
    "Solver",
    "SolverParameter",
    "Timer",
    "get_solver",
    "has_nccl",
    "init_log",
    "layer_type_list",
    "log",
    "set_device",
    "set_mode_cpu",
    "set_mode_gpu",
    "set_multiprocess",
    "set_random_seed",
    "set_solver_count",
    "set_solver_rank",
    "solver_count",
    "solver_rank",
]
