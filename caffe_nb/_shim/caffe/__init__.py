"""pycaffe's names for the engine of caffe_nb: re-exports only, each imported when it is first asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from caffe_nb import __version__
from caffe_nb.pycaffe.missing import lazy_module

if TYPE_CHECKING:
    from caffe_nb.core.blob import Blob as Blob
    from caffe_nb.core.layer import Layer as Layer
    from caffe_nb.core.registry import layer_types as layer_type_list  # noqa: F401
    from caffe_nb.device import set_device as set_device
    from caffe_nb.device import set_mode_cpu as set_mode_cpu
    from caffe_nb.device import set_mode_gpu as set_mode_gpu
    from caffe_nb.net import Net as Net
    from caffe_nb.pycaffe.classifier import Classifier as Classifier
    from caffe_nb.pycaffe.detector import Detector as Detector
    from caffe_nb.pycaffe.net_spec import NetSpec as NetSpec
    from caffe_nb.pycaffe.net_spec import layers as layers
    from caffe_nb.pycaffe.net_spec import params as params
    from caffe_nb.pycaffe.net_spec import to_proto as to_proto
    from caffe_nb.pycaffe.process import NCCL as NCCL
    from caffe_nb.pycaffe.process import Timer as Timer
    from caffe_nb.pycaffe.process import has_nccl as has_nccl
    from caffe_nb.pycaffe.process import init_log as init_log
    from caffe_nb.pycaffe.process import log as log
    from caffe_nb.pycaffe.process import set_multiprocess as set_multiprocess
    from caffe_nb.pycaffe.process import set_solver_count as set_solver_count
    from caffe_nb.pycaffe.process import set_solver_rank as set_solver_rank
    from caffe_nb.pycaffe.process import solver_count as solver_count
    from caffe_nb.pycaffe.process import solver_rank as solver_rank
    from caffe_nb.rng import set_random_seed as set_random_seed
    from caffe_nb.solvers import AdaDeltaSolver as AdaDeltaSolver
    from caffe_nb.solvers import AdaGradSolver as AdaGradSolver
    from caffe_nb.solvers import AdamSolver as AdamSolver
    from caffe_nb.solvers import NesterovSolver as NesterovSolver
    from caffe_nb.solvers import RMSPropSolver as RMSPropSolver
    from caffe_nb.solvers import SGDSolver as SGDSolver
    from caffe_nb.solvers import get_solver as get_solver

_HOMES = {
    "AdaDeltaSolver": "caffe_nb.solvers",
    "AdaGradSolver": "caffe_nb.solvers",
    "AdamSolver": "caffe_nb.solvers",
    "Blob": "caffe_nb.core.blob",
    "Classifier": "caffe_nb.pycaffe.classifier",
    "Detector": "caffe_nb.pycaffe.detector",
    "Layer": "caffe_nb.core.layer",
    "NCCL": "caffe_nb.pycaffe.process",
    "NesterovSolver": "caffe_nb.solvers",
    "Net": "caffe_nb.net",
    "NetSpec": "caffe_nb.pycaffe.net_spec",
    "RMSPropSolver": "caffe_nb.solvers",
    "SGDSolver": "caffe_nb.solvers",
    "TEST": "caffe_nb.core.layer:Phase.TEST",
    "TRAIN": "caffe_nb.core.layer:Phase.TRAIN",
    "Timer": "caffe_nb.pycaffe.process",
    "get_solver": "caffe_nb.solvers",
    "has_nccl": "caffe_nb.pycaffe.process",
    "init_log": "caffe_nb.pycaffe.process",
    "layer_type_list": "caffe_nb.layers:layer_types",
    "layers": "caffe_nb.pycaffe.net_spec",
    "log": "caffe_nb.pycaffe.process",
    "params": "caffe_nb.pycaffe.net_spec",
    "set_device": "caffe_nb.device",
    "set_mode_cpu": "caffe_nb.device",
    "set_mode_gpu": "caffe_nb.device",
    "set_multiprocess": "caffe_nb.pycaffe.process",
    "set_random_seed": "caffe_nb.rng",
    "set_solver_count": "caffe_nb.pycaffe.process",
    "set_solver_rank": "caffe_nb.pycaffe.process",
    "solver_count": "caffe_nb.pycaffe.process",
    "solver_rank": "caffe_nb.pycaffe.process",
    "to_proto": "caffe_nb.pycaffe.net_spec",
}
"""The names and where each comes from."""

_MODULES = ("_caffe", "classifier", "detector", "io", "net_spec", "proto", "pycaffe")

__getattr__ = lazy_module(__name__, _HOMES, _MODULES)

__all__ = ["__version__", "proto", *sorted(_HOMES)]  # noqa: PLE0604  (names, all of them strings)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES, *_MODULES})
