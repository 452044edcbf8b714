"""Time a net: the mean milliseconds of every layer, forward and backward."""

from __future__ import annotations

import argparse
from collections import defaultdict
from time import perf_counter

from caffe_nb.cli import log as logs
from caffe_nb.cli.common import add_device, add_net, open_net, phase_of, use_device
from caffe_nb.cli.options import Parser, UsageError
from caffe_nb.net import Net


def add_arguments(parser: Parser) -> None:
    """Add the options of `caffe time`."""
    add_net(parser)
    parser.option("phase", "TRAIN (default) or TEST", default="TRAIN")
    add_device(parser)


def run(args: argparse.Namespace) -> int:
    """Time."""
    phase = phase_of(args.phase)
    if args.iterations < 1:
        raise UsageError(f"-iterations is a number from 1 up, got {args.iterations}")
    log = logs.start()
    use_device(args)
    log.info("Use CPU.")
    net = open_net(args, phase)
    log.info("Performing Forward")
    log.info("Initial loss: %g", net.forward_pass())  # the first pass compiles; it does not count
    log.info("Performing Backward")
    net.backward_pass()
    log.info("*** Benchmark begins ***\nTesting for %d iterations.", args.iterations)
    watch = _Stopwatch(net)
    begun = perf_counter()
    for iteration in range(args.iterations):
        start = perf_counter()
        net.forward_pass()
        middle = perf_counter()
        net.backward_pass()
        end = perf_counter()
        watch.add("forward", middle - start)
        watch.add("backward", end - middle)
        log.info("Iteration: %d forward-backward time: %.4g ms.", iteration + 1, 1000 * (end - start))
    total = perf_counter() - begun
    log.info("Average time per layer: ")
    for node in net.nodes:
        for way in ("forward", "backward"):
            log.info("%10s\t%s: %.4g ms.", node.name, way, watch.mean((node.index, way), args.iterations))
    forward, backward = (watch.mean(way, args.iterations) for way in ("forward", "backward"))
    log.info("Average Forward pass: %.4g ms.", forward)
    log.info("Average Backward pass: %.4g ms.", backward)
    log.info("Average Forward-Backward: %.4g ms.", forward + backward)
    log.info("Total Time: %.4g ms.\n*** Benchmark ends ***", 1000 * total)
    return 0


class _Stopwatch:
    """Adds up the seconds of every layer, through the net's hooks."""

    def __init__(self, net: Net) -> None:
        self._seconds: defaultdict[object, float] = defaultdict(float)
        self._start = 0.0
        for way in ("forward", "backward"):
            getattr(net, f"before_{way}")(self._begin)
            getattr(net, f"after_{way}")(lambda index, way=way: self._end(index, way))

    def _begin(self, index: int) -> None:
        self._start = perf_counter()

    def _end(self, index: int, way: str) -> None:
        self._seconds[index, way] += perf_counter() - self._start

    def add(self, what: str, seconds: float) -> None:
        """Add seconds to what is not a layer."""
        self._seconds[what] += seconds

    def mean(self, what: object, count: int) -> float:
        """Return the mean milliseconds."""
        return 1000 * self._seconds[what] / count
