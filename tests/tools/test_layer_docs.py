"""The page of layer types: complete, and not stale."""

import re

from caffe_nb.core.registry import layer_types
from tools import layer_docs


def rows(text):
    return {line.split(" | ")[0].removeprefix("| "): line for line in text.splitlines() if line.startswith("| ")}


def test_the_page_is_what_the_registry_says_now():
    assert layer_docs.PAGE.read_text(encoding="utf-8") == layer_docs.page(), "stale: run python tools/layer_docs.py"


def test_every_type_of_caffe_and_of_the_registry_has_its_row():
    found = set(rows(layer_docs.page())) - {"type", "---"}
    assert found == {*layer_docs.CAFFE, *layer_types()}
    assert len(layer_docs.CAFFE) == 61


def test_every_row_says_what_the_type_does():
    for name, line in rows(layer_docs.page()).items():
        if name in layer_types():
            cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
            assert len(cells) == 5
            assert len(cells[3]) > 15, name


def test_sections_are_read_to_their_end():
    notes, references = "Notes\n-----\nHere.", "References\n----------\nX, 2000."
    doc = f"First.\n\n{notes}\n\nDeviations\n----------\nOne\ntwo.\n\nThree.\n\n{references}"
    assert layer_docs.section(doc, "Deviations") == "One two. Three."
    assert layer_docs.section(doc, "Raises") == ""
