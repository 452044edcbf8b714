"""The magics in a real IPython shell: what they make, what they print, and what they say when something is wrong."""

import signal
import sys
import threading

import numpy as np
import pytest
from IPython.core.completer import provisionalcompleter
from IPython.core.error import UsageError

import caffe_nb
from caffe_nb import device
from caffe_nb.errors import CaffeError, PrototxtError, SolverError
from caffe_nb.net import Net
from caffe_nb.notebook.parsers import PARSERS
from caffe_nb.solvers import Solver
from tests.device.standin import Standin
from tests.notebook.conftest import LAYER, NET


@pytest.mark.parametrize("name", sorted(PARSERS))
def test_each_has_help(shell, capsys, name):
    shell.run_line_magic(name, "--help")
    out = capsys.readouterr().out
    assert out.startswith("usage: %")
    assert name in out
    assert shell.find_line_magic(name).__doc__ == out  # what `%caffe_run?` shows


@pytest.mark.parametrize(("name", "line"), [("caffe_net", "net"), ("caffe_layer", "")])
def test_a_magic_of_cells_with_one_percent_is_said(shell, name, line):
    shell.run_cell_magic(name, "--help", "with two it shows the help, too")
    with pytest.raises(UsageError, match=f"write %%{name} with two %"):
        shell.run_line_magic(name, line)


@pytest.mark.parametrize("name", ["3net", "class", "a-b"])
def test_a_name_that_no_variable_can_have_is_refused(shell, name):
    with pytest.raises(UsageError, match=f"'{name}' cannot be a variable's name"):
        shell.run_cell_magic("caffe_net", name, NET)


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


def test_caffe_run_computes_on_a_gpu_for_this_run(shell, solver, monkeypatch):
    stand = Standin()
    monkeypatch.setattr(device, "gpu", lambda: stand)
    shell.run_line_magic("caffe_run", "solver -n 2 --gpu")
    assert stand.uploads > 0
    assert device.current() is None
    monkeypatch.undo()
    monkeypatch.setitem(sys.modules, "cupy", None)
    with pytest.raises(device.DeviceError, match=r"needs CuPy.*cupy-cuda12x.*leave out --gpu"):
        shell.run_line_magic("caffe_run", "solver -n 2 --gpu 1")
    assert solver.iter == 2


def test_no_iterations_run_nothing(shell, net, capsys):
    text = 'base_lr: 0.01 lr_policy: "fixed" max_iter: 9 test_iter: 1 test_interval: 1'
    shell.user_ns["solver"] = Solver.from_text(text, net=net)
    shell.run_line_magic("caffe_run", "solver -n 0")
    assert "test net" not in "".join(capsys.readouterr())
    with pytest.raises(SolverError, match="cannot run -1 iterations"):
        shell.run_line_magic("caffe_run", "solver -n -1")


def test_a_line_may_be_quoted_and_end_in_a_comment(shell, solver):
    shell.run_line_magic("caffe_run", "'solver' -n 1 --quiet  # that's enough")
    assert solver.iter == 1


def test_a_backslash_is_a_paths(shell):
    with pytest.raises(UsageError, match=r"no file 'nets\\solver\.prototxt'"):
        shell.run_line_magic("caffe_run", r"nets\solver.prototxt")


@pytest.mark.parametrize("call", [caffe_nb.run, caffe_nb.inspect])
def test_plain_calls_say_what_they_take(call):
    with pytest.raises(TypeError, match="takes a net or a solver, got str"):
        call("net")


def test_a_number_of_iterations_is_whole(solver):
    with pytest.raises(TypeError):
        caffe_nb.run(solver, 2.5)


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
    with pytest.raises(UsageError, match=r"no file 'slver\.prototxt' in .*\. Did you mean 'solver\.prototxt'\?"):
        shell.run_line_magic("caffe_run", "slver.prototxt")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("solver -n abc", "invalid int value: 'abc'"),
        ("solver -n 1 'unclosed", "No closing quotation"),
        ("'hello'", "there is no variable 'hello'"),
        ("slover", "there is no variable 'slover'. Did you mean 'solver'? Nets and solvers here: net, solver"),
        ("gone.prototxt", "there is no file 'gone.prototxt'"),
        ("caffe", "takes a net or a solver"),
    ],
)
def test_what_cannot_run_is_said(shell, solver, line, words):
    shell.user_ns["_17"] = solver.net  # as IPython keeps a cell's result
    with pytest.raises(UsageError) as raised:
        shell.run_line_magic("caffe_run", line)
    assert words in str(raised.value)
    assert "_17" not in str(raised.value)


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


