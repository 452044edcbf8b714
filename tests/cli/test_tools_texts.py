"""upgrade-net, upgrade-solver and draw-net: from a file to another."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from google.protobuf import text_format

from caffe_nb.cli.main import main
from caffe_nb.net import Net
from caffe_nb.proto import caffe_pb2
from caffe_nb.proto.binary import read_net as read_weights
from caffe_nb.proto.text import read_net, read_solver, to_text

V0 = """
name: "old"  # from 2013
input: "data"
input_dim: 2 input_dim: 3 input_dim: 6 input_dim: 6
layers { layer { name: "pad1" type: "padding" pad: 1 } bottom: "data" top: "pad1" }
layers { layer { name: "conv1" type: "conv" num_output: 4 kernelsize: 3 blobs_lr: 1 blobs_lr: 2
                 weight_filler { type: "xavier" } }
         bottom: "pad1" top: "conv1" }
layers { layer { name: "relu1" type: "relu" } bottom: "conv1" top: "conv1" }
"""
V1 = """
layers { name: "d" type: DUMMY_DATA top: "data" dummy_data_param { num: 2 channels: 3 height: 4 width: 4 } }
layers { name: "ip" type: INNER_PRODUCT bottom: "data" top: "ip" blobs_lr: 1 blobs_lr: 2
         inner_product_param { num_output: 4 } }
"""
FORK = """name: "fork"
colour: 3
layers { name: "d" type: DUMMY_DATA top: "d" dummy_data_param { num: 1 channels: 3 height: 8 width: 8 } }
layers { name: "c" type: CONVOLUTION bottom: "d" top: "c" blobs_lr: 1 blobs_lr: 2
  convolution_param { num_output: 2 kernel_size: 3 dilate_w: 3  # the fork's
    # of another field
    stride: 1 } }
layers { name: "f" type: FORKED bottom: "c" top: "f" forked_param { a: 1 b { c: "x # y"
      d: WORD } } other: [1, 2]; }
"""
TODAY = """
layer { name: "d" type: "Input" top: "data" input_param { shape { dim: 1 dim: 3 } } }
layer { name: "in_train" type: "InnerProduct" bottom: "data" top: "x" include { phase: TRAIN }
        param { lr_mult: 3 } inner_product_param { num_output: 4 } }
layer { name: "in_test" type: "InnerProduct" bottom: "data" top: "x" include { phase: TEST }
        inner_product_param { num_output: 4 } }
