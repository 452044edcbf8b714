"""What a person is told of errors and edits: their own lines, once, and nothing of the inside."""

import gc
import os
import re
import time
import weakref

import pytest

import caffe_nb
from caffe_nb import live
from caffe_nb.inspector import session
from caffe_nb.notebook.inspect import inspect
from caffe_nb.solvers import Solver
from tests.notebook.conftest import LAYER, NET


def run(shell, text):
    """Run a cell as the notebook does; return whether it succeeded."""
    return shell.run_cell(text, store_history=True).success


def magic(text):
    return f"%%caffe_layer\n{text}"


def shown(capsys):
    return re.sub(r"\x1b\[[0-9;]*m", "", "".join(capsys.readouterr()))


# errors


def test_a_syntax_error_shows_the_line_and_no_frames(shell, capsys):
    assert not run(shell, magic(LAYER.replace("def forward(self,", "def forward((self,")))
    out = shown(capsys)
    assert "SyntaxError" in out
    assert "line 6" in out  # the magic's own line is the first
    assert "run_cell_magic" not in out
    assert "caffe_nb" not in out


def test_so_does_one_in_a_layers_file(shell, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "broken_layers.py").write_text("import caffe\nx = 1 +\n")
    assert not run(shell, "%%caffe_net n\n" + NET.replace("__main__", "broken_layers"))
    out = shown(capsys)
    assert re.search(r"broken_layers\.py.*line 2", out)
    assert "while importing module 'broken_layers'" in out
    assert "importlib" not in out


def test_an_exception_of_a_layer_names_the_notebooks_cell_and_line(shell, net, capsys):
    assert run(shell, magic(LAYER.replace("        self.d =", "        1 / 0\n        self.d =")))
    number = shell.execution_count - 1
    assert not run(shell, "%caffe_run net")
    out = shown(capsys)
    assert f"Cell In[{number}], line 7, in MyLoss.forward" in out
    assert not run(shell, "%caffe_check net loss")
    out = shown(capsys)
    assert f"Cell In[{number}], line 7, in MyLoss.forward" in out
    assert "check/" not in out


def test_an_error_of_ours_in_a_layers_line_shows_that_line(shell, net, capsys):
    assert run(shell, magic(LAYER.replace("        self.d =", "        top[0].reshape(-1)\n        self.d =")))
    capsys.readouterr()
    assert not run(shell, "%caffe_run net")
    out = shown(capsys)
    assert "line 7, in MyLoss.forward" in out
    assert "blob.py" not in out


def test_a_plain_call_shows_the_persons_line_and_the_message(shell, capsys):
    assert not run(shell, "import caffe_nb\ncaffe_nb.Net.from_text('layer { nme: 1 }')")
    out = shown(capsys)
    assert "line 2" in out
    assert "Did you mean 'name'?" in out
    assert "ParseError" not in out
    assert "proto/text.py" not in out


def test_what_an_exception_came_from_is_shown_too(shell, net, capsys):
    raising = "        try:\n            {}['a']\n        except KeyError:\n            raise ValueError('b')\n"
    assert run(shell, magic(LAYER.replace("        self.d =", raising + "        self.d =")))
    assert not run(shell, "%caffe_run net")
    assert "KeyError: 'a'" in shown(capsys)


def test_an_error_does_not_keep_a_net_that_was_built_anew(shell):
    assert run(shell, magic(LAYER.replace("        self.d =", "        1 / 0\n        self.d =")))
    assert run(shell, "%%caffe_net net\n" + NET)
    assert not run(shell, "%caffe_run net")
    old = weakref.ref(shell.user_ns["net"])
    assert run(shell, "%%caffe_net net\n" + NET)
    gc.collect()
    assert old() is None


# edits of cells


def test_a_refused_cell_is_told_once_with_its_number(shell, net, capsys):
    bad = LAYER.replace("    def reshape", "    def setup(self, bottom, top):\n        1 / 0\n    def reshape")
    assert run(shell, magic(bad))
    number = shell.execution_count - 1
    out = shown(capsys)
    assert len(re.findall(r"refused, running v\d", out)) == 1
    assert f"Cell In[{number}], line 5: ZeroDivisionError" in out
    assert "run the cell again" in out
    before = len(live.swaps())
    for _ in range(3):
        assert run(shell, "a = 1")
    assert shown(capsys) == ""
    assert len(live.swaps()) == before
    assert run(shell, magic(bad))
    assert shown(capsys).count("refused") == 1
    assert run(shell, magic(LAYER))
    assert "mended" in shown(capsys)
    assert type(net.layers[-1]) is shell.user_ns["MyLoss"]


