"""Rewrite an old solver in today's format: `solver_type: ADAM` becomes `type: "Adam"`, nets inside it are upgraded.

The text loses its comments.
"""

from __future__ import annotations

import argparse

from caffe_nb.cli import log as logs
from caffe_nb.cli.options import Parser
from caffe_nb.cli.upgrade_net import as_it_stands
from caffe_nb.proto import caffe_pb2, text
from caffe_nb.proto.files import write_bytes


def add_arguments(parser: Parser) -> None:
    """Add the arguments of `caffe upgrade-solver`."""
    parser.add_argument("input", help="the old solver's prototxt")
    parser.add_argument("output", help="the file to write; it may be the same one")


def run(args: argparse.Namespace) -> int:
    """Upgrade."""
    log = logs.start()
    new = text.read_solver(args.input).param
    if as_it_stands(args.input, caffe_pb2.SolverParameter())[0] == new:
        log.warning("File already in latest proto format: %s", args.input)
    write_bytes(args.output, text.to_text(new).encode())
    log.info("Wrote upgraded SolverParameter text proto to %s", args.output)
    return 0
