"""Solvers: train a net."""

from caffe_nb.solvers.base import SGDSolver, Solver, SolverHooks, get_solver, live_solvers

__all__ = ["SGDSolver", "Solver", "SolverHooks", "get_solver", "live_solvers"]
