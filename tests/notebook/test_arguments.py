"""A magic's line: read as meant, or refused in words."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from IPython.core.error import UsageError

from caffe_nb.notebook.arguments import HelpShown, MagicParser, shape
from caffe_nb.notebook.parsers import PARSERS

WORDS = ["net", "-n", "3", "--full", "--phase", "TRAIN", "'", '"', "\\", "--bottom", "4,2", "--diff", "on", "-"]


@given(st.lists(st.integers(0, 10**6), min_size=1), st.sampled_from([",", "x"]))
def test_a_shape_comes_back(lengths: list[int], between: str) -> None:
    assert shape(between.join(map(str, lengths))) == tuple(lengths)


@given(st.text(alphabet="0123456789,x- a"))
def test_any_text_is_a_shape_or_refused(text: str) -> None:
    with contextlib.suppress(ValueError):
        assert all(length >= 0 for length in shape(text))


@pytest.mark.parametrize("parser", PARSERS.values(), ids=PARSERS)
@given(words=st.lists(st.one_of(st.sampled_from(WORDS), st.text(max_size=4))))
def test_any_line_is_taken_or_refused(parser: Callable[[], MagicParser], words: list[str]) -> None:
    with contextlib.suppress(UsageError, HelpShown):
        assert isinstance(parser().parse_line(" ".join(words)), argparse.Namespace)
