"""Older forms of nets and solvers are brought up to date, or refused with a word."""

from __future__ import annotations

import pytest

from caffe_nb.errors import FormatError
from caffe_nb.proto import caffe_pb2
from caffe_nb.proto.text import parse_net, parse_solver
from caffe_nb.proto.upgrade import upgrade_net, upgrade_solver


def test_input_dim_gives_four_axes_to_each_input() -> None:
    net = parse_net('input: "a" input: "b" ' + " ".join(f"input_dim: {n}" for n in range(1, 9))).param
    assert [list(shape.dim) for shape in net.layer[0].input_param.shape] == [[1, 2, 3, 4], [5, 6, 7, 8]]
    assert {field.name for field, _ in net.ListFields()} == {"layer"}


@pytest.mark.parametrize("shapes", ["input_shape { dim: 2 } input_shape { dim: 3 }", "input_dim: 1 " * 6])
def test_shapes_without_an_input_have_no_effect_and_a_warning(shapes: str, caplog: pytest.LogCaptureFixture) -> None:
    (entry,) = parse_net(f'input: "a" {shapes}').param.layer
    assert len(entry.input_param.shape) == 1
    assert "no `input` for the last" in caplog.text


def test_upgrading_twice_changes_nothing_more() -> None:
    net = parse_net('input: "a" input_shape { dim: 1 } layer { name: "x" }').param
    twin = caffe_pb2.NetParameter.FromString(net.SerializeToString())
    upgrade_net(twin)
    assert twin == net


def test_weights_of_old_caffes_name_inputs_without_shapes_and_lose_them() -> None:
    net = caffe_pb2.NetParameter(input=["data"])
    net.layer.add(name="ip").blobs.add(data=[1.0])
    upgrade_net(net)
    assert [layer.name for layer in net.layer] == ["ip"]
    assert not net.input


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('input: "a" input: "b" input_shape { dim: 1 }', r"2 `input` \(a, b\) but 1 `input_shape`"),
        ('input: "a" input_dim: 1 input_dim: 2', "but 2 `input_dim`; give 4 for each"),
        ('\ninput: "a"', "line 2 of net.prototxt: the net has 1 `input` .* no shape"),
        (
            '\n\nlayers { name: "c" type: RELU } layer { name: "d" }',
            "line 3 of net.prototxt: .* both `layers` .* and `layer` .*'d'",
        ),
        (
            '\n\nlayers { layer { type: "relu" } }\nlayers { layer { name: "c" type: "conv2" } }',
            r"line 4 of net.prototxt: layer 'c' has the type 'conv2', .* Did you mean 'conv'",
        ),
    ],
)
def test_what_cannot_be_upgraded_says_why(text: str, words: str) -> None:
    with pytest.raises(FormatError, match=words):
        parse_net(text, "net.prototxt")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("SGD", "SGD"),
        ("NESTEROV", "Nesterov"),
        ("ADAGRAD", "AdaGrad"),
        ("RMSPROP", "RMSProp"),
        ("ADADELTA", "AdaDelta"),
        ("5", "Adam"),
    ],
)
def test_the_solvers_number_becomes_its_name(old: str, new: str) -> None:
    solver = parse_solver(f"solver_type: {old}").param
    assert solver.type == new
    assert not solver.HasField("solver_type")


def test_a_solver_with_neither_is_left_alone() -> None:
    solver = caffe_pb2.SolverParameter()
    upgrade_solver(solver)
    assert solver == caffe_pb2.SolverParameter()
    assert solver.type == "SGD"


def test_two_rules_in_one_solver_are_refused() -> None:
    with pytest.raises(
        FormatError, match=r"s: the solver sets both `type: \"Adam\"` and the older `solver_type` \(SGD\)"
    ):
        parse_solver('type: "Adam" solver_type: SGD', "s")


def test_an_old_net_inside_a_solver_is_refused_at_its_line() -> None:
    with pytest.raises(FormatError, match=r"line 3 of s: layer 'c' has the type 'x'"):
        parse_solver('net_param {\n layers { layer { } }\n layers { layer { name: "c" type: "x" } } }', "s")
