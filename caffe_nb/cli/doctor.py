"""Open a net and say for each layer whether it builds, its shapes, what it lacks, and how to mend it.

A solver's text is taken too: its net is looked at. Nothing is run and nothing is changed. The status is 0 when the net
can run, 1 when not.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from caffe_nb.cli.common import phase_of
from caffe_nb.cli.options import Parser
from caffe_nb.errors import CaffeError
from caffe_nb.net.diagnosis import diagnose
from caffe_nb.proto.text import read_solver
from caffe_nb.solvers.nets import find_file

_COLOURS = {"  ok": "32", "  FAILS": "31", "  -": "33", "  problem": "31"}


def add_arguments(parser: Parser) -> None:
    """Add the arguments of `caffe doctor`."""
    parser.add_argument("net", metavar="NET", help="a prototxt of a net or of a solver")
    parser.option("weights", "a .caffemodel to compare the net with", default=None)
    parser.option("phase", "TEST (default) or TRAIN", default="TEST")


def run(args: argparse.Namespace) -> int:
    """Look and report."""
    diagnosis = diagnose(_net_of(args.net), args.weights, phase_of(args.phase))
    for line in str(diagnosis).split("\n"):
        colour = next((code for start, code in _COLOURS.items() if line.startswith(start)), "")
        print(f"\033[{colour}m{line}\033[0m" if colour and sys.stdout.isatty() else line)
    return 0 if diagnosis.ok else 1


def _net_of(path: str) -> Path:
    """Return the net's file: the one that is named, or the one that a solver of this file trains."""
    try:
        solver = read_solver(path)
    except (CaffeError, OSError):
        return Path(path)
    named = solver.param.net or solver.param.train_net
    return find_file(named, Path(path).absolute().parent) if named else Path(path)
