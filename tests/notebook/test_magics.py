"""The magics in a real IPython shell: what they make, what they print, and what they say when something is wrong."""

import signal
import threading

import numpy as np
import pytest
from IPython.core.completer import provisionalcompleter
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell

import caffe_nb
from caffe_nb.errors import CaffeError, PrototxtError, SolverError
from caffe_nb.net import Net
from caffe_nb.notebook.magics import PARSERS
from caffe_nb.solvers import Solver

NET = """layer { name: "x" type: "DummyData" top: "x" top: "t" dummy_data_param {
  shape { dim: 4 dim: 3 } shape { dim: 4 dim: 2 } data_filler { type: "gaussian" } data_filler { type: "constant" } } }
layer { name: "ip" type: "InnerProduct" bottom: "x" top: "y"
  inner_product_param { num_output: 2 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "Python" bottom: "y" bottom: "t" top: "loss" loss_weight: 1
  python_param { module: "__main__" layer: "MyLoss" } }
"""

LAYER = """import caffe
class MyLoss(caffe.Layer):
    def reshape(self, bottom, top):
        top[0].reshape(1)
    def forward(self, bottom, top):
        self.d = bottom[0].data - bottom[1].data
        top[0].data[0] = (self.d ** 2).sum() / 2
    def backward(self, top, propagate_down, bottom):
        bottom[0].diff[...] = top[0].diff[0] * self.d
"""


@pytest.fixture
def shell():
    shell = InteractiveShell.instance()
    caffe_nb.load_ipython_extension(shell)
    yield shell
    caffe_nb.unload_ipython_extension(shell)
    shell.reset()
    InteractiveShell.clear_instance()


@pytest.fixture
def net(shell):
    shell.run_cell_magic("caffe_layer", "", LAYER)
    shell.run_cell_magic("caffe_net", "net", NET)
    return shell.user_ns["net"]


@pytest.fixture
def solver(shell, net):
    shell.user_ns["solver"] = Solver.from_text('base_lr: 0.01 lr_policy: "fixed" max_iter: 20', net=net)
    return shell.user_ns["solver"]


@pytest.mark.parametrize("name", sorted(PARSERS))
def test_each_has_help(shell, capsys, name):
    if name in ("caffe_net", "caffe_layer"):
        shell.run_cell_magic(name, "--help", "ignored")
    else:
        shell.run_line_magic(name, "--help")
    out = capsys.readouterr().out
    assert out.startswith("usage: %")
    assert name in out


@pytest.mark.parametrize("line", ["--nonsense", "", "net --phase MAYBE"])
def test_wrong_arguments_are_one_line_and_the_usage(shell, line):
    with pytest.raises(UsageError, match="usage: %%caffe_net"):
        shell.run_cell_magic("caffe_net", line, NET)


def test_caffe_net_binds_and_names_the_net(net):
    assert isinstance(net, Net)
    assert net.name == "net"


def test_a_text_error_shows_place_and_field_and_none_of_our_frames(shell):
    with pytest.raises(PrototxtError) as raised:
        shell.run_cell_magic("caffe_net", "net", NET.replace("num_output", "num_ouput"))
    shown = "\n".join(raised.value._render_traceback_())
    assert shown.startswith("PrototxtError: line 4, column 25 of %%caffe_net net")
    assert "num_output" in shown
    assert "Traceback" not in shown


def test_caffe_layer_says_how_to_use_the_class(shell, capsys):
    shell.run_cell_magic("caffe_layer", "MyLoss", LAYER)
    assert 'python_param { module: "__main__" layer: "MyLoss" }' in capsys.readouterr().out
    with pytest.raises(UsageError, match="defines no layer class 'Other'"):
        shell.run_cell_magic("caffe_layer", "Other", LAYER)
    with pytest.raises(UsageError, match="the cell defines no layer"):
        shell.run_cell_magic("caffe_layer", "", "a = 1")


def test_a_rerun_cell_gives_the_live_net_the_new_code(shell, net, capsys):
    net.forward()
    before = float(net.blobs["loss"].const_data[0])
    old = type(net.layers[-1])
    shell.run_cell_magic("caffe_layer", "", LAYER.replace(".sum() / 2", ".sum() * 50"))
    assert "MyLoss v1 → v2" in capsys.readouterr().out
    assert type(net.layers[-1]) is old is shell.user_ns["MyLoss"]
    net.forward(start="loss")
    assert float(net.blobs["loss"].const_data[0]) == pytest.approx(100 * before, rel=1e-5)


