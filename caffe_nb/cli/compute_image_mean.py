"""Compute the mean image of a database of images, and write it as a .binaryproto for `mean_file`.

The mean of each channel, for `mean_value`, is logged.
"""

from __future__ import annotations

import argparse
import logging
from typing import Any

import numpy as np
from numpy.typing import NDArray

from caffe_nb.cli import log as logs
from caffe_nb.cli.options import Parser
from caffe_nb.cli.progress import progress
from caffe_nb.data.cursor import Records
from caffe_nb.data.datum import datum_to_image, parse_datum
from caffe_nb.data.writer import backend_class
from caffe_nb.errors import ShapeError
from caffe_nb.proto.binary import array_to_blob, write_blob


def add_arguments(parser: Parser) -> None:
    """Add the options of `caffe compute-image-mean`."""
    parser.add_argument("database", metavar="INPUT_DB", help="the database")
    parser.add_argument("output", metavar="OUTPUT_FILE", nargs="?", default="", help="the .binaryproto to write")
    parser.option("backend", "lmdb (default) or leveldb", default="lmdb")


def run(args: argparse.Namespace) -> int:
    """Compute and write."""
    backend_class(args.backend)
    log = logs.start()
    mean = image_mean(Records(args.database, args.backend.upper(), None), log)
    if args.output:
        log.info("Write to %s", args.output)
        blob = array_to_blob(mean)
        blob.ClearField("shape")  # the four lengths of 2014, as Caffe's tool writes them: every reader knows them
        blob.num, (blob.channels, blob.height, blob.width) = 1, mean.shape
        write_blob(args.output, blob)
    log.info("Number of channels: %d", len(mean))
    for channel, values in enumerate(mean):
        log.info("mean_value channel [%d]: %g", channel, values.mean(dtype=np.float64))
    return 0


def image_mean(records: Records, log: logging.Logger) -> NDArray[Any]:
    """Return the mean of all images of a database.

    Parameters
    ----------
    records : Records
        The database; all its images have one size.
    log : logging.Logger
        Told after every 10,000 images.

    Returns
    -------
    (channels, height, width) ndarray of float32
        Summed up in float32 and in the order of the records, which gives Caffe's numbers.

    Raises
    ------
    FormatError
        When the database is empty or damaged.
    ShapeError
        When an image has another size than the first.
    """
    log.info("Starting iteration")
    total: NDArray[Any] | None = None
    count = 0
    with progress(log, "images") as tick:
        for where, content in records.once():
            image = datum_to_image(parse_datum(content, where), where)
            if total is None:
                total = np.zeros(image.shape, np.float32)
            if image.shape != total.shape:
                raise ShapeError(
                    f"{where} has channels, height and width {image.shape}, and the first record {total.shape}: a mean"
                    " needs images of one size; convert-imageset makes them with -resize_height and -resize_width"
                )
            total += image
            count += 1
            tick()
            if count % 10000 == 0:
                log.info("Processed %d files.", count)
    if count % 10000:
        log.info("Processed %d files.", count)
    assert total is not None  # `once` raises where there is no record
    total /= np.float32(count)
    return total
