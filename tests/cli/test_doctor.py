"""`caffe doctor`: every layer looked at, whatever is wrong with the others."""

import shutil
from pathlib import Path

import numpy as np
import pytest

import caffe
from caffe_nb.cli.main import main
from caffe_nb.net.diagnosis import diagnose

OLD_NET = Path(__file__).parents[2] / "notebooks" / "old_net"


@pytest.fixture
def old(tmp_path):
    return shutil.copytree(OLD_NET, tmp_path / "old")


def test_each_layer_has_its_state_and_the_fix(old):
    found = diagnose(old / "deploy.prototxt", old / "digits.caffemodel")
    rows = {row.name: row for row in found.layers}
    assert [rows[name].state for name in ("conv1", "ip1", "maxout", "ip2", "calibrate", "prob")] == [
        "builds",
        "builds",
        "fails",
        "not tried",
        "fails",
        "not tried",
    ]
    assert rows["ip1"].shapes == [(10, 32)]
    assert "register_layer('Maxout', YourClass)" in rows["maxout"].problems[0]
    assert "'maxout_param'" in rows["maxout"].problems[1]
    assert rows["ip2"].problems == ["needs 'maxout' of layer 'maxout'"]
    assert rows["prob"].problems == ["needs 'score' of layer 'calibrate'"]
    assert "caffe modernize calibrate.py" in rows["calibrate"].problems[0]
    assert rows["conv1"].weights == "weights fit"
    assert rows["ip2"].weights == "2 parameters wait in the weights"
    assert any("`input` fields are deprecated" in note for note in found.notes)
    assert not found.ok


def test_the_report_names_lines_and_ends_with_a_verdict(old, capsys):
    assert main(["doctor", str(old / "deploy.prototxt")]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert "  ok    conv1      Convolution   10 x 8 x 24 x 24" in lines
    assert any(line.startswith("        line 47: the type 'Maxout' is unknown") for line in lines)
    assert lines[-1] == "7 of 11 layers build, 2 fail, 2 wait for those: the net cannot run yet"


def test_a_layer_without_a_type_is_named(tmp_path):
    (tmp_path / "net.prototxt").write_text('layer { name: "a" top: "x" }')
    (row,) = diagnose(tmp_path / "net.prototxt").layers
    assert row.state == "fails"
    assert row.problems == ['it has no type; write, for example, type: "InnerProduct"']


def test_a_net_that_is_well_is_called_so_and_nothing_runs(tmp_path, capsys):
    (tmp_path / "layers_here.py").write_text(
        "import caffe\nclass Here(caffe.Layer):\n    def reshape(self, bottom, top):\n"
        "        top[0].reshape(2)\n    def forward(self, bottom, top):\n        raise RuntimeError\n"
    )
    (tmp_path / "net.prototxt").write_text(
        'layer { name: "h" type: "Python" top: "h" python_param { module: "layers_here" layer: "Here" } }'
    )
    (tmp_path / "solver.prototxt").write_text('net: "net.prototxt" base_lr: 1 lr_policy: "fixed"')
    for name in ("net.prototxt", "solver.prototxt"):
        assert main(["doctor", str(tmp_path / name)]) == 0
        assert capsys.readouterr().out.endswith("1 of 1 layers build, 0 fail, 0 wait for those: the net can run\n")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("nonsense", "nonsense"),
        ("# nothing here", "there is no net to look at"),
        ("\x0a\x01x\x06\x00", "this is a binary file"),
        ('layer { name: "r" type: "ReLU" bottom: "nowhere" top: "r" }', "nowhere"),
        ('layer { name: "d" type: "Data" top: "d" data_param { source: "gone" backend: LMDB batch_size: 1 } }', "gone"),
        ('layers { name: "r" type: RELU bottom: "x" top: "r" }', "before 2015"),
        ('layer { name: "p" type: "Python" top: "p" python_param { module: "nomodule" layer: "P" } }', "nomodule"),
    ],
)
def test_what_cannot_be_opened_is_a_report_too(tmp_path, capsys, text, says):
    (tmp_path / "net.prototxt").write_text(text)
    assert main(["doctor", str(tmp_path / "net.prototxt")]) == 1
    assert says in capsys.readouterr().out


def test_weights_that_do_not_fit_and_layers_that_are_left_over(tmp_path):
    text = (
        'layer {{ name: "d" type: "Input" top: "d" input_param {{ shape {{ dim: 1 dim: 4 }} }} }}'
        'layer {{ name: "{}" type: "InnerProduct" bottom: "d" top: "a" inner_product_param {{ num_output: {} }} }}'
        'layer {{ name: "{}" type: "InnerProduct" bottom: "d" top: "b" inner_product_param {{ num_output: 2 }} }}'
    )
    (tmp_path / "net.prototxt").write_text(text.format("a", 3, "b"))
    caffe.Net(str(tmp_path / "net.prototxt"), caffe.TEST).save(str(tmp_path / "net.caffemodel"))
    (tmp_path / "new.prototxt").write_text(text.format("a", 5, "c"))
    found = diagnose(tmp_path / "new.prototxt", tmp_path / "net.caffemodel")
    a, c = found.layers[1:]
    assert "rename the layer" in a.problems[0]
    assert c.weights.startswith("not in the weights")
    assert any("has not: b" in note for note in found.notes)
    assert not found.ok
    assert "missing" in str(diagnose(tmp_path / "net.prototxt", tmp_path / "missing.caffemodel"))
    assert np.all([layer.state == "builds" for layer in found.layers])


