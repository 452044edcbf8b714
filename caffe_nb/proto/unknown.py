"""The fields of a prototxt that Caffe does not have: all of them at once, and what they hold as plain data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from google.protobuf import text_encoding, text_format
from google.protobuf.descriptor import Descriptor, FieldDescriptor

from caffe_nb.errors import PrototxtError, did_you_mean, listing
from caffe_nb.proto.explain import Walk, walk_through
from caffe_nb.proto.lines import NETS, position
from caffe_nb.proto.suggest import Block, root_with

_CLOSING = {"{": "}", "<": ">"}
_LAYERS = ("layer", "layers")


@dataclass(frozen=True)
class UnknownField:
    """A field that its block does not have.

    Attributes
    ----------
    name : str
        The field.
    block : str
        The block that it stands in, as a message calls it.
    path : tuple of str
        The blocks between it and its layer, outermost first; of the whole text where it stands in no layer.
    layer : int
        Which layer of the text it belongs to, from 0; -1 for none.
    net : int
        Which of the nets inside a solver it belongs to, from 0; -1 for none.
    line, column : int
        1-based.
    value : object
        What it holds: text, number, bool, a bare word as text, or a dict of the fields of a block; a field that is
        given several times has a list of them.
    near : str
        "Did you mean ...?", or nothing.
    error : PrototxtError or None
        What to raise when it is the only one of its text: with the source line and a caret under the place.
    """

    name: str
    block: str
    path: tuple[str, ...]
    layer: int
    net: int
    line: int
    column: int
    value: Any
    near: str = ""
    error: PrototxtError | None = None
    text: str = ""
    """As it stands in the prototxt, from its name on."""

    def __str__(self) -> str:
        return f"line {self.line}, column {self.column}: {self.words}"

    @property
    def words(self) -> str:
        """A sentence about it."""
        return f"{self.block} has no field '{self.name}'.{self.near}"


@dataclass(frozen=True)
class ForeignType:
    """The type of a V1 layer that is none of V1's words.

    Attributes
    ----------
    word : str
        As the text has it.
    layer : int
        Which layer of the text, from 0.
    net : int
        Which of the nets inside a solver, from 0; -1 for none.
    line : int
        1-based.
    """

    word: str
    layer: int
    net: int
    line: int

    def __str__(self) -> str:
        return self.words.rstrip(".")

    @property
    def words(self) -> str:
        """A sentence about it."""
        return f"the type '{self.word}' is none of the V1 format."


def unknown_fields(text: str, descriptor: Descriptor) -> tuple[str, list[UnknownField], list[ForeignType]]:
    """Return the text with its unknown fields and V1 types blanked out, and these.

    Parameters
    ----------
    text : str
        A prototxt.
    descriptor : Descriptor
        The message it should be.

    Returns
    -------
    str, list of UnknownField, list of ForeignType
        In the text every other character stands where it stood. The lists are empty where there are none, and where
        the text has a mistake of another kind.
    """
    lines = text.split("\n")
    lines.append("")  # so that what stands last ends before it
    walk = _Collector(text_format.Tokenizer(lines), end=len(lines), lines=lines)
    if not walk_through(walk, descriptor):
        return text, [], []
    for (line, column), (end_line, end_column) in walk.spans:
        for number in range(line, end_line + 1):
            start = column - 1 if number == line else 0
            stop = end_column - 1 if number == end_line else len(lines[number - 1])
            row = lines[number - 1]
            lines[number - 1] = row[:start] + " " * (stop - start) + row[stop:]
    return "\n".join(lines), walk.unknown, walk.types


@dataclass
class _Collector(Walk):
    """Goes on at a field that is unknown, and remembers it."""

    unknown: list[UnknownField] = field(default_factory=list)
    spans: list[tuple[tuple[int, int], tuple[int, int]]] = field(default_factory=list)
    types: list[ForeignType] = field(default_factory=list)
    nets: int = 0
    layers: int = 0
    end: int = 0
    lines: Sequence[str] = ()
    named: tuple[int, int] = (1, 1)

    @property
    def depth(self) -> int:
        """How many blocks are open around the layers here: a solver may have nets inside."""
        return 2 if len(self.blocks) > 1 and self.blocks[1].name in NETS else 1

    @property
    def net(self) -> int:
        """Which net inside a solver this is; -1 outside."""
        return self.nets - 1 if self.depth == 2 else -1

    def block(self, name: str, descriptor: Descriptor, line: int, end: str) -> None:
        if len(self.blocks) == 1 and name in NETS:
            self.nets, self.layers = self.nets + 1, 0
        if len(self.blocks) == self.depth and name in _LAYERS:
            self.layers += 1
        super().block(name, descriptor, line, end)

    def value(self, block: Block, kind: FieldDescriptor, line: int) -> None:
        enum = kind.enum_type
        word = self.token
        v1 = (
            enum is not None and enum.name == "LayerType" and len(self.blocks) == self.depth + 1 and word.isidentifier()
        )
        if not v1 or enum is None or word in enum.values_by_name:
            super().value(block, kind, line)
            return
        start = self.named
        self.tokens.NextToken()
        self.types.append(ForeignType(word, self.layers - 1, self.net, line))
        self.spans.append((start, self.here()))

    def here(self) -> tuple[int, int]:
        """Return where the token that is up next begins; behind the text where there is none."""
        return (self.end, 1) if self.tokens.AtEnd() else position(self.tokens)

    def one_field(self, block: Block) -> None:
        name = self.token
        self.named = position(self.tokens)
        if not (name[0].isalpha() or name[0] == "_") or name in block.descriptor.fields_by_name:
            super().one_field(block)
            return
        start = self.named
        self.tokens.NextToken()
        value = self.anything()
        if self.token in (",", ";"):
            self.tokens.NextToken()
        end = self.here()
        depth = self.depth
        inside = len(self.blocks) > depth and self.blocks[depth].name in _LAYERS
        path = tuple(each.name for each in self.blocks[depth + inside :])
        path = path[1:] if inside and path[:1] == ("layer",) else path  # of V0: layers { layer { } }
        root = root_with(name, block) if len(self.blocks) == 1 else ""
        known = did_you_mean(name, block.descriptor.fields_by_name)
        near = f" It is a field of a {root}: is this the right file?" if root else known
        layer = self.layers - 1 if inside else -1
        text = self.between(start, end)
        self.unknown.append(UnknownField(name, block.words, path, layer, self.net, *start, value, near, text=text))
        self.spans.append((start, end))

    def between(self, start: tuple[int, int], end: tuple[int, int]) -> str:
        """Return the text from one place to another, without the comments that follow what stands there."""
        lines = list(self.lines[start[0] - 1 : end[0]])
        lines[-1] = lines[-1][: end[1] - 1]
        lines[0] = lines[0][start[1] - 1 :]
        while not lines[-1].strip() or lines[-1].lstrip().startswith("#"):
            lines.pop()
        return "\n".join(lines).rstrip()

    def anything(self) -> Any:
        """Take what follows an unknown field's name, whatever it is."""
        if self.token == ":":
            self.tokens.NextToken()
        if self.token == "[":
            self.tokens.NextToken()
            values = []
            while self.token != "]":
                values.append(self.anything())
                if self.token == ",":
                    self.tokens.NextToken()
            self.tokens.NextToken()
            return values
        if self.token in _CLOSING:
            return self.fields(_CLOSING[self.token])
        if self.tokens.AtEnd() or self.token in "}>]:;,":
            raise self.fail(f"a value is expected here, found {self.shown()}.")
        return self.scalar()

    def fields(self, end: str) -> dict[str, Any]:
        """Take the fields of an unknown block."""
        line = position(self.tokens)[0]
        self.tokens.NextToken()
        found: dict[str, list[Any]] = {}
        while self.token != end:
            if self.tokens.AtEnd() or not (self.token[0].isalpha() or self.token[0] == "_"):
                raise self.fail(f"the block opened on line {line} does not end: a '{end}' is missing.")
            name = self.token
            self.tokens.NextToken()
            value = self.anything()
            found.setdefault(name, []).extend(value if isinstance(value, list) else [value])
            if self.token in (",", ";"):
                self.tokens.NextToken()
        self.tokens.NextToken()
        return {name: values[0] if len(values) == 1 else values for name, values in found.items()}

    def scalar(self) -> Any:
        """Take one value: neighbouring strings are one."""
        token = self.token
        self.tokens.NextToken()
        if token[0] in "'\"":
            text = _unescaped(token)
            while self.token[:1] in ("'", '"') and self.token:
                text += _unescaped(self.token)
                self.tokens.NextToken()
            return text
        if token in ("true", "false"):
            return token == "true"
        for number in (int, float):
            try:
                return number(token.rstrip("fF") if number is float else token)
            except ValueError:
                continue
        return token


