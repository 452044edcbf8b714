"""Draw a net: .png, .svg, .pdf and others through Graphviz, or .dot, the graph as a text, without it."""

from __future__ import annotations

import argparse
import sys

from caffe_nb.cli.common import read_any_net
from caffe_nb.cli.options import Parser
from caffe_nb.core.layer import Phase
from caffe_nb.pycaffe.draw import draw_net_to_file


def add_arguments(parser: Parser) -> None:
    """Add the options of `caffe draw-net`."""
    parser.add_argument("input", help="the net's prototxt")
    parser.add_argument("output", help="the picture to write; its ending says the format")
    parser.option(
        "rankdir",
        "LR, from left to right (default), RL, TB, from top to bottom, or BT",
        default="LR",
        type=str.upper,
        choices=["LR", "RL", "TB", "BT"],
    )
    parser.option(
        "phase",
        "layers of TRAIN, TEST or ALL (default)",
        default="ALL",
        type=str.upper,
        choices=["TRAIN", "TEST", "ALL"],
    )
    parser.flag("display_lrm", "say the learning rate multipliers")


def run(args: argparse.Namespace) -> int:
    """Draw."""
    source = read_any_net(args.input)
    for field in (field for fields in source.unknown for field in fields):
        print(f"caffe draw-net: {source.name}, line {field.line}: {field.words} Not drawn.", file=sys.stderr)
    print(f"Drawing net to {args.output}", flush=True)
    phase = None if args.phase == "ALL" else Phase[args.phase]
    draw_net_to_file(source.param, args.output, args.rankdir, phase, args.display_lrm)
    return 0