def test_an_interrupted_check_says_so(shell, net, capsys):
    class Interrupted(caffe_nb.Layer):
        def reshape(self, bottom, top):
            top[0].reshape_like(bottom[0])

        def forward(self, bottom, top):
            raise KeyboardInterrupt

    shell.user_ns["Interrupted"] = Interrupted
    assert shell.run_line_magic("caffe_check", "Interrupted --bottom 4,2") is None
    assert "stopped by interrupt" in capsys.readouterr().out


def test_a_check_is_exported_as_a_test(shell, net, capsys, tmp_path):
    net.forward()
    path = tmp_path / "test_ip.py"
    shell.run_line_magic("caffe_check", f"net ip --export {path}")
    assert f"written: {path}" in capsys.readouterr().out
    assert path.with_suffix(".npz").is_file()
    with pytest.raises(UsageError, match="one layer"):
        shell.run_line_magic("caffe_check", f"net --export {path}")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("MyLoss", "say what the bottoms are"),
        ("MyLoss --bottom nothing", "a shape is numbers with commas"),
        ("MyLoss --bottom 3,x", "a shape is numbers with commas"),
        ("net lss", "has no layer 'lss'. Did you mean 'loss'? Its layers: x, ip, loss"),
        ("net loss --bottom 4,2", "--bottom is for a class"),
        ("np", "there is no variable 'np'"),
    ],
)
def test_what_cannot_be_checked_is_said(shell, net, line, words):
    with pytest.raises(UsageError) as raised:
        shell.run_line_magic("caffe_check", line)
    assert words in str(raised.value)


@pytest.mark.parametrize(
    ("line", "found", "others"),
    [
        ("%caffe_run so", {"solver"}, False),
        ("%caffe_run ", {"net", "solver", "--iterations"}, True),
        ("%caffe_run solver --it", {"--iterations"}, False),
        ("%caffe_run solver -", {"-n", "--iterations", "--quiet"}, True),
        ("%caffe_cluster st", {"start", "status", "stop"}, False),
        ("%caffe_check net lo", {"loss"}, False),
        ("%caffe_check My", {"MyLoss"}, False),
        ("%caffe_check MyLoss --bottom val", {"values"}, False),
        ("%%caffe_net x --phase ", {"TRAIN", "TEST"}, False),
        ("a = 1\n%caffe_inspect n", {"net"}, False),
        ("%caffe_run solver.ne", {"net"}, True),
    ],
)
def test_tab_completes_what_a_magic_takes_and_nothing_else(shell, solver, line, found, others):
    shell.user_ns["values"] = np.ones(3)
    with provisionalcompleter():
        texts = {completion.text for completion in shell.Completer.completions(line, len(line))}
    assert found <= texts if others else found == texts
    assert not {"and", "abs", "-abs", "if"} & texts


def test_caffe_time_and_caffe_graph_take_a_net_a_solver_or_a_file(shell, solver, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "little.prototxt").write_text(NET)
    for target in ("net", "solver", "solver.net", "little.prototxt --phase TEST"):
        times = shell.run_line_magic("caffe_time", f"{target} -n 2")
        assert times.layers == ["x", "ip", "loss"]
        assert times.backward.any() == ("TEST" not in target)
        assert "InnerProduct" in shell.run_line_magic("caffe_graph", target).svg
    shell.run_line_magic("caffe_graph", "net --save here.svg")
    assert "written: here.svg" in capsys.readouterr().out
    assert (tmp_path / "here.svg").read_text().startswith("<svg")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", "required"),
        ("nett", "there is no variable 'nett'. Did you mean 'net'?"),
        ("gone.prototxt", "there is no file 'gone.prototxt'"),
        ("caffe", "takes a net or a solver"),
        ("net --phase TEST", "--phase is for a prototxt"),
    ],
)
@pytest.mark.parametrize("magic", ["caffe_time", "caffe_graph"])
def test_what_can_be_neither_timed_nor_drawn_is_said(shell, net, magic, line, words):
    with pytest.raises(UsageError) as raised:
        shell.run_line_magic(magic, line)
    assert words in str(raised.value)


def test_inspecting_without_a_net_is_said(shell, monkeypatch):
    monkeypatch.setattr("caffe_nb.notebook.inspect.live_nets", list)
    with pytest.raises(CaffeError, match="there is no net to inspect"):
        shell.run_line_magic("caffe_inspect", "")
