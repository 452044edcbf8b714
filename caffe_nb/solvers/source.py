"""A solver's text, and what of it could not be used later."""

from __future__ import annotations

import logging
import os

from caffe_nb.errors import SolverError
from caffe_nb.proto import caffe_pb2
from caffe_nb.proto.text import SolverSource, parse_solver, read_solver, to_text
from caffe_nb.solvers import regularize, rules
from caffe_nb.solvers.lr_policy import learning_rate

log = logging.getLogger("caffe_nb")


def check_type(name: str) -> None:
    """Refuse to make a solver of no type."""
    if not name:
        raise SolverError(
            "a Solver is of a type: get_solver(path) makes the one that the file names, Solver.from_text(text) that of"
            " a text; or take SGDSolver, AdamSolver and so on"
        )


def check(param: caffe_pb2.SolverParameter, rule: type[rules.Rule], where: str) -> None:
    """Refuse settings that could not be used later, and name one that is forgotten without a trace."""
    try:
        learning_rate(param, 0)
        rule((), param)
        regularize.check_kind(param.regularization_type)
        for name in ("average_loss", "iter_size"):
            if getattr(param, name) < 1:
                raise SolverError(f"{name} is a number of iterations from 1 up, got {getattr(param, name)}")
    except SolverError as error:
        error.where = error.where or where
        raise
    if not param.HasField("base_lr"):
        log.warning("%s: base_lr is not set, so the learning rate is 0 and nothing is learned", where)


def as_source(source: str | os.PathLike[str] | caffe_pb2.SolverParameter | SolverSource) -> SolverSource:
    """Return a solver's text with its nets, from a file or a message."""
    if isinstance(source, SolverSource):
        return source
    if isinstance(source, caffe_pb2.SolverParameter):
        return parse_solver(to_text(source), "<message>")
    return read_solver(source, keep_unknown=True)
