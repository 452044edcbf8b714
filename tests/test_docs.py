"""What README.md and docs/ show: names that are there, commands that are taken, a layer that is right."""

from __future__ import annotations

import importlib
import re
import shlex
from pathlib import Path

import pytest

import caffe_nb
from caffe_nb.cli.main import ALIASES, COMMANDS
from caffe_nb.cli.options import Parser

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
TEXTS = [page.read_text(encoding="utf-8") for page in PAGES]


def resolve(name: str) -> object:
    """Return what a dotted name stands for: an attribute, or a module that has to be imported."""
    found: object = caffe_nb
    path, *parts = name.split(".")
    for part in parts:
        path = f"{path}.{part}"
        found = getattr(found, part) if hasattr(found, part) else importlib.import_module(path)
    return found


@pytest.mark.parametrize("name", sorted(set(re.findall(r"caffe_nb(?:\.\w+)+", "\n".join(TEXTS)))))
def test_a_name_is_there(name: str) -> None:
    resolve(name)


@pytest.mark.parametrize(
    "line", [line for text in TEXTS for line in re.findall(r"^    caffe (.*)$", text, re.MULTILINE)]
)
def test_a_command_is_taken(line: str) -> None:
    name, *words = shlex.split(line, comments=True)
    name = ALIASES.get(name, name.replace("-", "_"))
    module = importlib.import_module(f"caffe_nb.cli.{name}")
    parser = Parser(name, "")
    module.add_arguments(parser)
    assert parser.parse(words) is not None


def test_every_command_has_its_part_of_the_page() -> None:
    page = (ROOT / "docs" / "command_line.md").read_text(encoding="utf-8")
    headings = re.findall(r"^### .*", page, re.MULTILINE)
    assert {name.replace("-", "_") for name in re.findall(r"`caffe ([\w-]+)", "".join(headings))} == set(COMMANDS)


def test_the_readmes_layer_is_right() -> None:
    (text,) = re.findall(r"```python\n(import caffe\n.*?)```", TEXTS[0], re.DOTALL)
    space: dict[str, type[caffe_nb.Layer]] = {}
    exec(text, space)
    assert caffe_nb.check_layer(space["Half"], [(3, 4)]).ok
