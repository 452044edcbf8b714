"""Solvers: train a net."""

from caffe_nb.solvers.alive import live_solvers
from caffe_nb.solvers.base import Solver, SolverHooks
from caffe_nb.solvers.kinds import (
    AdaDeltaSolver,
    AdaGradSolver,
    AdamSolver,
    NesterovSolver,
    RMSPropSolver,
    SGDSolver,
    get_solver,
)

__all__ = [
    "AdaDeltaSolver",
    "AdaGradSolver",
    "AdamSolver",
    "NesterovSolver",
    "RMSPropSolver",
    "SGDSolver",
    "Solver",
    "SolverHooks",
    "get_solver",
    "live_solvers",
]
