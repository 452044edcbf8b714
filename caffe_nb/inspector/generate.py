"""Write extension/src/protocol.ts from `caffe_nb.inspector.messages`, and the colours of tensors with it.

``python -m caffe_nb.inspector.generate`` writes it, ``--check`` only says (exit status 1) whether it is stale.
"""

from __future__ import annotations

import argparse
import ast
import inspect
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import msgspec
import msgspec.inspect as types
from msgspec import Struct

from caffe_nb.inspector import messages, palette, pieces, training_messages

TARGET = Path(__file__).resolve().parents[2] / "extension" / "src" / "protocol.ts"
MODULES = (pieces, training_messages, messages)
UNIONS = ("Request", "Reply", "Push")
WIDTH = 110

HEADER = """\
// Generated from caffe_nb/inspector/messages.py by `python -m caffe_nb.inspector.generate`. Do not edit.
"""

READERS = """\
/** A message that is not what the protocol says; `path` is the offending field. */
export class ProtocolError extends Error {
  constructor(
    readonly path: string,
    expected: string,
    found: unknown
  ) {
    super(`${path}: expected ${expected}, got ${describe(found)}`);
    this.name = 'ProtocolError';
  }
}

type Reader<T> = (value: unknown, path: string) => T;
type Field = <T>(name: string, read: Reader<T>) => T;

function describe(value: unknown): string {
  if (value === null) {
    return 'null';
  }
  if (typeof value === 'string' || typeof value === 'number') {
    return JSON.stringify(value).slice(0, 60);
  }
  return Array.isArray(value) ? 'a list' : typeof value;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function fields(value: unknown, path: string): Field {
  if (!isRecord(value)) {
    throw new ProtocolError(path, 'an object', value);
  }
  return (name, read) => read(value[name], `${path}.${name}`);
}

const readString: Reader<string> = (value, path) => {
  if (typeof value !== 'string') {
    throw new ProtocolError(path, 'a string', value);
  }
  return value;
};

const readBoolean: Reader<boolean> = (value, path) => {
  if (typeof value !== 'boolean') {
    throw new ProtocolError(path, 'true or false', value);
  }
  return value;
};

const readNumber: Reader<number> = (value, path) => {
  if (typeof value !== 'number' || !Number.isFinite(value)) {
    throw new ProtocolError(path, 'a number', value);
  }
  return value;
};

const readInteger: Reader<number> = (value, path) => {
  if (typeof value !== 'number' || !Number.isInteger(value)) {
    throw new ProtocolError(path, 'a whole number', value);
  }
  return value;
};

function literal<const T extends readonly string[]>(...known: T): Reader<T[number]> {
  return (value, path) => {
    const found = known.find(word => word === value);
    if (found === undefined) {
      throw new ProtocolError(path, known.map(word => `'${word}'`).join(' or '), value);
    }
    return found;
  };
}

function listOf<T>(read: Reader<T>): Reader<T[]> {
  return (value, path) => {
    if (!Array.isArray(value)) {
      throw new ProtocolError(path, 'a list', value);
    }
    return value.map((item: unknown, index) => read(item, `${path}[${index}]`));
  };
}

function nullable<T>(read: Reader<T>): Reader<T | null> {
  return (value, path) => (value === null ? null : read(value, path));
}

function tagged<T>(readers: Readonly<Record<string, Reader<T>>>): Reader<T> {
  return (value, path) => {
    const kind = fields(value, path)('kind', literal(...Object.keys(readers)));
    return (readers[kind] as Reader<T>)(value, path);
  };
}
"""


def generate() -> str:
    """Return the text of protocol.ts for the present messages."""
    members = {union: _members(union) for union in UNIONS}
    received = [*_closure(members["Reply"]), *_closure(members["Push"])]
    docs = _documentation()
    order = [cls for cls in _structs() if cls in {*received, *_closure(members["Request"])}]
    requests = set(_closure(members["Request"])) - set(received)
    blocks = [HEADER]
    blocks += [
        f"export const {name} = {_literal(value)};\n"
        for name, value in vars(messages).items()
        if name.isupper() and isinstance(value, (str, int))
    ]
    blocks = [blocks[0], "".join(blocks[1:])]
    blocks += [_palette(name, colours) for name, colours in palette.PALETTES.items()]
    blocks.append(_categories())
    blocks += [_interface(cls, docs, optional=cls in requests) for cls in order]
    blocks += [_union(name, [cls.__name__ for cls in members[name]]) for name in UNIONS]
    blocks.append(READERS)
    blocks += [_reader(cls) for cls in order if cls in set(received)]
    blocks += [_parser(name, members[name]) for name in ("Reply", "Push")]
    return "\n".join(blocks)


