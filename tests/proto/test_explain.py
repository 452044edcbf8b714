"""A mistake in a prototxt is named at its place, with what was likely meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from caffe_nb.errors import PrototxtError
from caffe_nb.proto.text import parse_net, parse_solver, read_net

# What is written, the line and column of the mistake, and what the message must contain.
MISTAKES = [
    ('layer {\n  type: "Convolution"\n  num_output: 20\n}', 3, 3, "belongs in convolution_param: write"),
    ("layer { num_output: 20 }", 1, 9, "convolution_param or inner_product_param"),
    ("layer { lr_mult: 1 }", 1, 9, "belongs in param"),
    ("layer { convolution_param { num_outputs: 3 } }", 1, 29, "Did you mean 'num_output'?"),
    ("layer { relu_parm { } }", 1, 9, "`layer` has no field 'relu_parm'. Did you mean 'relu_param'"),
    ("layer { pooling_param { zzz: 1 } }", 1, 25, "It has: pool, kernel_size"),
    ("lair { }", 1, 1, "a net has no field 'lair'. Did you mean 'layer'"),
    ("base_lr: 0.1", 1, 1, "a field of a solver: is this the right file?"),
    ('layer {\n  name: "a"\nlayer { }', 3, 1, "a '}' missing before it? `layer` was opened on line 1"),
    ('layer { convolution_param { top: "x" } }', 1, 29, "a field of `layer`: is a '}' missing"),
    ("layer {\n  top: 'a'\n", 3, 1, "the text ends inside `layer`, opened on line 1: a '}' is missing"),
    ("layer { }\n}", 2, 1, "a '}' too many"),
    ('layer { name: "x" >', 1, 19, "`layer`, opened on line 1, does not end with '>'"),
    ("layer { name: conv1 }", 1, 15, 'write `name: "conv1"`'),
    ('layer { name: "a }\n}', 1, 15, 'a " is missing before the end of the line'),
    ('layer { name: "\\xff" }', 1, 22, "invalid start byte"),
    ('layer { name: "a" "C:\\data" }', 1, 19, "'\\d' means nothing in a text: write '\\\\' for a backslash"),
    ('layer { name: "\\400" }', 1, 15, "'\\400' means nothing"),
    ("layer { name: }", 1, 15, "a text in quotes, and no value is given"),
    ('layer { name "x" }', 1, 14, "expected ':' and a value after 'name', found '\"x\"'"),
    ("layer { name { } }", 1, 14, "takes a value, not a block"),
    ("layer { pooling_param: 2 }", 1, 24, "Write `pooling_param { ... }`"),
    ("layer", 1, 6, "found the end of the text"),
    ("layer { pooling_param { pool: AVG } }", 1, 31, "one of MAX, AVE, STOCHASTIC, not AVG. Did you mean 'AVE'?"),
    ("layer { pooling_param { pool: 7 } }", 1, 31, "one of 0 (MAX), 1 (AVE), 2 (STOCHASTIC), not 7"),
    ('layer { pooling_param { pool: "MAX" } }', 1, 31, "write `pool: MAX`, without quotes"),
    ("layer { pooling_param { kernel_size: 2.5 } }", 1, 38, "a whole number from 0 up, not '2.5'"),
    ("layer { pooling_param { pad: -1 } }", 1, 30, "a whole number from 0 up, not '-1'"),
    ("layer { dropout_param { dropout_ratio: half } }", 1, 40, "a number, not 'half'"),
    ('layer { loss_weight: "1" }', 1, 22, "a number; write it without quotes"),
    ("force_backward: maybe", 1, 17, "true or false, not 'maybe'"),
    (
        "layer { pooling_param {\n stride: 2\n stride: 2 } }",
        3,
        2,
        "only once in `pooling_param`; it is already there on line 2",
    ),
    ("layer { convolution_param { pad: [1, x] } }", 1, 38, "not 'x'"),
    ("layer { convolution_param { pad: [1 2] } }", 1, 37, "expected ',' or ']'"),
    ("layer { name: ['a'] }", 1, 15, "one value, not a list"),
    ("input_shape { dim: 99999999999999999999 }", 1, 20, "not '99999999999999999999'"),
    ("{", 1, 1, "expected the name of a field of a net, found '{'"),
]


@pytest.mark.parametrize(("text", "line", "column", "words"), MISTAKES, ids=[case[0][:40] for case in MISTAKES])
def test_a_mistake_is_named_at_its_place(text: str, line: int, column: int, words: str) -> None:
    with pytest.raises(PrototxtError) as caught:
        parse_net(text, "net.prototxt")
    assert words in str(caught.value)
    assert (caught.value.line, caught.value.column) == (line, column)
    assert str(caught.value).startswith(f"line {line}, column {column} of net.prototxt: ")


def test_the_line_is_shown_with_a_caret_below_the_mistake() -> None:
    with pytest.raises(PrototxtError) as caught:
        parse_net('layer {\n\ttop: "x" botom: "y"\n}')
    *_, source, caret = str(caught.value).split("\n")
    assert source == '     top: "x" botom: "y"'
    assert source[caret.index("^") :].startswith("botom")


def test_a_long_line_is_shown_in_part() -> None:
    with pytest.raises(PrototxtError) as caught:
        parse_net("layer { } " * 400 + "lair { } " + "layer { } " * 400)
    _, source, caret = str(caught.value).split("\n")
    assert len(source) < 120
    assert source[caret.index("^") :].startswith("lair")


def test_a_required_field_names_the_line_of_its_layer() -> None:
    with pytest.raises(PrototxtError, match=r"line 2 of n: `layer\[1\]\.clip_param` must set 'max'"):
        parse_net("layer { }\nlayer { clip_param { min: 1 } }", "n")


def test_a_mistake_in_a_file_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "net.prototxt"
    path.write_bytes(b'\n\nname: "\xe9"')
    with pytest.raises(PrototxtError, match="line 3") as caught:
        read_net(path)
    assert str(path) in str(caught.value)


def test_a_solver_says_what_a_solver_has() -> None:
    with pytest.raises(PrototxtError, match=r"a solver has no field 'base_rl'\. Did you mean 'base_lr'"):
        parse_solver("base_rl: 1")
    with pytest.raises(PrototxtError, match="a field of a net: is this the right file"):
        parse_solver('input: "data"')
    with pytest.raises(PrototxtError, match="'solver_mode' takes one of CPU, GPU, not TPU"):
        parse_solver("solver_mode: TPU")
