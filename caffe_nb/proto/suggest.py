"""The words for a field or value which a prototxt has and Caffe does not."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from google.protobuf import text_format
from google.protobuf.descriptor import Descriptor, FieldDescriptor

from caffe_nb.errors import did_you_mean, listing
from caffe_nb.proto import caffe_pb2

_ROOTS = {"net": caffe_pb2.NetParameter.DESCRIPTOR, "solver": caffe_pb2.SolverParameter.DESCRIPTOR}
_UNSIGNED = (FieldDescriptor.TYPE_UINT32, FieldDescriptor.TYPE_UINT64)
# What protobuf for Python takes apart as protobuf for C++, and so Caffe, does.
_ESCAPE = re.compile(r"\\(?:[0-7]{1,3}|.)")
_KNOWN_ESCAPE = re.compile(r"\\(?:[abfnrtv\\'\"xuU]|[0-3]?[0-7]{1,2})")
_LONG = (FieldDescriptor.TYPE_INT64, FieldDescriptor.TYPE_UINT64)


@dataclass
class Block:
    """A block that is open: its name, kind, first line, the fields seen in it, and its ``type`` if it gave one."""

    name: str
    descriptor: Descriptor
    line: int
    seen: dict[str, int] = field(default_factory=dict)
    type: str = ""

    @property
    def words(self) -> str:
        """The block as a message calls it."""
        return f"a {self.name}" if self.name in _ROOTS else f"`{self.name}`"


def unknown_field(name: str, blocks: list[Block]) -> str:
    """Say that a block has no such field, and where it may belong.

    Parameters
    ----------
    name : str
        The field as it was written.
    blocks : list of Block
        The blocks that are open, outermost first.

    Returns
    -------
    str
        A few sentences.
    """
    block = blocks[-1]
    known = block.descriptor.fields_by_name
    message = f"{block.words} has no field '{name}'."
    inner = [each.name for each in known.values() if each.message_type and name in each.message_type.fields_by_name]
    fits = [each for each in inner if each.replace("_", "") == block.type.lower() + "param"] or inner
    root = root_with(name, blocks[0]) if len(blocks) == 1 else ""
    if root:
        return f"{message} It is a field of a {root}: is this the right file?"
    for outer in reversed(blocks[:-1]):
        if name in outer.descriptor.fields_by_name:
            return (
                f"{message} It is a field of {outer.words}: is a '}}' missing before it? "
                f"`{block.name}` was opened on line {block.line}."
            )
    near = did_you_mean(name, known)
    if fits and (not near or name in ("num_output", "kernel_size", "pad", "stride") or len(fits) <= 2):
        return f"{message} It belongs in {' or '.join(fits)}: write `{fits[0]} {{ {name}: ... }}`."
    return message + (near or f" It has: {listing(known)}.")


def root_with(name: str, block: Block) -> str:
    """Return "net" or "solver" where it has the field that the other, `block`, lacks; or nothing."""
    return next((root for root, kind in _ROOTS.items() if root != block.name and name in kind.fields_by_name), "")


def wrong_value(kind: FieldDescriptor, token: str) -> str:
    """Say why a token is no value for a field.

    Parameters
    ----------
    kind : FieldDescriptor
        A field that is not a block.
    token : str
        The token where its value should be; empty at the end of the text.

    Returns
    -------
    str
        A sentence or two; empty when the value is right.
    """
    takes = _takes(kind)
    if not token or token in "{}<>[]:;,":
        return f"'{kind.name}' takes {takes}, and no value is given."
    if kind.enum_type is not None:
        return _wrong_enum(kind, token)
    quoted = token[0] in "'\""
    if kind.cpp_type == FieldDescriptor.CPPTYPE_STRING:
        if not quoted:
            return f"'{kind.name}' takes {takes}: write `{kind.name}: \"{token}\"`."
        if len(token) < 2 or token[-1] != token[0]:
            return f"the text that starts here is not closed: a {token[0]} is missing before the end of the line."
        odd = next((escape for escape in _ESCAPE.findall(token) if not _KNOWN_ESCAPE.fullmatch(escape)), "")
        return f"'{odd}' means nothing in a text: write '\\\\' for a backslash, or '/' in a path." if odd else ""
    if quoted:
        return f"'{kind.name}' takes {takes}; write it without quotes."
    try:
        if kind.cpp_type == FieldDescriptor.CPPTYPE_BOOL:
            text_format.ParseBool(token)
        elif kind.cpp_type in (FieldDescriptor.CPPTYPE_FLOAT, FieldDescriptor.CPPTYPE_DOUBLE):
            text_format.ParseFloat(token)
        else:
            text_format.ParseInteger(token, is_signed=kind.type not in _UNSIGNED, is_long=kind.type in _LONG)
    except ValueError:
        return f"'{kind.name}' takes {takes}, not '{token}'."
    return ""


def _takes(kind: FieldDescriptor) -> str:
    if kind.enum_type is not None:
        return "one of " + listing(kind.enum_type.values_by_name)
    if kind.cpp_type == FieldDescriptor.CPPTYPE_STRING:
        return "a text in quotes"
    if kind.cpp_type == FieldDescriptor.CPPTYPE_BOOL:
        return "true or false"
    if kind.cpp_type in (FieldDescriptor.CPPTYPE_FLOAT, FieldDescriptor.CPPTYPE_DOUBLE):
        return "a number"
    return "a whole number from 0 up" if kind.type in _UNSIGNED else "a whole number"


def _wrong_enum(kind: FieldDescriptor, token: str) -> str:
    enum = kind.enum_type
    assert enum is not None
    if token in enum.values_by_name:
        return ""
    if re.fullmatch(r"-?[0-9]{1,18}", token):
        numbers = ", ".join(f"{value.number} ({value.name})" for value in enum.values)
        return "" if int(token) in enum.values_by_number else f"'{kind.name}' takes one of {numbers}, not {token}."
    bare = token.strip("'\"")
    if bare in enum.values_by_name:
        return f"'{kind.name}' takes a bare word: write `{kind.name}: {bare}`, without quotes."
    near = did_you_mean(bare, enum.values_by_name)
    return f"'{kind.name}' takes {_takes(kind)}, not {token}.{near}"
