"""Whatever is typed and whatever stands in a log: read as meant, or refused in words."""

from __future__ import annotations

import argparse
import contextlib
import math

from hypothesis import given
from hypothesis import strategies as st

from caffe_nb.cli.options import Parser, UsageError, count, number
from caffe_nb.cli.parse_log import parse

VALUES = st.text().filter(lambda text: not text.startswith("-"))
WORDS = st.sampled_from(["-solver", "--solver=", "-shuffle", "-noshuffle", "--shuffle=", "-iterations", "--", "-", "="])
FLOATS = st.floats(width=32)


def parser() -> Parser:
    made = Parser("caffe test", "")
    made.option("solver", "a file", default="")
    made.option("iterations", "how many", type=count, default=1)
    made.option("rate", "a number", type=number, default=0.0)
    made.flag("shuffle", "on or off")
    made.add_argument("files", nargs="*")
    return made


@given(VALUES, st.integers(1, 10**9), st.booleans(), st.lists(VALUES.filter(bool)), st.sampled_from(["-", "--"]))
def test_an_option_has_the_value_that_was_typed(text: str, times: int, on: bool, files: list[str], dash: str) -> None:
    flag = f"{dash}{'' if on else 'no'}shuffle"
    for words in (
        [f"{dash}solver={text}", *files, f"{dash}iterations={times}", flag],
        [flag, f"{dash}iterations", str(times), f"{dash}solver", text, *files],
    ):
        args = parser().parse(words)
        assert args is not None
        assert (args.solver, args.iterations, args.shuffle, args.files) == (text, times, on, files)


@given(st.lists(st.one_of(WORDS, st.text(), st.tuples(WORDS, st.text()).map("".join))))
def test_any_words_are_taken_or_refused(words: list[str]) -> None:
    with contextlib.suppress(UsageError):
        args = parser().parse(words)
        assert args is None or isinstance(args, argparse.Namespace)


@given(st.lists(st.tuples(FLOATS, FLOATS), max_size=20), st.sampled_from(["Train", "Test"]))
def test_what_a_log_says_comes_back(outputs: list[tuple[float, float]], kind: str) -> None:
    lines = []
    for iteration, (loss, rate) in enumerate(outputs):
        said = f"solver.cpp:1] Iteration {iteration}, loss = {loss:g}"
        output = f"solver.cpp:2]     {kind} net output #0: loss = {loss!r} (* 1 = {loss!r} loss)"
        lines += [f"I1121 02:00:{iteration:02}.5 7 {line}" for line in (said, output, f"sgd.cpp:3] lr = {rate!r}")]
    tables = parse(lines)
    rows = tables.train if kind == "Train" else tables.test
    assert [(row["NumIters"], row["Seconds"]) for row in rows] == [(at, at) for at in range(len(outputs))]
    for row, (loss, rate) in zip(rows, outputs, strict=True):
        assert row["loss"] == loss or (math.isnan(row["loss"]) and math.isnan(loss))
        assert row["LearningRate"] == rate or (math.isnan(row["LearningRate"]) and math.isnan(rate))


PIECES = ["I1121 ", "I20261121 ", "29:61:99.0 ", "02:12:04.123456789 ", "Iteration ", "12", "lr = ", "1.2.3", "."]
PIECES += ["Train net output #0: ", "loss = ", "nan", "1e", "-", "x"]


@given(st.lists(st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=3))).map("".join)))
def test_any_text_is_a_log(lines: list[str]) -> None:
    for row in (*(tables := parse(lines)).train, *tables.test):
        assert {"NumIters", "Seconds", "LearningRate"} <= set(row)