def test_a_module_that_exits_stops_only_its_layer(tmp_path):
    (tmp_path / "exits_here.py").write_text("import sys\nsys.exit(3)\n")
    (tmp_path / "lacks_here.py").write_text("import no_such_module_here\n")
    layer = 'layer {{ name: "{0}" type: "Python" top: "{0}" python_param {{ module: "{0}" layer: "P" }} }}\n'
    (tmp_path / "net.prototxt").write_text(
        layer.format("exits_here")
        + layer.format("lacks_here")
        + 'layer { name: "d" type: "Input" top: "d" input_param { shape { dim: 1 } } }'
    )
    found = diagnose(tmp_path / "net.prototxt")
    assert [row.state for row in found.layers] == ["fails", "fails", "builds"]
    assert "exits_here.py, line 2: SystemExit: 3" in found.layers[0].problems[0]
    assert "install 'no_such_module_here'" in found.layers[1].problems[0]


def test_mistakes_of_a_solver_and_of_the_net_inside_it_are_both_said(tmp_path, capsys):
    (tmp_path / "s.prototxt").write_text(
        'warm: 1\nplateau: 2\nnet_param { layer { name: "m" type: "Nowhere" top: "m" nowhere_param { a: 1 } } }'
    )
    assert main(["doctor", str(tmp_path / "s.prototxt")]) == 1
    said = capsys.readouterr().out
    assert all(word in said for word in ("'warm'", "'plateau'", "'Nowhere'", "'nowhere_param'"))
    assert "1 fail" in said


def test_types_of_old_formats_are_looked_at_one_by_one(tmp_path):
    (tmp_path / "net.prototxt").write_text(
        'input: "d" input_dim: 1 input_dim: 1 input_dim: 2 input_dim: 2\n'
        'layers { name: "r" type: RELU bottom: "d" top: "d" }\nlayers { name: "x" type: FORKED bottom: "d" top: "x" }'
    )
    found = diagnose(tmp_path / "net.prototxt")
    assert [row.state for row in found.layers] == ["builds", "builds", "fails"]
    assert "register_layer('FORKED', YourClass)" in found.layers[2].problems[0]


SOLVED = """
layer { name: "d" type: "Input" top: "d" input_param { shape { dim: 1 dim: 4 } } }
layer { name: "drop" type: "Dropout" bottom: "d" top: "drop" include { phase: TRAIN } }
layer { name: "odd" type: "Nowhere" bottom: "d" top: "odd" include { stage: "second" } }
layer { name: "best" type: "ArgMax" bottom: "d" top: "best" include { phase: TEST } }
"""
SOLVER = 'net: "net.prototxt" base_lr: 1 lr_policy: "fixed" test_iter: 1 test_iter: 1 test_interval: 5 '


def test_all_nets_of_a_solver_are_looked_at_in_their_states(tmp_path, capsys):
    (tmp_path / "net.prototxt").write_text(SOLVED)
    (tmp_path / "s.prototxt").write_text(SOLVER + 'test_state { } test_state { stage: "second" }')
    assert main(["doctor", str(tmp_path / "s.prototxt")]) == 1
    training, first, second = capsys.readouterr().out.split("net.prototxt (")[1:]
    assert training.startswith("the training net)\n")
    assert first.startswith("test net 0)\n")
    assert ["drop" in part for part in (training, first, second)] == [True, False, False]
    assert ["'Nowhere' is unknown" in part for part in (training, first, second)] == [False, False, True]
    assert ["best" in part for part in (training, first, second)] == [False, True, True]
    assert main(["doctor", str(tmp_path / "s.prototxt"), "-phase", "train"]) == 0
    assert "test net" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (SOLVER + "test_state { }", "test_state is given 1 times for 2 test nets"),
        (SOLVER + 'test_net: "net.prototxt" train_net: "net.prototxt"', "its training net once"),
        (SOLVER.replace("test_interval: 5", ""), "no test_interval"),
        (
            SOLVER.replace("test_iter: 1", "").replace("net:", "train_net:") + 'test_net: "net.prototxt"',
            "0 times for 1",
        ),
        (SOLVER + 'type: "Adm"', "Did you mean 'Adam'"),
        (SOLVER.replace("fixed", "stp"), "lr_policy"),
        ('base_lr: 1 lr_policy: "fixed"', "its training net once, as one of net, net_param"),
    ],
)
def test_what_is_wrong_with_a_solver_is_said_before_its_nets(tmp_path, capsys, text, says):
    (tmp_path / "net.prototxt").write_text(SOLVED)
    (tmp_path / "s.prototxt").write_text(text)
    assert main(["doctor", str(tmp_path / "s.prototxt")]) == 1
    first = capsys.readouterr().out.splitlines()[0]
    assert first.startswith("  problem: ")
    assert says in first