def write(target: Path = TARGET) -> bool:
    """Write the file beside and rename it over; return whether it changed."""
    text = generate()
    if target.is_file() and target.read_text(encoding="utf-8") == text:
        return False
    handle, name = tempfile.mkstemp(dir=target.parent, suffix=".ts.part")
    with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
        file.write(text)
    Path(name).replace(target)
    return True


def is_stale(target: Path = TARGET) -> bool:
    """Whether the file is not what the messages say now."""
    return not target.is_file() or target.read_text(encoding="utf-8") != generate()


# what there is to generate


def _members(union: str) -> list[type]:
    return list(get_args(getattr(messages, union)))


def _structs() -> list[type]:
    everything = {**vars(pieces), **vars(training_messages), **vars(messages)}
    found = [value for value in everything.values() if isinstance(value, type) and issubclass(value, Struct)]
    return [cls for cls in found if cls not in (Struct, pieces.Message)]


def _closure(classes: list[type]) -> list[type]:
    """Return `classes` and every struct that they hold."""
    found: dict[type, None] = {}

    def walk(kind: types.Type) -> None:
        if isinstance(kind, types.StructType):
            if kind.cls in found:
                return
            found[kind.cls] = None
            for item in kind.fields:
                walk(item.type)
        elif isinstance(kind, types.ListType):
            walk(kind.item_type)
        elif isinstance(kind, types.UnionType):
            for part in kind.types:
                walk(part)

    for cls in classes:
        walk(types.type_info(cls))
    return list(found)


def _documentation() -> dict[str, str]:
    """Docstrings of classes by name, and of their fields by ``Class.field``."""
    docs: dict[str, str] = {}
    for node in [node for module in MODULES for node in ast.parse(inspect.getsource(module)).body]:
        if not isinstance(node, ast.ClassDef):
            continue
        docs[node.name] = ast.get_docstring(node) or ""
        for item, following in zip(node.body, node.body[1:], strict=False):
            if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name):
                text = following.value if isinstance(following, ast.Expr) else None
                if isinstance(text, ast.Constant) and isinstance(text.value, str):
                    docs[f"{node.name}.{item.target.id}"] = text.value
    return docs


# how it is written


def _struct(cls: type) -> types.StructType:
    info = types.type_info(cls)
    assert isinstance(info, types.StructType)
    return info


def _interface(cls: type, docs: dict[str, str], *, optional: bool) -> str:
    info = _struct(cls)
    lines = [*_comment(docs.get(cls.__name__, ""), ""), f"export interface {cls.__name__} {{"]
    if info.tag_field:
        lines.append(f"  {info.tag_field}: {_literal(info.tag)};")
    for item in info.fields:
        lines += _comment(docs.get(f"{cls.__name__}.{item.name}", ""), "  ")
        mark = "" if item.required or not optional else "?"
        lines.append(f"  {item.encode_name}{mark}: {_type(item.type)};")
    return "\n".join([*lines, "}", ""])


def _comment(text: str, indent: str) -> Iterator[str]:
    paragraphs = [" ".join(part.split()) for part in re.split(r"\n\s*\n", _words(text)) if part.strip()]
    if len(paragraphs) == 1:
        yield f"{indent}/** {paragraphs[0]} */"
    elif paragraphs:
        yield f"{indent}/**"
        for number, part in enumerate(paragraphs):
            if number:
                yield f"{indent} *"
            yield f"{indent} * {part}"
        yield f"{indent} */"


def _words(text: str) -> str:
    """Return a docstring in TypeScript's terms."""
    return re.sub(r"\bNone\b", "null", text.replace("``", "`").replace("*/", ""))


def _union(name: str, parts: list[str]) -> str:
    line = f"export type {name} = {' | '.join(parts)};"
    if len(line) > WIDTH:
        line = f"export type {name} =\n  | " + "\n  | ".join(parts) + ";"
    return line + "\n"


def _literal(value: Any) -> str:
    return f"'{value}'" if isinstance(value, str) else str(value)


