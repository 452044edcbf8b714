"""Rewrite an old net in today's format: a text becomes a text, a binary file (weights) a binary file.

Old are V0 and V1 layers, transforms inside data parameters, `input` fields, and the learning rates of BatchNorm's
statistics. A text loses its comments. Fields that Caffe does not have are written as they stand, with a warning.
"""

from __future__ import annotations

import argparse
import logging
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar, cast

from google.protobuf import text_format
from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message

from caffe_nb.cli import log as logs
from caffe_nb.cli.common import read_any_net
from caffe_nb.cli.options import Parser
from caffe_nb.errors import FormatError
from caffe_nb.proto import binary, caffe_pb2, text
from caffe_nb.proto.files import open_bytes, read_bytes, write_bytes
from caffe_nb.proto.unknown import ForeignType, UnknownField, unknown_fields

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
    if kind == "binary":
        new = binary.read_net(args.input)
        _say_if_current(caffe_pb2.NetParameter.FromString(read_bytes(args.input)) == new, args.input, log)
        binary.write_net(args.output, new)
    else:
        source = read_any_net(args.input)
        old, unknown = as_it_stands(args.input, caffe_pb2.NetParameter())
        result = _as_text(source)
        for each in unknown:
            log.warning("%s, line %d: %s Kept as it stands.", args.input, each.line, each.words)
        _say_if_current(old == source.param, args.input, log)
        write_bytes(args.output, result.encode())
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


def _say_if_current(current: bool, path: str, log: logging.Logger) -> None:
    if current:
        log.warning("File already in latest proto format: %s", path)


def _as_text(source: text.NetSource) -> str:
    """Return a net as prototxt, with the fields that Caffe does not have as they stand in its text."""
    if not source.unknown:
        return text.to_text(source.param)
    lines: list[str] = []
    net = caffe_pb2.NetParameter()
    for layer, unknown in zip(source.param.layer, source.unknown, strict=False):
        del net.layer[:]
        net.layer.append(layer)
        part = text.to_text(net).splitlines()
        for field in unknown:
            _insert(part, ("layer", *field.path), field, source.name)
        lines += part
    net.CopyFrom(source.param)
    del net.layer[:]
    around = text.to_text(net).splitlines()
    for field in source.unknown[-1]:
        _insert(around, field.path, field, source.name)
    return "\n".join([*around, *lines, ""])


def _insert(lines: list[str], path: Sequence[str], field: UnknownField, name: str) -> None:
    """Put a field at the end of the block that it belongs to; blocks that an upgrade has emptied are opened again."""
    start, end = 0, len(lines)
    for depth, block in enumerate(path):
        indent = "  " * depth
        found = [at for at in range(start, end) if lines[at] == f"{indent}{block} {{"]
        if len(found) > 1:
            raise FormatError(
                f"'{field.name}' is no field of Caffe's, and stands in one of {len(found)} blocks '{block}'; take it "
                "out, and put it back in the upgraded file",
                where=f"line {field.line} of {name}",
            )
        if not found:
            lines[end:end] = [f"{indent}{block} {{", f"{indent}}}"]
            found = [end]
        start = found[0] + 1
        end = lines.index(f"{indent}}}", start)
    first, _, rest = field.text.partition("\n")
    written = "\n".join([first, textwrap.dedent(rest)] if rest else [first])
    lines[end:end] = textwrap.indent(written, "  " * len(path)).split("\n")


def as_it_stands(path: str, message: M) -> tuple[M, list[UnknownField | ForeignType]]:
    """Return a text that can be read as a message that nothing has upgraded, and what it has that Caffe has not.

    Parameters
    ----------
    path : str
        The file.
    message : Message
        An empty one; filled.
    """
    content = read_bytes(path).decode("utf-8-sig", errors="backslashreplace")
    known, fields, types = unknown_fields(content, cast(Descriptor, message.DESCRIPTOR))
    text_format.Parse(known, message)
    return message, [*fields, *types]
