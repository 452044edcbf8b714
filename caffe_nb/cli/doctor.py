"""Open a net and say for each layer whether it builds, its shapes, what it lacks, and how to mend it.

A solver's text is taken too: its net is looked at. Nothing is run and nothing is changed. The status is 0 when the net
can run, 1 when not.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import cast

from google.protobuf.descriptor import Descriptor

from caffe_nb.cli.common import phase_of
from caffe_nb.cli.options import Parser
from caffe_nb.errors import CaffeError
from caffe_nb.net.diagnosis import diagnose
from caffe_nb.proto import caffe_pb2
from caffe_nb.proto.files import read_bytes
from caffe_nb.proto.text import NetSource, parse_solver, read_solver
from caffe_nb.proto.unknown import unknown_fields
from caffe_nb.solvers.nets import find_file

_COLOURS = {"  ok": "32", "  FAILS": "31", "  -": "33", "  problem": "31"}


def add_arguments(parser: Parser) -> None:
    """Add the arguments of `caffe doctor`."""
    parser.add_argument("net", metavar="NET", help="a prototxt of a net or of a solver")
    parser.option("weights", "a .caffemodel to compare the net with", default=None)
    parser.option("phase", "TEST (default) or TRAIN", default="TEST")


def run(args: argparse.Namespace) -> int:
    """Look and report."""
    net, problems = _net_of(Path(args.net))
    diagnosis = diagnose(net, args.weights, phase_of(args.phase))
    diagnosis.problems[:0] = problems
    for line in str(diagnosis).split("\n"):
        colour = next((code for start, code in _COLOURS.items() if line.startswith(start)), "")
        print(f"\033[{colour}m{line}\033[0m" if colour and sys.stdout.isatty() else line)
    return 0 if diagnosis.ok else 1


def _net_of(path: Path) -> tuple[Path | NetSource, list[str]]:
    """Return the net: the one that is named, or the one that this solver trains; and the solver's mistakes."""
    problems = []
    try:
        solver = read_solver(path, keep_unknown=True)
    except (CaffeError, OSError) as error:
        problems.append(str(error))
        try:
            text = read_bytes(path).decode("utf-8", "replace")
            known, _, _ = unknown_fields(text, cast(Descriptor, caffe_pb2.SolverParameter.DESCRIPTOR))
            solver = parse_solver(known, str(path), keep_unknown=True)
        except (CaffeError, OSError):
            return path, []
    for field in ("net", "train_net"):
        if solver.param.HasField(field):
            return find_file(getattr(solver.param, field), path.absolute().parent), problems
    for field in ("net_param", "train_net_param"):
        if solver.nets.get(field):
            return solver.nets[field][0], problems
    return path, []