def test_a_plain_cell_works_like_the_magic(shell, net, capsys):
    result = shell.run_cell(LAYER.replace(".sum() / 2", ".sum() * 50"))
    assert result.success
    assert "MyLoss v1 → v2" in capsys.readouterr().out


def test_caffe_run_steps_a_solver_to_max_iter_and_then_says_so(shell, solver, capsys):
    shell.run_line_magic("caffe_run", "solver -n 5")
    assert solver.iter == 5
    shell.run_line_magic("caffe_run", "solver --quiet")
    assert solver.iter == 20
    assert "loss" in capsys.readouterr().err
    with pytest.raises(SolverError, match="nothing is left"):
        shell.run_line_magic("caffe_run", "solver")


def test_caffe_run_runs_a_net(shell, net):
    shell.run_line_magic("caffe_run", "net -n 2 --quiet")
    assert net.params["ip"][0].const_diff.any()
    net.clear_param_diffs()
    shell.run_line_magic("caffe_run", "net --forward --quiet")
    assert not net.params["ip"][0].const_diff.any()


def test_targets_may_be_attributes(shell, solver):
    shell.run_line_magic("caffe_run", "solver.net --quiet")
    assert shell.run_line_magic("caffe_check", "solver.net loss").ok
    with pytest.raises(UsageError, match="no attribute 'nte'"):
        shell.run_line_magic("caffe_run", "solver.nte")


def test_caffe_run_takes_a_solver_file(shell, net, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.prototxt").write_text(NET)
    (tmp_path / "solver.prototxt").write_text('net: "net.prototxt" base_lr: 0.01 lr_policy: "fixed" max_iter: 3')
    shell.run_line_magic("caffe_run", "solver.prototxt --quiet")
    assert shell.user_ns["solver"].iter == 3


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("slover", "there is no variable 'slover'. Did you mean 'solver'?"),
        ("gone.prototxt", "there is no file 'gone.prototxt'"),
        ("caffe", "takes a net or a solver"),
    ],
)
def test_what_cannot_run_is_said(shell, solver, line, words):
    with pytest.raises(UsageError) as raised:
        shell.run_line_magic("caffe_run", line)
    assert words in str(raised.value)


def test_an_interrupt_ends_the_run_cleanly_after_an_iteration(solver, capsys):
    solver.hooks.after_iteration.append(lambda s: signal.raise_signal(signal.SIGINT) if s.iter == 7 else None)
    before = signal.getsignal(signal.SIGINT)
    caffe_nb.run(solver)
    assert solver.iter in (7, 8)
    assert not solver.running
    assert signal.getsignal(signal.SIGINT) is before
    assert "stopped by interrupt" in capsys.readouterr().out
    caffe_nb.run(solver)
    assert solver.iter == 20


def test_a_run_works_in_a_thread_too(solver):
    thread = threading.Thread(target=caffe_nb.run, args=(solver, 3), kwargs={"quiet": True})
    thread.start()
    thread.join()
    assert solver.iter == 3


def test_caffe_check_of_a_class_of_a_layer_and_of_a_net(shell, net, capsys):
    shell.user_ns["values"] = np.ones((4, 2)) * [1, 2]
    assert shell.run_line_magic("caffe_check", "MyLoss --bottom 4,2 --bottom values").ok
    net.forward()
    assert shell.run_line_magic("caffe_check", "net loss").ok
    shell.run_line_magic("caffe_check", "net")
    assert capsys.readouterr().out.count("PASS") >= 2


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("MyLoss", "say what the bottoms are"),
        ("MyLoss --bottom nothing", "a shape is numbers with commas"),
        ("net lss", "has no layer 'lss'. Did you mean 'loss'?"),
        ("np", "there is no variable 'np'"),
    ],
)
def test_what_cannot_be_checked_is_said(shell, net, line, words):
    with pytest.raises(UsageError) as raised:
        shell.run_line_magic("caffe_check", line)
    assert words in str(raised.value)


def test_tab_completes_nets_layers_classes_and_options(shell, solver):
    def completions(line):
        with provisionalcompleter():
            return [c.text for c in shell.Completer.completions(line, len(line))]

    assert "solver" in completions("%caffe_run so")
    assert "loss" in completions("%caffe_check net lo")
    assert "MyLoss" in completions("%caffe_check MyL")
    assert "--iterations" in completions("%caffe_run solver --it")


def test_inspecting_without_a_net_is_said(shell, monkeypatch):
    monkeypatch.setattr("caffe_nb.notebook.inspect.live_nets", list)
    with pytest.raises(CaffeError, match="there is no net to inspect"):
        shell.run_line_magic("caffe_inspect", "")
