"""Nets and solvers as text (prototxt): read with the place of every layer, and written."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar, cast

from google.protobuf import text_format
from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message

from caffe_nb.errors import FormatError, PrototxtError
from caffe_nb.proto import caffe_pb2
from caffe_nb.proto.explain import explain, first_mistake
from caffe_nb.proto.files import read_bytes
from caffe_nb.proto.lines import NetLines, net_lines
from caffe_nb.proto.unknown import ForeignType, UnknownField, several_unknown, unknown_fields
from caffe_nb.proto.upgrade import ADDED, UpgradeError, upgrade_net, upgrade_solver

M = TypeVar("M", bound=Message)

_ODD_ESCAPE = re.compile(r"\\(?:[^abfnrtv\\'\"0-7xuU]|[4-7][0-7]{2})")  # may also be in a comment


@dataclass(frozen=True)
class NetSource:
    """A net and where its text stands.

    Attributes
    ----------
    param : NetParameter
        The net, brought up to today's form.
    name : str
        What messages call the text: the file as it was given, or ``<string>``.
    path : Path or None
        The file; None for a text.
    lines : list of int
        1-based line of each layer of `param`, in order; an Input layer made from ``input`` has the line of the first.
    """

    param: caffe_pb2.NetParameter
    name: str = "<string>"
    path: Path | None = None
    lines: list[int] = field(default_factory=list)
    unknown: list[list[UnknownField]] = field(default_factory=list)
    """Of each layer the fields that Caffe does not have, then those outside of layers; empty for none at all."""


@dataclass(frozen=True)
class SolverSource:
    """A solver and where its text stands.

    Attributes
    ----------
    param : SolverParameter
        The solver, brought up to today's form, as are the nets inside it.
    name : str
        What messages call the text: the file as it was given, or ``<string>``.
    path : Path or None
        The file; None for a text.
    nets : dict of str to list of NetSource
        The nets that stand inside the solver's text, by field: ``net_param``, ``train_net_param``, ``test_net_param``.
        Their `param` is the message inside this `param`, their lines count in the solver's text.
    """

    param: caffe_pb2.SolverParameter
    name: str = "<string>"
    path: Path | None = None
    nets: dict[str, list[NetSource]] = field(default_factory=dict)


def read_net(source: str | os.PathLike[str], *, keep_unknown: bool = False) -> NetSource:
    """Read a net from a prototxt file.

    Parameters
    ----------
    source : path-like
        The file.
    keep_unknown : bool, default False
        Whether fields that Caffe does not have are kept aside, in `NetSource.unknown`, instead of refused; types that
        an old format does not have are taken as they stand.

    Returns
    -------
    NetSource
        The net and the lines of its layers.

    Raises
    ------
    MissingFileError
        When there is no such file.
    PrototxtError
        When the text is not a net; with line, column, and what was likely meant.
    FormatError
        When a net in an older format cannot be brought up to date.
    """
    return _net(_text(source), os.fspath(source), Path(source), keep_unknown)


def parse_net(text: str, name: str = "<string>", *, keep_unknown: bool = False) -> NetSource:
    """Read a net from a text.

    Parameters
    ----------
    text : str
        The prototxt.
    name : str, default "<string>"
        What messages call it.
    keep_unknown : bool, default False
        As for `read_net`.

    Returns
    -------
    NetSource
        The net and the lines of its layers.

    Raises
    ------
    PrototxtError
        When the text is not a net; with line, column, and what was likely meant.
    FormatError
        When a net in an older format cannot be brought up to date.
    """
    if text.endswith(".prototxt") and "{" not in text:
        raise PrototxtError(f"'{text}' is the name of a file, and a net's text is asked for; Net(name) reads a file")
    return _net(text, name, None, keep_unknown)


def read_solver(source: str | os.PathLike[str], *, keep_unknown: bool = False) -> SolverSource:
    """Read a solver from a prototxt file.

    Parameters
    ----------
    source : path-like
        The file.
    keep_unknown : bool, default False
        As for `read_net`, in the nets that stand inside the solver; its own unknown fields are refused.

    Returns
    -------
    SolverSource
        The solver and the nets inside it.

    Raises
    ------
    MissingFileError
        When there is no such file.
    PrototxtError
        When the text is not a solver; with line, column, and what was likely meant.
    FormatError
        When the solver or a net inside it cannot be brought up to date.
    """
    return _solver(_text(source), os.fspath(source), Path(source), keep_unknown)


def parse_solver(text: str, name: str = "<string>", *, keep_unknown: bool = False) -> SolverSource:
    """Read a solver from a text.

    Parameters
    ----------
    text : str
        The prototxt.
    name : str, default "<string>"
        What messages call it.
    keep_unknown : bool, default False
        As for `read_solver`.

    Returns
    -------
    SolverSource
        The solver and the nets inside it.

    Raises
    ------
    PrototxtError
        When the text is not a solver; with line, column, and what was likely meant.
    FormatError
        When the solver or a net inside it cannot be brought up to date.
    """
    return _solver(text, name, None, keep_unknown)


def to_text(message: Message) -> str:
    """Return a message as prototxt, two spaces a level, fields in the order of their numbers.

    Parameters
    ----------
    message : Message
        A net, a solver, or any part of one.

    Returns
    -------
    str
        What `parse_net` or `parse_solver` reads back to an equal message; text outside ASCII is kept as it is.
    """
    return text_format.MessageToString(message, as_utf8=True)


def _text(source: str | os.PathLike[str]) -> str:
    # Bytes that are not UTF-8 are common in comments, where they do not matter; elsewhere they become escapes, which
    # the parser refuses at their place.
    return read_bytes(source).decode("utf-8-sig", errors="backslashreplace")


def _net(text: str, name: str, path: Path | None, keep_unknown: bool) -> NetSource:
    text = _newlines(text)
    param, unknown, types = _parse(text, caffe_pb2.NetParameter(), name, keep_unknown)
    foreign = {each.layer: each.word for each in types} if keep_unknown else None
    return _net_source(param, net_lines(text)[0], name, path, unknown, foreign)


def _solver(text: str, name: str, path: Path | None, keep_unknown: bool) -> SolverSource:
    text = _newlines(text)
    param, unknown, types = _parse(text, caffe_pb2.SolverParameter(), name, keep_unknown)
    outside = [each for each in unknown if each.net < 0]
    if outside:
        raise outside[0].error or several_unknown(unknown, [(each.line, str(each)) for each in types], name)
    nets: dict[str, list[NetSource]] = {}
    for index, lines in enumerate(net_lines(text)[1:]):
        found = getattr(param, lines.field)
        siblings = nets.setdefault(lines.field, [])
        inner = found[len(siblings)] if lines.field == "test_net_param" else found
        mine = [each for each in unknown if each.net == index]
        foreign = {each.layer: each.word for each in types if each.net == index} if keep_unknown else None
        siblings.append(_net_source(inner, lines, name, path, mine, foreign))
    try:
        upgrade_solver(param)
    except FormatError as error:
        raise FormatError(error.message, where=name) from error
    return SolverSource(param, name, path, nets)


def _net_source(
    param: caffe_pb2.NetParameter,
    lines: NetLines,
    name: str,
    path: Path | None,
    unknown: Sequence[UnknownField] = (),
    foreign: dict[int, str] | None = None,
) -> NetSource:
    try:
        origins = upgrade_net(param, foreign)
    except UpgradeError as error:
        line = lines.input if error.layer is None else lines.layers[error.layer]
        raise FormatError(error.message, where=f"line {line} of {name}") from error
    places = [lines.input if at == ADDED else lines.layers[at] for at in origins]
    kept = [[each for each in unknown if each.layer == at != ADDED] for at in origins]
    outside = [each for each in unknown if each.layer < 0]
    return NetSource(param, name, path, places, [*kept, outside] if unknown else [])


def _newlines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _parse(
    text: str, message: M, name: str, keep_unknown: bool = False
) -> tuple[M, list[UnknownField], list[ForeignType]]:
    descriptor = cast(Descriptor, message.DESCRIPTOR)
    # Caffe refuses an unknown escape ("C:\\data"); protobuf for Python would take it with a warning.
    odd = first_mistake(text, descriptor, name) if _ODD_ESCAPE.search(text) else None
    if odd:
        raise _binary(text, name) if "\0" in text else odd
    unknown: list[UnknownField] = []
    types: list[ForeignType] = []
    try:
        text_format.Parse(text, message)
    except text_format.ParseError as error:
        if "\0" in text:
            raise _binary(text, name) from error
        known, unknown, types = unknown_fields(text, descriptor)
        count = len(unknown) + len(types)
        if count > 1 and not keep_unknown:
            raise several_unknown(unknown, [(each.line, str(each)) for each in types], name) from error
        alone = explain(text, descriptor, name, error)
        if not count or not keep_unknown:
            raise alone from error
        unknown = [replace(each, error=alone if count == 1 else None) for each in unknown]
        message.Clear()
        try:
            text_format.Parse(known, message)
        except text_format.ParseError as other:
            raise explain(known, descriptor, name, other) from other
    missing = cast(Any, message).FindInitializationErrors()  # protobuf has it, its stubs do not
    if missing:
        raise _incomplete(missing[0], text, name)
    return message, unknown, types


def _binary(text: str, name: str) -> PrototxtError:
    """Return the error for a file that is no text."""
    line = text.count("\n", 0, text.index("\0")) + 1
    return PrototxtError(
        "expected a text (.prototxt), but this is a binary file. Weights (.caffemodel) go where weights are asked for; "
        "the net's structure is in a file of its own.",
        where=f"line {line} of {name}",
        line=line,
    )


def _incomplete(missing: str, text: str, name: str) -> PrototxtError:
    """Return the error for a required field that is not there, given as ``layer[3].clip_param.max``."""
    path, _, wanted = missing.rpartition(".")
    message = f"`{path}` must set '{wanted}'."
    layer = re.match(r"layer\[(\d+)\]", path)
    if layer is None:
        return PrototxtError(message, where=name)
    line = net_lines(text)[0].layers[int(layer[1])]
    return PrototxtError(message, where=f"line {line} of {name}", line=line)