"""


@pytest.fixture(autouse=True)
def _there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def logged(capfd: pytest.CaptureFixture[str]) -> list[str]:
    return [line.partition("] ")[2] or line for line in capfd.readouterr().err.splitlines()]


@pytest.mark.parametrize("text", [V0, V1], ids=["V0", "V1"])
def test_an_old_text_becomes_a_text_of_today(text: str, capfd: pytest.CaptureFixture[str]) -> None:
    Path("old.prototxt").write_text(text)
    assert main(["upgrade_net_proto_text", "old.prototxt", "new.prototxt"]) == 0
    assert logged(capfd) == ["Wrote upgraded NetParameter text proto to new.prototxt"]
    as_written = text_format.Parse(Path("new.prototxt").read_text(), caffe_pb2.NetParameter())
    assert not as_written.layers
    assert not as_written.input
    assert as_written == read_net("old.prototxt").param
    assert [blob.shape for blob in Net("new.prototxt").blobs.values()] == [
        blob.shape for blob in Net("old.prototxt").blobs.values()
    ]


def test_what_is_of_today_stays_and_says_so(capfd: pytest.CaptureFixture[str]) -> None:
    Path("net.prototxt").write_text(TODAY)
    assert main(["upgrade-net", "net.prototxt", "net.prototxt"]) == 0
    assert logged(capfd)[0] == "File already in latest proto format: net.prototxt"
    written = Path("net.prototxt").read_text()
    assert main(["upgrade-net", "net.prototxt", "again.prototxt"]) == 0
    assert Path("again.prototxt").read_text() == written


def test_what_caffe_does_not_have_is_kept_as_it_stands(capfd: pytest.CaptureFixture[str]) -> None:
    Path("old.prototxt").write_text(FORK)
    assert main(["upgrade-net", "old.prototxt", "new.prototxt"]) == 0
    said = logged(capfd)
    assert "old.prototxt, line 5: `convolution_param` has no field 'dilate_w'. Did you mean 'dilation'?" in said[1]
    assert "old.prototxt, line 8: the type 'FORKED' is none of the V1 format. Kept as it stands." in said
    old, new = (read_net(f"{name}.prototxt", keep_unknown=True) for name in ("old", "new"))
    assert new.param == old.param
    for before, after in zip(old.unknown, new.unknown, strict=True):
        assert [(each.name, each.path, each.value) for each in after] == [
            (each.name, each.path, each.value) for each in before
        ]
    assert [each.name for each in new.unknown[2]] == ["forked_param", "other"]
    assert "    stride: 1\n    dilate_w: 3  # the fork's\n  }\n" in Path("new.prototxt").read_text()
    assert main(["upgrade-net", "new.prototxt", "again.prototxt"]) == 0
    assert "File already in latest proto format: new.prototxt" in logged(capfd)
    assert Path("again.prototxt").read_text() == Path("new.prototxt").read_text()


def test_a_block_that_an_upgrade_has_emptied_is_there_for_what_is_kept() -> None:
    Path("old.prototxt").write_text('layers { name: "d" type: DATA top: "d" data_param { scale: 2 hue: 3 } }')
    assert main(["upgrade-net", "old.prototxt", "new.prototxt"]) == 0
    unknown = read_net("new.prototxt", keep_unknown=True).unknown[0]
    assert [(each.name, each.path, each.value) for each in unknown] == [("hue", ("data_param",), 3)]


def test_weights_stay_binary_whatever_their_name(capfd: pytest.CaptureFixture[str]) -> None:
    old = text_format.Parse(V1, caffe_pb2.NetParameter())
    old.layers[1].blobs.add(num=1, channels=1, height=2, width=2, data=[1, 2, 3, 4])
    Path("weights.bin").write_bytes(old.SerializeToString())
    command = [sys.executable, "-m", "caffe_nb.cli", "upgrade_net_proto_binary", "weights.bin", "new.caffemodel"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stderr.endswith("Wrote upgraded NetParameter binary proto to new.caffemodel\n")
    as_written = caffe_pb2.NetParameter.FromString(Path("new.caffemodel").read_bytes())
    assert [layer.type for layer in as_written.layer] == ["DummyData", "InnerProduct"]
    assert list(as_written.layer[1].blobs[0].data) == [1, 2, 3, 4]
    assert as_written == read_weights("weights.bin")
    assert main(["upgrade-net", "new.caffemodel", "again.caffemodel"]) == 0
    assert logged(capfd)[0] == "File already in latest proto format: new.caffemodel"
    assert Path("again.caffemodel").read_bytes() == Path("new.caffemodel").read_bytes()


def test_a_net_that_a_net_saved_is_binary() -> None:
    Path("net.prototxt").write_text(TODAY)
    Net("net.prototxt").save("net.caffemodel")
    assert main(["upgrade-net", "net.caffemodel", "new"]) == 0
    assert read_weights("new") == read_weights("net.caffemodel")


def test_an_old_solver(capfd: pytest.CaptureFixture[str]) -> None:
    Path("old.prototxt").write_text(f"base_lr: 0.1 solver_type: RMSPROP net_param {{ {V1} }}")
    assert main(["upgrade_solver_proto_text", "old.prototxt", "new.prototxt"]) == 0
    assert logged(capfd) == ["Wrote upgraded SolverParameter text proto to new.prototxt"]
    as_written = text_format.Parse(Path("new.prototxt").read_text(), caffe_pb2.SolverParameter())
    assert as_written == read_solver("old.prototxt").param
    assert (as_written.type, as_written.HasField("solver_type")) == ("RMSProp", False)
    assert [layer.type for layer in as_written.net_param.layer] == ["DummyData", "InnerProduct"]
    assert main(["upgrade-solver", "new.prototxt", "again.prototxt"]) == 0
    assert logged(capfd)[0] == "File already in latest proto format: new.prototxt"


@pytest.mark.parametrize(
    ("command", "content", "message"),
    [
        ("upgrade-net", b"base_lr: 1", "It is a field of a solver: is this the right file?"),
        ("upgrade-solver", b"\x0a\x01x\xa2\x06\x00", "this is a binary file"),
        ("upgrade-net", b"layers { type: RELU param { x: 1 } }", "param"),
        ("upgrade-net", b"layer { param { lr_mult: 1 } param { decai: 1 } }", "one of 2 blocks 'param'"),
        ("upgrade-net", b"layers { type: RELU } layer { type: 'ReLU' }", "layer"),
        ("upgrade-net", b"\x89HDF\r\n\x1a\n\0\0", "it is an HDF5 file"),
        ("upgrade-net", bytes(range(200)), "cannot be decoded"),
        ("upgrade-solver", b"solver_type: ADAM type: 'SGD'", "solver_type"),
        ("upgrade-solver", b"base_lrr: 1", "Did you mean 'base_lr'"),
    ],
)
def test_what_cannot_be_upgraded_leaves_no_file(
    command: str, content: bytes, message: str, capfd: pytest.CaptureFixture[str]
) -> None:
    Path("in").write_bytes(content)
    assert main([command, "in", "out"]) == 1
    error = capfd.readouterr().err
    assert message in error
    assert "Traceback" not in error
    assert not Path("out").exists()
    assert main([command, "missing", "out"]) == 1
    assert "there is no file 'missing'" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("options", "direction", "layers"),
    [
        ([], "LR", ["d", "in_train", "in_test"]),
        (["--rankdir", "tb", "-phase", "TRAIN"], "TB", ["d", "in_train"]),
        (["-rankdir=BT", "--phase=test"], "BT", ["d", "in_test"]),
    ],
)
def test_a_net_is_drawn_as_a_graph(options: list[str], direction: str, layers: list[str]) -> None:
    pytest.importorskip("pydot", reason="it is an extra")
    Path("net.prototxt").write_text(TODAY)
    assert main(["draw_net.py", "net.prototxt", "net.dot", *options]) == 0
    graph = Path("net.dot").read_text()
    assert f"rankdir={direction};" in graph
    drawn = [name for name in ("d", "in_train", "in_test") if f'"{name}_I' in graph]
    assert drawn == layers
    assert "lr mult" not in graph


def test_a_drawing_of_an_old_net_with_learning_rates(capfd: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("pydot", reason="it is an extra")
    Path("old.prototxt").write_text(V1)
    assert main(["draw-net", "old.prototxt", "net.dot", "-display_lrm"]) == 0
    assert "lr mult: 1, 2" in Path("net.dot").read_text()
    assert capfd.readouterr().out == "Drawing net to net.dot\n"


def test_a_net_of_a_fork_is_drawn_without_what_is_unknown(capfd: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("pydot", reason="it is an extra")
    Path("fork.prototxt").write_text(FORK)
    assert main(["draw-net", "fork.prototxt", "net.dot"]) == 0
    assert "(FORKED)" in Path("net.dot").read_text()
    assert "fork.prototxt, line 9: `layers` has no field 'other'. Not drawn." in capfd.readouterr().err


def test_without_graphviz_a_picture_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("pydot", reason="it is an extra")
    monkeypatch.setenv("PATH", str(tmp_path))
    Path("net.prototxt").write_text(TODAY)
    assert main(["draw-net", "net.prototxt", "net.png"]) == 1
    assert "drawing as png needs Graphviz" in capfd.readouterr().err
    assert not Path("net.png").exists()


@pytest.mark.parametrize(
    ("content", "message"), [(b"base_lr: 1", "is this the right file"), (b"\x0a\x01x\xa2\x06\x00", "a binary file")]
)
def test_what_is_no_net_is_not_drawn(content: bytes, message: str, capfd: pytest.CaptureFixture[str]) -> None:
    Path("in").write_bytes(content)
    assert main(["draw-net", "in", "net.dot"]) == 1
    assert message in capfd.readouterr().err
    assert not Path("net.dot").exists()


def test_draw_net_refuses_other_directions(capfd: pytest.CaptureFixture[str]) -> None:
    Path("net.prototxt").write_text(to_text(caffe_pb2.NetParameter(name="n")))
    assert main(["draw-net", "net.prototxt", "net.dot", "-rankdir=UP"]) == 2
    assert "LR" in capfd.readouterr().err
