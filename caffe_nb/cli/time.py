"""Time a net: the mean milliseconds of every layer, forward and backward."""

from __future__ import annotations

import argparse

from caffe_nb.cli import log as logs
from caffe_nb.cli.common import add_device, add_net, open_net, phase_of, use_device
from caffe_nb.cli.options import Parser


def add_arguments(parser: Parser) -> None:
    """Add the options of `caffe time`."""
    add_net(parser)
    parser.option("phase", "TRAIN (default) or TEST", default="TRAIN")
    add_device(parser)


def run(args: argparse.Namespace) -> int:
    """Time."""
    phase = phase_of(args.phase)
    log = logs.start()
    log.info(use_device(args))
    net = open_net(args, phase)
    log.info("Performing Forward")
    log.info("Initial loss: %g", net.forward_pass())
    log.info("Performing Backward")
    net.backward_pass()
    log.info("*** Benchmark begins ***\nTesting for %d iterations.", args.iterations)
    times = net.time(
        args.iterations,
        backward=True,
        after_iteration=lambda number, seconds: log.info(
            "Iteration: %d forward-backward time: %.4g ms.", number, 1000 * seconds
        ),
    )
    log.info("Average time per layer: ")
    for name, forward, backward in zip(times.layers, times.forward.T, times.backward.T, strict=True):
        log.info("%10s\tforward: %.4g ms.", name, 1000 * forward.mean())
        log.info("%10s\tbackward: %.4g ms.", name, 1000 * backward.mean())
    forward, backward = 1000 * times.forward_passes.mean(), 1000 * times.backward_passes.mean()
    log.info("Average Forward pass: %.4g ms.", forward)
    log.info("Average Backward pass: %.4g ms.", backward)
    log.info("Average Forward-Backward: %.4g ms.", forward + backward)
    log.info("Total Time: %.4g ms.\n*** Benchmark ends ***", args.iterations * (forward + backward))
    return 0
