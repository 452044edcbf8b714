"""Prototxt as people write it, and the lines on which its layers stand."""

from __future__ import annotations

from pathlib import Path

import pytest

from caffe_nb.proto import caffe_pb2
from caffe_nb.proto.files import MissingFileError
from caffe_nb.proto.text import parse_net, parse_solver, read_net, read_solver, to_text

GOLDEN = Path(__file__).parents[1] / "golden"

WILD = "\r\n".join(
    [
        "# a comment { layer }",
        "name: 'two' \" words\"",
        "layer: {",
        '\tname: "conv" type: \'Convolution\'; bottom: "data", top: "conv"',
        "  convolution_param: { num_output: 0x10 kernel_size: [3, 5] weight_filler < type: 'xavier' > }",
        "}",
        "layer {  # the second",
        '  type: "Pooling" pooling_param { pool: 1 engine: CUDNN }',
        "  param { lr_mult: 1. decay_mult: .5e-3 }",
        "  include { phase: 1 }",
        "} layer { propagate_down: [true, 0, f] }",
    ]
)


def test_what_the_wild_writes_is_read() -> None:
    net = parse_net(WILD).param
    assert net.name == "two words"
    conv, pool, last = net.layer
    assert (conv.name, conv.type, list(conv.bottom), list(conv.top)) == ("conv", "Convolution", ["data"], ["conv"])
    assert conv.convolution_param.num_output == 16
    assert list(conv.convolution_param.kernel_size) == [3, 5]
    assert conv.convolution_param.weight_filler.type == "xavier"
    assert pool.pooling_param.pool == caffe_pb2.PoolingParameter.AVE
    assert pool.include[0].phase == caffe_pb2.TEST
    assert pool.param[0].decay_mult == pytest.approx(5e-4)
    assert list(last.propagate_down) == [True, False, False]


def test_escapes_are_read_as_in_c() -> None:
    net = parse_net(r"""name: "a\\d\"\'\x41\101\n\u00e9" # C:\data is only a comment""").param
    assert net.name == "a\\d\"'AA\né"


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_lines_are_those_of_the_layers_whatever_ends_a_line(newline: str) -> None:
    source = parse_net(WILD.replace("\r\n", newline))
    assert source.lines == [3, 7, 11]
    assert (source.name, source.path) == ("<string>", None)


def test_layers_written_as_a_list_have_their_own_lines() -> None:
    source = parse_net('layer: [ { name: "a" },\n { name: "b" },\n\n { name: "c" } ]\nlayer { name: "layer" }')
    assert [layer.name for layer in source.param.layer] == ["a", "b", "c", "layer"]
    assert source.lines == [1, 2, 4, 5]


def test_interleaved_inputs_become_one_input_layer_with_the_first_ones_line() -> None:
    source = parse_net(
        'name: "n"\nlayer { name: "a" }\ninput: "x"\ninput_shape { dim: 2 dim: 3 }\n'
        'input: "y"\ninput_shape { dim: 4 }\nlayer { name: "b" }'
    )
    first = source.param.layer[0]
    assert (first.name, first.type, list(first.top)) == ("input", "Input", ["x", "y"])
    assert [list(shape.dim) for shape in first.input_param.shape] == [[2, 3], [4]]
    assert [layer.name for layer in source.param.layer] == ["input", "a", "b"]
    assert source.lines == [3, 2, 7]


def test_a_net_file_is_known_by_the_name_that_was_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "net.prototxt").write_bytes("\ufefflayer { }\n# caf\u00e9".encode())
    monkeypatch.chdir(tmp_path)
    source = read_net("net.prototxt")
    assert (source.name, source.path, source.lines) == ("net.prototxt", Path("net.prototxt"), [1])


def test_a_comment_may_be_in_any_encoding(tmp_path: Path) -> None:
    path = tmp_path / "net.prototxt"
    path.write_bytes(b"# \xcd\xf8\xc2\xe7\nname: 'n'")
    assert read_net(path).param.name == "n"


def test_a_missing_file_names_the_folder_and_the_near_miss(tmp_path: Path) -> None:
    (tmp_path / "train_val.prototxt").write_text("")
    with pytest.raises(MissingFileError, match=r"Did you mean 'train_val\.prototxt'\?") as caught:
        read_net(tmp_path / "trainval.prototxt")
    assert str(tmp_path) in str(caught.value)
    with pytest.raises(FileNotFoundError, match="does not exist"):
        read_solver(tmp_path / "no" / "solver.prototxt")
    with pytest.raises(MissingFileError, match="is a folder"):
        read_net(tmp_path)


def test_an_empty_text_is_an_empty_net() -> None:
    source = parse_net("")
    assert (source.param, source.lines) == (caffe_pb2.NetParameter(), [])


def test_the_nets_inside_a_solver_know_their_lines() -> None:
    source = parse_solver(
        'net_param {\n  input: "x" input_shape { dim: 1 }\n  layer { name: "a" }\n}\n'
        'test_net_param {\n  layer { name: "b" } }\nbase_lr: 1 test_net_param { layer: {\n name: "c" } }',
        "s.prototxt",
    )
    assert {name: [net.lines for net in nets] for name, nets in source.nets.items()} == {
        "net_param": [[2, 3]],
        "test_net_param": [[6], [7]],
    }
    assert [layer.name for layer in source.param.net_param.layer] == ["input", "a"]
    assert source.nets["test_net_param"][1].param.layer[0].name == "c"
    assert source.nets["net_param"][0].name == "s.prototxt"


def test_a_solver_is_read_from_its_file(tmp_path: Path) -> None:
    path = tmp_path / "solver.prototxt"
    path.write_text('net: "net.prototxt"\nsolver_mode: 1\nsolver_type: ADAM\nstepvalue: 10\nstepvalue: 20')
    source = read_solver(path)
    assert source.path == path
    assert source.param.solver_mode == caffe_pb2.SolverParameter.GPU
    assert source.param.type == "Adam"
    assert list(source.param.stepvalue) == [10, 20]


def test_text_is_written_as_it_is_read() -> None:
    net = read_net(GOLDEN / "files" / "net.prototxt").param
    text = to_text(net)
    assert text.startswith('name: "files"\nlayer {\n  name: "input"\n  type: "Input"\n  top: "data"\n')
    assert parse_net(text).param == net


def test_text_outside_ascii_is_kept_readable() -> None:
    assert to_text(caffe_pb2.NetParameter(name="größe")) == 'name: "größe"\n'
