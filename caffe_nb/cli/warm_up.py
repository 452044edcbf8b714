"""Compile all kernels ahead of their first use; done once on a machine."""

from __future__ import annotations

import argparse

from caffe_nb.cli.options import Parser
from caffe_nb.warm import warm_up


def add_arguments(parser: Parser) -> None:
    """Take none."""


def run(_args: argparse.Namespace) -> int:
    """Compile them and say how many it were."""
    compiled = warm_up()
    print(f"{compiled} kernels compiled" if compiled else "all kernels were compiled already")
    return 0
