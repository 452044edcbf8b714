"""The six solver types of Caffe, and the way from a text to its solver."""

from __future__ import annotations

import os

from caffe_nb.proto import caffe_pb2
from caffe_nb.solvers import rules
from caffe_nb.solvers.base import Solver
from caffe_nb.solvers.source import as_source


class SGDSolver(Solver):
    """Stochastic gradient descent with momentum; see `rules.SGD`."""

    type_name = "SGD"
    rule_class = rules.SGD


class NesterovSolver(Solver):
    """Nesterov's accelerated gradient; see `rules.Nesterov`."""

    type_name = "Nesterov"
    rule_class = rules.Nesterov


class AdaGradSolver(Solver):
    """AdaGrad; see `rules.AdaGrad`."""

    type_name = "AdaGrad"
    rule_class = rules.AdaGrad


class RMSPropSolver(Solver):
    """RMSProp; see `rules.RMSProp`."""

    type_name = "RMSProp"
    rule_class = rules.RMSProp


class AdaDeltaSolver(Solver):
    """AdaDelta; see `rules.AdaDelta`."""

    type_name = "AdaDelta"
    rule_class = rules.AdaDelta


class AdamSolver(Solver):
    """Adam; see `rules.Adam`."""

    type_name = "Adam"
    rule_class = rules.Adam


def get_solver(source: str | os.PathLike[str] | caffe_pb2.SolverParameter) -> Solver:
    """Return the solver of the type that the text names (SGD by default).

    Raises
    ------
    PrototxtError, SolverError, NetError
        With file, line and what was likely meant.
    """
    text = as_source(source)
    return Solver.class_of(text.param.type, text.name)(text)