def _type(kind: types.Type) -> str:
    """Return the TypeScript type of a field."""
    match kind:
        case types.StructType():
            return kind.cls.__name__
        case types.ListType():
            inner = _type(kind.item_type)
            return f"({inner})[]" if "|" in inner else f"{inner}[]"
        case types.UnionType():
            return " | ".join(_type(part) for part in kind.types)
        case types.LiteralType():
            return " | ".join(_literal(value) for value in kind.values)
    simple = {types.StrType: "string", types.BoolType: "boolean", types.NoneType: "null"}
    simple |= {types.IntType: "number", types.FloatType: "number"}
    return simple[type(kind)]


def _read(kind: types.Type) -> str:
    """Return the TypeScript expression that reads a field of this type."""
    match kind:
        case types.StructType():
            return f"read{kind.cls.__name__}"
        case types.ListType():
            return f"listOf({_read(kind.item_type)})"
        case types.LiteralType():
            return f"literal({', '.join(_literal(value) for value in kind.values)})"
        case types.UnionType():
            parts = [part for part in kind.types if not isinstance(part, types.NoneType)]
            if len(parts) == 1 and len(kind.types) == 2:
                return f"nullable({_read(parts[0])})"
            tagged = [part for part in parts if isinstance(part, types.StructType) and part.tag_field]
            if len(tagged) == len(kind.types):
                readers = ", ".join(f"{part.tag}: {_read(part)}" for part in tagged)
                return f"tagged<{_type(kind)}>({{ {readers} }})"
            raise TypeError(f"no reader for {kind}: only unions with None and of messages are known inside messages")
    simple = {types.StrType: "String", types.BoolType: "Boolean", types.IntType: "Integer", types.FloatType: "Number"}
    return f"read{simple[type(kind)]}"


def _palette(name: str, colours: palette.Palette) -> str:
    lines = [f"/** The colours of tensors in a {name.lower()} theme. */", f"export const {name} = {{"]
    for key, value in msgspec.to_builtins(colours).items():
        if isinstance(value[0], int):
            lines.append(f"  {key}: {list(value)},")
        else:
            lines += [f"  {key}: [", ",\n".join(f"    {list(colour)}" for colour in value), "  ],"]
    return "\n".join([*lines[:-1], lines[-1].rstrip(","), "} as const;", ""])


def _categories() -> str:
    lines = ",\n".join(f"  {list(colour)}" for colour in palette.CATEGORIES)
    return f"/** The colours of categories. */\nexport const CATEGORIES = [\n{lines}\n] as const;\n"


def _reader(cls: type) -> str:
    info, name = _struct(cls), cls.__name__
    lines = [f"const read{name}: Reader<{name}> = (value, path) => {{"]
    lines += ["  const field = fields(value, path);", "  return {"]
    rows = [f"field('{item.encode_name}', {_read(item.type)})" for item in info.fields]
    rows = [f"    {item.encode_name}: {row}" for item, row in zip(info.fields, rows, strict=True)]
    if info.tag_field:
        rows.insert(0, f"    {info.tag_field}: field('{info.tag_field}', literal({_literal(info.tag)}))")
    return "\n".join([*lines, ",\n".join(rows), "  };", "};", ""])


def _parser(union: str, members: list[type]) -> str:
    word = union.lower()
    tags = [f"'{_struct(cls).tag}'" for cls in members]
    cases = [
        line
        for cls, tag in zip(members, tags, strict=True)
        for line in (f"    case {tag}:", f"      return read{cls.__name__}(value, '{word}');")
    ]
    kinds = f"  const kind = fields(value, '{word}')('kind', literal({', '.join(tags)}));"
    if len(kinds) > WIDTH:
        kinds = f"  const kind = fields(value, '{word}')(\n    'kind',\n    literal({', '.join(tags)})\n  );"
    return "\n".join(
        [
            f"/** Return `value` as a {word}, checked field by field; throws ProtocolError. */",
            f"export function parse{union}(value: unknown): {union} {{",
            kinds,
            "  switch (kind) {",
            *cases,
            "  }",
            "}",
            "",
        ]
    )


def main(arguments: list[str] | None = None) -> int:
    """Write or check the file; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m caffe_nb.inspector.generate", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail when the file is stale")
    if parser.parse_args(arguments).check:
        if is_stale(TARGET):
            print(f"{TARGET.name} is stale: run python -m caffe_nb.inspector.generate", file=sys.stderr)
            return 1
        return 0
    print(f"{TARGET.name} {'written' if write(TARGET) else 'is up to date'}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
