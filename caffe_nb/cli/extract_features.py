"""Run a net in the TEST phase over batches of its data layer and write blobs into new databases, a record an item.

Several blobs and their databases are given with commas between.
"""

from __future__ import annotations

import argparse
import contextlib
import logging

import numpy as np

from caffe_nb import device
from caffe_nb.cli import log as logs
from caffe_nb.cli.options import Parser, UsageError, count
from caffe_nb.cli.progress import progress
from caffe_nb.core.blob import Blob
from caffe_nb.core.layer import Phase
from caffe_nb.data.writer import Writer, backend_class
from caffe_nb.errors import NetError, ShapeError, did_you_mean, listing
from caffe_nb.net import Net
from caffe_nb.pycaffe.io import array_to_datum


def add_arguments(parser: Parser) -> None:
    """Add the arguments of `caffe extract-features`."""
    parser.add_argument("weights", metavar="WEIGHTS", help="the .caffemodel")
    parser.add_argument("net", metavar="NETPROTO", help="the net's prototxt, with a data layer")
    parser.add_argument("blobs", metavar="BLOB[,BLOB2...]", help="what to write")
    parser.add_argument("databases", metavar="DB[,DB2...]", help="a new database for each")
    parser.add_argument("batches", metavar="NUM_BATCHES", type=count, help="how many batches to run")
    parser.add_argument("backend", metavar="DB_TYPE", help="lmdb or leveldb")
    parser.add_argument("mode", metavar="CPU|GPU", nargs="?", default="CPU", help="where to compute (CPU)")
    parser.add_argument("device", metavar="DEVICE_ID", nargs="?", default="0", help="which GPU (0)")


def run(args: argparse.Namespace) -> int:
    """Extract."""
    names, databases = args.blobs.split(","), args.databases.split(",")
    if len(names) != len(databases):
        raise UsageError(f"each blob needs a database: got {len(names)} blobs and {len(databases)} databases")
    if len(set(databases)) != len(databases):
        raise UsageError(f"each blob needs a database of its own: got {args.databases}")
    if args.mode.upper() not in ("CPU", "GPU"):
        raise UsageError(f"after DB_TYPE comes CPU or GPU, not '{args.mode}'")
    backend_class(args.backend)
    log = logs.start()
    _use(args.mode.upper(), args.device, log)
    net = Net(args.net, phase=Phase.TEST, weights=args.weights)
    for name in names:
        if name not in net.blobs:
            raise NetError(
                f"the net has no blob '{name}'.{did_you_mean(name, net.blobs)} Its blobs: {listing(net.blobs, 40)}"
            )
    with contextlib.ExitStack() as stack:
        writers = {
            name: stack.enter_context(Writer(path, args.backend)) for name, path in zip(names, databases, strict=True)
        }
        log.info("Extracting Features")
        tick = stack.enter_context(progress(log, "batches", args.batches))
        for _ in range(args.batches):
            net.forward_pass()
            for name, writer in writers.items():
                _put(writer, net.blobs[name], name, log)
            tick()
    for name, writer in writers.items():
        if writer.count % 1000:
            _log_count(log, writer, name)
    log.info("Successfully extracted the features!")
    return 0


def _use(mode: str, number: str, log: logging.Logger) -> None:
    digits = number.upper().removeprefix("DEVICE_ID=")
    if not digits.isdecimal():
        raise UsageError(f"DEVICE_ID is the number of a GPU, not '{number}'")
    if mode == "GPU":
        log.info("Using Device_id=%s", digits)
        device.set_device(int(digits))
        device.set_mode_gpu()
    else:
        log.info("Using CPU")
        device.set_mode_cpu()


def _put(writer: Writer, blob: Blob, name: str, log: logging.Logger) -> None:
    """Write the items of a blob, numbered on from the last batch; Caffe gives each missing axis the length 1."""
    if len(blob.shape) > 4:
        raise ShapeError(
            f"blob '{name}' has shape {tuple(blob.shape)}; a record holds channels, height and width: at most four axes"
            " with the items"
        )
    shape = (*blob.shape, 1, 1, 1, 1)[:4]
    for item in np.asarray(blob.const_data, np.float32).reshape(shape):
        writer.put(b"%010d" % writer.count, array_to_datum(item).SerializeToString())
        if writer.count % 1000 == 0:
            _log_count(log, writer, name)


def _log_count(log: logging.Logger, writer: Writer, name: str) -> None:
    log.info("Extracted features of %d query images for feature blob %s", writer.count, name)
