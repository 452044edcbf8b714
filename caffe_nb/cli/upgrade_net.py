"""Rewrite an old net in today's format: a text becomes a text, a binary file (weights) a binary file.

Old are V0 and V1 layers, transforms inside data parameters, `input` fields, and the learning rates of BatchNorm's
statistics. A text loses its comments.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TypeVar

from google.protobuf import text_format
from google.protobuf.message import Message

from caffe_nb.cli import log as logs
from caffe_nb.cli.options import Parser
from caffe_nb.proto import binary, caffe_pb2, text
from caffe_nb.proto.files import open_bytes, read_bytes, write_bytes

M = TypeVar("M", bound=Message)

_LOOKED_AT = 2**16
_BINARY = bytes(set(range(32)) - set(b"\t\n\v\f\r\x1a"))
"""Bytes that no text has: every binary net begins its layers with one (0x06 or 0x12)."""


def add_arguments(parser: Parser) -> None:
    """Add the arguments of `caffe upgrade-net`."""
    parser.add_argument("input", help="the old net: a prototxt or a .caffemodel")
    parser.add_argument("output", help="the file to write; it may be the same one")


def run(args: argparse.Namespace) -> int:
    """Upgrade."""
    log = logs.start()
    kind = "binary" if is_binary(args.input) else "text"
    old, new = _read_binary(args.input) if kind == "binary" else _read_text(args.input)
    if old == new:
        log.warning("File already in latest proto format: %s", args.input)
    if kind == "binary":
        binary.write_net(args.output, new)
    else:
        write_bytes(args.output, text.to_text(new).encode())
    log.info("Wrote upgraded NetParameter %s proto to %s", kind, args.output)
    return 0


def is_binary(path: str | Path) -> bool:
    """Return whether a file of a net is a binary one, by what is in it.

    Parameters
    ----------
    path : path-like
        The file.
    """
    with open_bytes(path) as file:
        content = file.read(_LOOKED_AT)
    return len(content.translate(None, _BINARY)) != len(content)


def _read_binary(path: str) -> tuple[caffe_pb2.NetParameter, caffe_pb2.NetParameter]:
    new = binary.read_net(path)
    return caffe_pb2.NetParameter.FromString(read_bytes(path)), new


def _read_text(path: str) -> tuple[caffe_pb2.NetParameter, caffe_pb2.NetParameter]:
    new = text.read_net(path).param
    return as_it_stands(path, caffe_pb2.NetParameter()), new


def as_it_stands(path: str, message: M) -> M:
    """Return a text that can be parsed as a message that nothing has upgraded.

    Parameters
    ----------
    path : str
        The file.
    message : Message
        An empty one; filled.
    """
    text_format.Parse(read_bytes(path).decode("utf-8-sig", errors="backslashreplace"), message)
    return message
