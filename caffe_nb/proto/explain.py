"""What is wrong with a prototxt, in words: the first mistake, its place, and what was likely meant."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from google.protobuf import text_format
from google.protobuf.descriptor import Descriptor, FieldDescriptor

from caffe_nb.errors import PrototxtError
from caffe_nb.proto.lines import position
from caffe_nb.proto.suggest import Block, unknown_field, wrong_value

_OPEN = {"{": "}", "<": ">"}
_QUOTES = ("'", '"')


class _MistakeError(Exception):
    """Ends the walk at the first mistake."""


@dataclass
class Walk:
    """Goes through the tokens beside the descriptors until something does not fit."""

    tokens: text_format.Tokenizer
    blocks: list[Block] = field(default_factory=list)
    line: int = 1
    column: int = 1
    mistake: str = ""

    def fail(self, message: str) -> _MistakeError:
        """Return what ends the walk, with the place where it is."""
        self.line, self.column = position(self.tokens)
        return _MistakeError(message)

    @property
    def token(self) -> str:
        """The token that is up next."""
        return str(self.tokens.token)

    def shown(self) -> str:
        """Return it as a message shows it."""
        return "the end of the text" if self.tokens.AtEnd() else f"'{self.token}'"

    def block(self, name: str, descriptor: Descriptor, line: int, end: str) -> None:
        """Walk over the fields of one block, up to and including its closing brace."""
        block = Block(name, descriptor, line)
        self.blocks.append(block)
        while self.token != end:
            if self.tokens.AtEnd():
                if not end:
                    break
                raise self.fail(f"the text ends inside `{name}`, opened on line {line}: a '{end}' is missing.")
            self.one_field(block)
        if end:
            self.tokens.NextToken()
        self.blocks.pop()

    def one_field(self, block: Block) -> None:
        """Walk over a field and its value."""
        name = self.token
        if not (name[0].isalpha() or name[0] == "_"):
            if name in "}>":
                raise self.fail(
                    f"a '{name}' too many: no block is open here."
                    if len(self.blocks) == 1
                    else f"`{block.name}`, opened on line {block.line}, does not end with '{name}'."
                )
            raise self.fail(f"expected the name of a field of {block.words}, found {self.shown()}.")
        kind = block.descriptor.fields_by_name.get(name)
        if kind is None:
            raise self.fail(unknown_field(name, self.blocks))
        line = position(self.tokens)[0]
        if kind.has_presence:
            if name in block.seen:
                raise self.fail(
                    f"'{name}' may stand only once in {block.words}; it is already there on line {block.seen[name]}."
                )
            block.seen[name] = line
        self.tokens.NextToken()
        self.values(block, kind, line)
        if self.token in (",", ";"):
            self.tokens.NextToken()

    def values(self, block: Block, kind: FieldDescriptor, line: int) -> None:
        """Walk over what follows a field's name: one value, one block, or a list of them."""
        is_block = kind.message_type is not None
        if self.token == ":":
            self.tokens.NextToken()
        elif not is_block:
            if self.token in _OPEN:
                raise self.fail(f"'{kind.name}' takes a value, not a block: write `{kind.name}: ...`.")
            raise self.fail(f"expected ':' and a value after '{kind.name}', found {self.shown()}.")
        if self.token != "[":
            self.value(block, kind, line)
            return
        if kind.has_presence:
            raise self.fail(f"'{kind.name}' takes one value, not a list.")
        self.tokens.NextToken()
        while self.token != "]":
            self.value(block, kind, position(self.tokens)[0])
            if self.token == ",":
                self.tokens.NextToken()
            elif self.token != "]":
                raise self.fail(f"expected ',' or ']' in the list of '{kind.name}', found {self.shown()}.")
        self.tokens.NextToken()

    def value(self, block: Block, kind: FieldDescriptor, line: int) -> None:
        """Walk over one value of a field."""
        if kind.message_type is not None:
            end = _OPEN.get(self.token)
            if end is None:
                raise self.fail(
                    f"'{kind.name}' is a block: expected '{{' after it, found {self.shown()}. "
                    f"Write `{kind.name} {{ ... }}`."
                )
            self.tokens.NextToken()
            self.block(kind.name, kind.message_type, line, end)
            return
        if kind.name == "type" and kind.type == FieldDescriptor.TYPE_STRING:
            block.type = self.token[1:-1]
        more = True
        while more:  # neighbouring strings are one
            problem = wrong_value(kind, self.token)
            if problem:
                raise self.fail(problem)
            quoted = self.token[0] in _QUOTES
            self.tokens.NextToken()
            more = quoted and self.token[:1] in _QUOTES


def walk_through(walk: Walk, descriptor: Descriptor) -> bool:
    """Walk through a whole text; return whether it has no mistake."""
    root = {"NetParameter": "net", "SolverParameter": "solver"}.get(descriptor.name, descriptor.name)
    try:
        walk.block(root, descriptor, 1, "")
    except _MistakeError as mistake:
        walk.mistake = str(mistake)
        return False
    return True


def explain(text: str, descriptor: Descriptor, name: str, error: text_format.ParseError) -> PrototxtError:
    """Return an error that says what is wrong with a text.

    Parameters
    ----------
    text : str
        A text which the parser has refused.
    descriptor : Descriptor
        The message it should be.
    name : str
        What the message calls the text.
    error : ParseError
        The parser's own error: its words are used where nothing better is found.

    Returns
    -------
    PrototxtError
        With line and column, the source line, and a caret under the place.
    """
    found = first_mistake(text, descriptor, name)
    return found or _error(_own_words(error), text, name, error.GetLine() or 0, error.GetColumn() or 0)


def first_mistake(text: str, descriptor: Descriptor, name: str) -> PrototxtError | None:
    """Return an error for the first mistake in a text, or None when there is none to be seen.

    Parameters
    ----------
    text : str
        The prototxt.
    descriptor : Descriptor
        The message it should be.
    name : str
        What the message calls the text.

    Returns
    -------
    PrototxtError or None
        With line and column, the source line, and a caret under the place.
    """
    walk = Walk(text_format.Tokenizer(text.split("\n")))
    if walk_through(walk, descriptor):
        return None
    return _error(walk.mistake, text, name, walk.line, walk.column)


def _error(message: str, text: str, name: str, line: int, column: int) -> PrototxtError:
    if not line:
        return PrototxtError(message, where=name)
    return PrototxtError(
        message + _excerpt(text, line, column),
        where=f"line {line}, column {column} of {name}",
        line=line,
        column=column,
    )


def _own_words(error: text_format.ParseError) -> str:
    # The library puts the place, and at times the source line, before what it says.
    return re.sub(r"^(\d+:\d+ : )?('.*': )?", "", str(error), count=1, flags=re.DOTALL)


def _excerpt(text: str, line: int, column: int) -> str:
    """Return the source line and a caret below the column; a window of it where the line is long."""
    source = text.split("\n")[line - 1].replace("\t", " ")
    if not source.strip():
        return ""
    start = max(0, column - 60)
    return f"\n    {source[start : start + 100]}\n    {' ' * (column - 1 - start)}^"
