"""Put the images that a list names, with their labels, into a new database for the Data layer.

Each line of the list has the name of an image and its label, a whole number. Images that cannot be read are left out,
with a warning each.
"""

from __future__ import annotations

import argparse
import io
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from caffe_nb import rng
from caffe_nb.cli import log as logs
from caffe_nb.cli.options import Parser, UsageError, whole
from caffe_nb.cli.progress import progress
from caffe_nb.data.image_list import read_list
from caffe_nb.data.images import decode, resize
from caffe_nb.data.paths import find
from caffe_nb.data.writer import Writer, backend_class
from caffe_nb.errors import FormatError, NetError
from caffe_nb.proto import caffe_pb2
from caffe_nb.pycaffe.io import array_to_datum

_INT32 = range(-(2**31), 2**31)
_JPEG_QUALITY = 95
"""OpenCV's own, and so Caffe's."""


class _Entry(NamedTuple):
    number: int
    name: str
    label: int
    line: int


def add_arguments(parser: Parser) -> None:
    """Add the options of `caffe convert-imageset`."""
    parser.add_argument("root", metavar="ROOTFOLDER/", help="put before each name as it is: end it with a slash")
    parser.add_argument("list", metavar="LISTFILE", help="the list of images and labels")
    parser.add_argument("database", metavar="DB_NAME", help="the folder to write; it must not exist")
    parser.flag("gray", "read the images as grey, one channel")
    parser.flag("shuffle", "put them in a random order")
    parser.option("backend", "lmdb (default) or leveldb", default="lmdb")
    parser.option("resize_width", "columns that the images are resized to", type=whole, default=0)
    parser.option("resize_height", "rows that the images are resized to; both are needed", type=whole, default=0)
    parser.flag("check_size", "end with an error where an image has another size than the first")
    parser.flag("encoded", "store the images as image files, not as pixels")
    parser.option("encode_type", "the kind of these files (png, jpg ...); that of each name by default", default="")


def run(args: argparse.Namespace) -> int:
    """Convert."""
    backend_class(args.backend)
    size = (max(0, args.resize_height), max(0, args.resize_width))
    if (size[0] == 0) != (size[1] == 0):
        raise UsageError("give both -resize_height and -resize_width, or neither")
    if args.encode_type and _pillow_format(args.encode_type) is None:
        raise UsageError(f"-encode_type '{args.encode_type}' is no kind of image file; png and jpg are")
    log = logs.start()
    entries = _entries(args.list)
    if args.shuffle:
        log.info("Shuffling data")
        entries = [entries[index] for index in rng.generator().permutation(len(entries))]
        entries = [entry._replace(number=number) for number, entry in enumerate(entries)]
    log.info("A total of %d images.", len(entries))
    if args.encode_type and not args.encoded:
        log.info("encode_type specified, assuming encoded=true.")
    with Writer(args.database, args.backend) as writer:
        for entry, datum in _datums(entries, args, size, log):
            writer.put(f"{entry.number:08d}_{entry.name}".encode(errors="surrogateescape"), datum.SerializeToString())
            if writer.count % 1000 == 0:
                log.info("Processed %d files.", writer.count)
        if not writer.count:
            joined = Path(args.root).is_dir() and not args.root.endswith(("/", os.sep))
            hint = f". The names stand right behind '{args.root}': end it with a slash" if joined else ""
            raise FormatError(f"none of the {len(entries)} images could be read; no database was written{hint}")
    if writer.count % 1000:
        log.info("Processed %d files.", writer.count)
    if writer.count < len(entries):
        log.warning("%d of %d images could not be read and were left out.", len(entries) - writer.count, len(entries))
    return 0


def _entries(source: str) -> list[_Entry]:
    path = find(source, [], "the list of images")
    entries = [_Entry(number, *entry) for number, entry in enumerate(zip(*read_list(path), strict=True))]
    for entry in entries:
        if entry.label not in _INT32:
            raise FormatError(
                f"the label {entry.label} does not fit into 32 bits", where=f"line {entry.line} of '{path}'"
            )
    return entries


def _datums(
    entries: list[_Entry], args: argparse.Namespace, size: tuple[int, int], log: logging.Logger
) -> Iterator[tuple[_Entry, caffe_pb2.Datum]]:
    """Make a datum of each image that can be read."""
    first: tuple[int, ...] | None = None
    with progress(log, "images", len(entries)) as tick:
        for entry in entries:
            path = Path(args.root + entry.name)
            try:
                content = path.read_bytes()
                image = decode(content, not args.gray, f"'{path}', line {entry.line} of '{args.list}',")
            except (OSError, ValueError) as error:  # a FormatError, or a name that no file can have
                log.warning("Could not open or find file %s: %s", path, error)
                continue
            finally:
                tick()
            if size != (0, 0):
                image = resize(image, *size)
            first = first or image.shape
            if args.check_size and image.shape != first:
                raise FormatError(
                    f"'{path}' has (rows, columns, channels) {image.shape} and the first image {first}; resize them all"
                    " with -resize_height and -resize_width, or leave -check_size out",
                    where=f"line {entry.line} of '{args.list}'",
                )
            yield entry, _datum(image, entry, content, args, size)


def _datum(
    image: NDArray[Any], entry: _Entry, content: bytes, args: argparse.Namespace, size: tuple[int, int]
) -> caffe_pb2.Datum:
    """Return pixels, or the file itself where it is as it is wanted, or a new file."""
    ending = Path(entry.name).suffix.lstrip(".").lower()
    kind = args.encode_type.lower() or (ending if args.encoded else "")
    if args.encoded and not kind:
        raise NetError(f"'{entry.name}' has no ending that says its kind: give -encode_type png or jpg")
    if not kind:
        return array_to_datum(image.transpose(2, 0, 1), entry.label)
    same = kind == ending or (kind == "jpg" and ending == "jpeg")
    if not (same and not args.gray and size == (0, 0)):
        content = _encode(image, kind, entry.name)
    return caffe_pb2.Datum(data=content, label=entry.label, encoded=True)


def _encode(image: NDArray[Any], kind: str, name: str) -> bytes:
    file_format = _pillow_format(kind)
    if file_format is None:
        raise NetError(f"'{name}' cannot be stored as '{kind}': give -encode_type png or jpg")
    pixels = image[:, :, 0] if image.shape[2] == 1 else np.ascontiguousarray(image[:, :, ::-1])
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, file_format, quality=_JPEG_QUALITY)
    return buffer.getvalue()


def _pillow_format(kind: str) -> str | None:
    file_format = Image.registered_extensions().get(f".{kind.lower()}")
    return file_format if file_format in Image.SAVE else None
