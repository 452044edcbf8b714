"""Run a net in the TEST phase over some batches and say the mean of each of its outputs."""

from __future__ import annotations

import argparse

from caffe_nb.cli import log as logs
from caffe_nb.cli.common import add_device, add_net, open_net, use_device
from caffe_nb.cli.options import Parser, UsageError
from caffe_nb.core.layer import Phase
from caffe_nb.solvers.outputs import Means


def add_arguments(parser: Parser) -> None:
    """Add the options of `caffe test`."""
    add_net(parser)
    add_device(parser)


def run(args: argparse.Namespace) -> int:
    """Test."""
    if not args.weights:
        raise UsageError("give the weights to test: -weights NET.caffemodel")
    log = logs.start()
    log.info(use_device(args))
    net = open_net(args, Phase.TEST)
    log.info("Running for %d iterations.", args.iterations)
    means, loss = Means(net), 0.0
    for batch in range(args.iterations):
        loss += net.forward_pass()
        means.add()
        for name in net.outputs:
            for value in net.blobs[name].const_data.ravel().tolist():
                log.info("Batch %d, %s = %g", batch, name, value)
    log.info("Loss: %g", loss / args.iterations)
    weights = net.blob_loss_weights
    for name, mean in means.by_name().items():
        weight = weights[name.split("[")[0] if name not in weights else name]
        log.info("%s = %g%s", name, mean, f" (* {weight:g} = {weight * mean:g} loss)" if weight else "")
    return 0
