"""Tab completion of the magics: nets, solvers, layer classes, layer names, arrays, files and options."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from IPython.core.completer import CompletionContext, SimpleCompletion, SimpleMatcherResult, context_matcher

from caffe_nb.core.layer import Layer
from caffe_nb.net import Net
from caffe_nb.solvers import Solver

Parsers = Mapping[str, Callable[[], argparse.ArgumentParser]]
Matcher = Callable[[CompletionContext], SimpleMatcherResult]


def matcher(parsers: Parsers, space: Mapping[str, Any]) -> Matcher:
    """Return what IPython's completer asks about a line.

    Parameters
    ----------
    parsers : mapping
        What makes the parser of each magic, by the magic's name without percent signs.
    space : mapping
        The notebook's variables.
    """

    def caffe_matcher(context: CompletionContext) -> SimpleMatcherResult:
        words = context.text_until_cursor.split(" ")
        before = [word for word in words[:-1] if word]
        magic = before[0].lstrip("%") if before else ""
        if magic not in parsers or not before[0].startswith("%") or "." in words[-1]:  # attributes are IPython's
            return SimpleMatcherResult(completions=[])
        found = _found(magic, before[1:], parsers[magic](), space)
        fitting = [SimpleCompletion(text) for text in found if text.startswith(words[-1])]
        # A dash ends IPython's own idea of a word: what stands before it stays.
        return SimpleMatcherResult(completions=fitting, suppress=bool(fitting), matched_fragment=words[-1])

    made: Matcher = context_matcher()(caffe_matcher)
    return made


def _found(magic: str, words: list[str], parser: argparse.ArgumentParser, space: Mapping[str, Any]) -> list[str]:
    actions = {option: action for action in parser._actions for option in action.option_strings}
    last = actions.get(words[-1]) if words else None
    if last is not None and last.nargs != 0:  # a value of the option before the cursor
        arrays = [name for name, value in space.items() if isinstance(value, np.ndarray)]
        return [*map(str, last.choices or ()), *(_public(arrays) if last.dest == "bottom" else ())]
    names = list(actions)
    if magic in ("caffe_net", "caffe_layer"):
        return names
    if magic == "caffe_cluster":
        return names if words else [*_choices(parser), *names]
    target = space.get(words[0]) if words else None
    if magic == "caffe_check" and isinstance(target, Net | Solver):
        return [*(node.name for node in (target.net if isinstance(target, Solver) else target).nodes), *names]
    if words:
        return names
    kinds = [name for name, value in space.items() if isinstance(value, Net | Solver)]
    if magic == "caffe_check":
        kinds += [name for name, value in space.items() if _is_layer(value)]
    if magic in ("caffe_run", "caffe_time", "caffe_graph"):
        files = [path.name for path in sorted(Path.cwd().glob("*.prototxt"))]
        kinds += [name for name in files if ("solver" in name) == (magic == "caffe_run")]
    return [*_public(kinds), *names]


def _choices(parser: argparse.ArgumentParser) -> list[str]:
    """Return the words that the first argument may be."""
    return [str(word) for action in parser._actions if not action.option_strings for word in action.choices or ()]


def _is_layer(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, Layer) and value is not Layer


def _public(names: Iterable[str]) -> list[str]:
    return [name for name in names if not name.startswith("_")]