def _unescaped(token: str) -> str:
    try:
        return text_encoding.CUnescape(token[1:-1]).decode("utf-8", "replace")
    except UnicodeError:  # an escape for what is no character
        return token[1:-1]


def as_data(fields: Sequence[UnknownField]) -> dict[str, Any]:
    """Return the unknown fields of one layer as one dict, by their blocks and names.

    Parameters
    ----------
    fields : sequence of UnknownField
        All of one layer.

    Returns
    -------
    dict
        A field that is given several times has a list of its values.
    """
    result: dict[str, Any] = {}
    for each in fields:
        place = result
        for name in each.path:
            place = place.setdefault(name, {})
        if each.name in place:
            before = place[each.name]
            place[each.name] = [*(before if isinstance(before, list) else [before]), each.value]
        else:
            place[each.name] = each.value
    return result


def several_unknown(fields: Sequence[UnknownField], types: Sequence[tuple[int, str]], name: str) -> PrototxtError:
    """Return one error for all that a text has and Caffe does not.

    Parameters
    ----------
    fields : sequence of UnknownField
        Its unknown fields.
    types : sequence of (int, str)
        Lines of layers of unknown types, with a sentence for each.
    name : str
        What the message calls the text.
    """
    said: dict[str, list[tuple[int, str]]] = {}
    for each in fields:
        said.setdefault(each.words, []).append((each.line, str(each)))
    for line, text in types:
        said.setdefault(text, []).append((line, f"line {line}: {text}"))
    alike = [sorted(group) for group in said.values()]
    listed = "\n".join(f"    {group[0][1]}{_also(group[1:])}" for group in sorted(alike))
    first = min(fields, key=lambda each: (each.line, each.column), default=None)
    line, column = (first.line, first.column) if first else (types[0][0], 0)
    return PrototxtError(
        f"{len(fields) + len(types)} things in this text are unknown here:\n{listed}",
        where=f"line {line}, column {column} of {name}" if first else f"line {line} of {name}",
        line=line,
        column=column,
    )


def _also(others: Sequence[tuple[int, str]]) -> str:
    lines = listing(str(line) for line, _ in others)
    return f" (also on line{'s' if len(others) > 1 else ''} {lines})" if others else ""
