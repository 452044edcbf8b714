"""Open a net and say for each layer whether it builds, its shapes, what it lacks, and how to mend it.

A solver's text is taken too: its training net and its test nets are looked at, each in its phase. Nothing is run and
nothing is changed. The status is 0 when all can run, 1 when not.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from google.protobuf.descriptor import Descriptor

from caffe_nb.cli.common import phase_of
from caffe_nb.cli.options import Parser
from caffe_nb.core.layer import Phase
from caffe_nb.errors import CaffeError
from caffe_nb.net.diagnosis import Diagnosis, diagnose
from caffe_nb.proto import caffe_pb2
from caffe_nb.proto.files import read_bytes
from caffe_nb.proto.text import NetSource, SolverSource, parse_solver, read_solver
from caffe_nb.proto.unknown import unknown_fields
from caffe_nb.solvers import Solver
from caffe_nb.solvers.nets import find_file
from caffe_nb.solvers.source import check

_COLOURS = {"  ok": "32", "  FAILS": "31", "  -": "33", "  problem": "31"}
_TRAINING = ("net", "net_param", "train_net", "train_net_param")


@dataclass(frozen=True)
class _Patient:
    """A net to look at, and the state in which it is built."""

    net: Path | NetSource
    phase: Phase
    state: caffe_pb2.NetState = field(default_factory=caffe_pb2.NetState)
    role: str = ""


def add_arguments(parser: Parser) -> None:
    """Add the arguments of `caffe doctor`."""
    parser.add_argument("net", metavar="NET", help="a prototxt of a net or of a solver")
    parser.option("weights", "a .caffemodel to compare the net with", default=None)
    parser.option("phase", "TEST or TRAIN; default: TEST, and of a solver both", default=None)


def run(args: argparse.Namespace) -> int:
    """Look and report."""
    phase = phase_of(args.phase) if args.phase else None
    patients, problems = _patients(Path(args.net), phase)
    for problem in problems:
        _show(f"  problem: {problem}".replace("\n", "\n    "))
    found = [_look(each, args.weights) for each in patients]
    for diagnosis in found:
        _show(str(diagnosis))
    return 0 if not problems and all(diagnosis.ok for diagnosis in found) else 1


def _look(patient: _Patient, weights: str | None) -> Diagnosis:
    found = diagnose(patient.net, weights, patient.phase, patient.state)
    found.name += patient.role
    return found


def _show(text: str) -> None:
    for line in text.split("\n"):
        colour = next((code for start, code in _COLOURS.items() if line.startswith(start)), "")
        print(f"\033[{colour}m{line}\033[0m" if colour and sys.stdout.isatty() else line)


def _patients(path: Path, phase: Phase | None) -> tuple[list[_Patient], list[str]]:
    """Return the net that is named, or those of the solver that is, and the solver's mistakes."""
    alone = [_Patient(path, Phase.TEST if phase is None else phase)]
    solver, problems = _solver(path)
    if solver is None:
        return alone, []
    try:
        check(solver.param, Solver.class_of(solver.param.type, solver.name).rule_class, solver.name)
    except CaffeError as error:
        problems.append(str(error))
    folder = path.absolute().parent
    found = [*_training(solver, folder, problems), *_testing(solver, folder, problems)]
    return [each for each in found if phase in (None, each.phase)], problems


def _solver(path: Path) -> tuple[SolverSource | None, list[str]]:
    """Return a file's solver, as far as it can be read, and what is wrong with its text; None for a net or nothing."""
    try:
        solver = read_solver(path, keep_unknown=True)
        own = {field.name for field, _ in solver.param.ListFields()} - {"debug_info"}  # which a net has too
        return (solver if own else None), []
    except (CaffeError, OSError) as error:
        problem = str(error)
    try:
        text = read_bytes(path).decode("utf-8-sig", "replace")
        known, _, _ = unknown_fields(text, cast(Descriptor, caffe_pb2.SolverParameter.DESCRIPTOR))
        solver = parse_solver(known, str(path), keep_unknown=True)
    except (CaffeError, OSError):
        return None, []
    return (solver if any(map(solver.param.HasField, _TRAINING)) else None), [problem]


def _training(solver: SolverSource, folder: Path, problems: list[str]) -> Iterator[_Patient]:
    given = [name for name in _TRAINING if solver.param.HasField(name)]
    if len(given) != 1:
        problems.append(
            f"a solver names its training net once, as one of {', '.join(_TRAINING)}; got {', '.join(given) or 'none'}"
        )
    for name in given:
        yield _Patient(_source(solver, name, folder), Phase.TRAIN, solver.param.train_state, " (the training net)")


def _testing(solver: SolverSource, folder: Path, problems: list[str]) -> Iterator[_Patient]:
    param = solver.param
    nets: list[Path | NetSource] = [*solver.nets.get("test_net_param", [])]
    nets += [find_file(name, folder) for name in param.test_net]
    count = len(param.test_iter)
    shared = next((name for name in ("net_param", "net") if param.HasField(name)), None)
    if shared is not None:
        nets += [_source(solver, shared, folder)] * (count - len(nets))
    if count != len(nets):
        problems.append(f"test_iter is given {count} times for {len(nets)} test nets; give it once a net")
    if param.test_state and len(param.test_state) != len(nets):
        problems.append(f"test_state is given {len(param.test_state)} times for {len(nets)} test nets")
    if count and param.test_interval <= 0:
        problems.append("test_iter is given, but no test_interval: say after how many iterations to test")
    for index, net in enumerate(nets):
        state = param.test_state[index] if index < len(param.test_state) else caffe_pb2.NetState()
        yield _Patient(net, Phase.TEST, state, f" (test net {index})")


def _source(solver: SolverSource, field: str, folder: Path) -> Path | NetSource:
    inside = field.endswith("_param")
    return solver.nets[field][0] if inside else find_file(getattr(solver.param, field), folder)
