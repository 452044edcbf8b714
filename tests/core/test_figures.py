"""Tables and names in HTML that stands alone."""

import re

from caffe_nb.core.figures import label, table


def test_names_in_a_table_are_text() -> None:
    assert "<i>" not in table(("<i>",), [("<i>", "<i>")])


def test_a_name_is_cut_and_keeps_its_beginning() -> None:
    assert label("conv1") == "conv1"
    assert label("x" * 100, 10) == "x" * 9 + "…"


def test_what_cannot_be_seen_or_turns_the_text_round_is_marked() -> None:
    assert label("a\x00b\x1b\u202ec") == "a\ufffdb\ufffd\ufffdc"
    assert label("emoji 🦊 stay") == "emoji 🦊 stay"


def test_words_begin_at_the_left_and_figures_end_at_the_right() -> None:
    html = table(("layer", "type", "ms"), [("ip", "InnerProduct", "0.1")], words=2)
    assert re.findall("align='(left|right)'", html) == ["left", "left", "right"] * 2