def test_a_refused_cell_is_tried_again_when_what_it_reads_is_there(shell, net, capsys):
    needs = LAYER.replace(
        "    def reshape", "    def setup(self, bottom, top):\n        self.scale = SCALE\n    def reshape"
    )
    assert run(shell, magic(needs))
    assert "NameError" in shown(capsys)
    assert run(shell, "SCALE = 2")
    assert "setup changed; setup rerun" in shown(capsys)
    assert net.layers[-1].scale == 2


def test_a_class_that_was_refused_does_not_hold_up_others(shell, net, capsys):
    other = LAYER.replace("MyLoss", "Other")
    assert run(shell, magic(other))
    assert run(shell, "%%caffe_net second\n" + NET.replace("MyLoss", "Other"))
    bad = LAYER.replace("    def reshape", "    def setup(self, bottom, top):\n        1 / 0\n    def reshape")
    assert run(shell, magic(bad))
    capsys.readouterr()
    assert run(shell, magic(other.replace(".sum() / 2", ".sum()")))
    assert re.search(r"Other v\d → v\d: forward changed", shown(capsys))


def test_a_cell_that_changes_nothing_says_so(shell, capsys):
    text = magic(LAYER.replace("MyLoss", "Unchanged"))
    assert run(shell, text)
    assert "Unchanged is ready" in shown(capsys)
    assert run(shell, "%%caffe_net net\n" + NET.replace("MyLoss", "Unchanged"))
    capsys.readouterr()
    assert run(shell, text)
    assert shown(capsys) == "Unchanged v1: nothing changed\n"


# edits of files


@pytest.fixture
def layers_file(shell, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / f"told_layers_{os.getpid()}_{time.monotonic_ns()}.py"
    path.write_text(LAYER)
    assert run(shell, "%%caffe_net net\n" + NET.replace("__main__", path.stem))
    return path


def test_a_save_between_cells_is_told_by_the_next_one_and_only_once(shell, layers_file, capsys):
    layers_file.write_text(LAYER.replace("def forward(", "def forward(("))
    live.reload()
    capsys.readouterr()
    assert run(shell, "print('mine')")
    out = shown(capsys)
    assert out.index("refused, running v1") < out.index("mine")
    assert run(shell, "a = 1")
    assert shown(capsys) == ""


def test_what_the_output_of_a_run_told_is_not_told_again(shell, layers_file, capsys):
    net = shell.user_ns["net"]
    solver = Solver.from_text('base_lr: 0.01 lr_policy: "fixed" max_iter: 9', net=net)

    def save(solver):
        if solver.iter == 3:
            layers_file.write_text(LAYER.replace(".sum() / 2", ".sum()"))
            live.reload(0)

    solver.hooks.before_iteration.append(save)
    shell.user_ns["solver"] = solver
    capsys.readouterr()
    assert run(shell, "%caffe_run solver")
    assert shown(capsys).count("MyLoss v1 → v2") == 1


# the panel


def test_the_panel_goes_on_to_the_net_that_a_cell_built_anew(shell, net):
    inspect(net)
    shell.run_cell_magic("caffe_net", "other", NET)
    assert session.serving().handle({"id": 1, "request": {"kind": "list_nets"}})[0]["reply"]["inspect"] == net.id
    shell.run_cell_magic("caffe_net", "net", NET)
    reply = session.serving().handle({"id": 1, "request": {"kind": "list_nets"}})[0]["reply"]
    assert reply["inspect"] == shell.user_ns["net"].id != net.id


def test_inspecting_nothing_in_particular_shows_the_net_that_trains(shell, net):
    text = 'base_lr: 0.01 lr_policy: "fixed" max_iter: 9 test_iter: 1 test_interval: 1'
    solver = Solver.from_text(text, net=net)
    assert solver.test_nets
    caffe_nb.inspect()
    reply = session.serving().handle({"id": 1, "request": {"kind": "list_nets"}})[0]["reply"]
    assert reply["inspect"] == net.id
