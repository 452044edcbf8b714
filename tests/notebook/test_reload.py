"""`%caffe_reload`, `%caffe_run --refresh` and `--wait`, and pausing, in a real IPython shell."""

import signal
import sys
import threading
import time

import numpy as np
import pytest
from IPython.core.error import UsageError

from caffe_nb import live
from caffe_nb.errors import LayerNotFoundError, NetError
from caffe_nb.rng import set_random_seed
from caffe_nb.solvers import Solver
from tests.notebook.conftest import LAYER, NET


class Project:
    """A layer in a file, and a solver that trains a net with it."""

    def __init__(self, folder, module):
        self.path = folder / f"{module}.py"
        self.path.write_text(LAYER)
        text = NET.replace("__main__", module)
        settings = 'base_lr: 0.01 lr_policy: "fixed" max_iter: 20 random_seed: 3'
        self.solver = Solver.from_text(f"{settings} net_param {{ {text} }}", folder=folder)

    def edit(self, old, new):
        text = self.path.read_text()
        assert old in text
        self.path.write_text(text.replace(old, new))


@pytest.fixture
def project(shell, tmp_path, request):
    module = f"r{abs(hash(request.node.nodeid)) % 10**9}"
    project = Project(tmp_path, module)
    shell.user_ns["solver"], shell.user_ns["net"] = project.solver, project.solver.net
    yield project
    for key in [k for k in sys.modules if str(getattr(sys.modules[k], "__file__", "")).startswith(str(tmp_path))]:
        del sys.modules[key]


FORWARD = ("(self.d ** 2).sum() / 2", "(self.d ** 2).sum() / 2 + 5")


class TestReload:
    def test_takes_up_edits_and_lists_the_versions(self, shell, project, capsys):
        project.edit(*FORWARD)
        listed = shell.run_line_magic("caffe_reload", "")
        assert "MyLoss v1 → v2: forward changed" in capsys.readouterr().out
        lines = repr(listed).splitlines()
        assert [line.split()[:2] for line in lines] == [["MyLoss", "v1"], ["MyLoss", "v2"]]
        assert lines[1].endswith("forward changed  ← runs")
        assert "<td>v2</td>" in listed._repr_html_()

    def test_compares_two_versions(self, shell, project):
        project.edit(*FORWARD)
        shown = shell.run_line_magic("caffe_reload", "MyLoss --diff")
        assert repr(shown).startswith("MyLoss v1 → v2\n---")
        assert "+        top[0].data[0] = (self.d ** 2).sum() / 2 + 5" in repr(shown).splitlines()
        assert repr(shell.run_line_magic("caffe_reload", "--diff 2 1")).startswith("MyLoss v2 → v1")
        assert "the same code" in repr(shell.run_line_magic("caffe_reload", "--diff 2 2"))
        assert "&lt;" in type(shown)("<title>", "+ <b>")._repr_html_()

    def test_goes_back(self, shell, project, capsys):
        net = project.solver.net
        before = float(net.forward()["loss"].item())
        project.edit(*FORWARD)
        shell.run_line_magic("caffe_reload", "")
        assert float(net.forward()["loss"].item()) != before
        shell.run_line_magic("caffe_reload", "--rollback")
        assert "v2 → v3: forward changed (back to v1)" in capsys.readouterr().out
        shell.run_line_magic("caffe_reload", "MyLoss --rollback --to 2")
        assert "v3 → v4: forward changed (back to v2)" in capsys.readouterr().out

    def test_autorun_is_switched_on_and_off(self, shell, project, capsys):
        net = project.solver.net
        net.forward()
        shell.run_line_magic("caffe_reload", "--autorun on")
        project.edit(*FORWARD)
        live.reload()
        assert net.stale == []
        shell.run_line_magic("caffe_reload", "--autorun off")
        assert capsys.readouterr().out.splitlines()[-1] == "edits mark what is stale"
        project.edit("+ 5", "+ 6")
        live.reload()
        assert net.stale == ["loss"]

    @pytest.mark.parametrize(
        ("line", "error", "words"),
        [
            ("NoLayer", LayerNotFoundError, "no net has a Python layer of class 'NoLayer'"),
            ("MyLoss --rollback", NetError, "MyLoss has no earlier version than v1, which runs"),
            ("MyLoss --rollback --to 5", NetError, "MyLoss has no version v5; it has v1"),
            ("MyLoss --diff 7", UsageError, "MyLoss has no version v7; it has v1 to v1"),
            ("MyLoss --diff 1 2 3", UsageError, "up to two"),
            ("MyLoss --to 1", UsageError, "--to goes with --rollback"),
            ("--autorun perhaps", UsageError, "invalid choice"),
        ],
    )
    def test_what_cannot_be_is_said(self, shell, project, line, error, words):
        with pytest.raises(error, match=words):
            shell.run_line_magic("caffe_reload", line)

    def test_without_any_layer(self, shell):
        assert repr(shell.run_line_magic("caffe_reload", "")) == "no live net has a Python layer"


def test_refresh_runs_what_is_stale_and_says_what_became_of_it(shell, project, capsys):
    project.solver.net.forward()
    project.edit(*FORWARD)
    live.reload()
    shell.run_line_magic("caffe_run", "net --refresh")
    out = capsys.readouterr().out
    assert "ran 1 of 3 layers" in out
    assert "loss: top 'loss' max difference 5 at (0,)" in out
    shell.run_line_magic("caffe_run", "solver --refresh")
    assert "nothing is stale: nothing ran" in capsys.readouterr().out


class TestPausing:
    BOOM = (
        "        self.d =",
        "        self.n = getattr(self, 'n', 0) + 1\n        assert self.n != 5\n        self.d =",
    )

    def result(self, shell, project):
        shell.run_line_magic("caffe_run", "solver --quiet")
        return [blob.data.tobytes() for blob in project.solver.net.learnable_params]

    def test_an_exception_pauses_and_running_again_goes_on(self, shell, project, tmp_path, capsys):
        undisturbed = Project(tmp_path, f"{project.path.stem}_undisturbed")
        shell.user_ns["solver"] = undisturbed.solver
        set_random_seed(9)
        wanted = self.result(shell, undisturbed)
        shell.user_ns["solver"] = project.solver
        set_random_seed(9)
        project.edit(*self.BOOM)
        live.reload()
        with pytest.raises(AssertionError):
            shell.run_line_magic("caffe_run", "solver")
        assert project.solver.iter == 4
        out = capsys.readouterr().out
        assert "paused before the forward of layer 'loss'" in out
        assert "mend it, save, and run again" in out
        project.edit("assert self.n != 5", "pass")
        live.reload()
        assert self.result(shell, project) == wanted

    def test_a_run_that_waits_goes_on_by_itself(self, shell, project, capsys):
        project.edit(*self.BOOM)
        live.reload()

        def mend():
            while project.solver.net.paused is None:
                time.sleep(0.01)
            time.sleep(0.1)
            project.edit("assert self.n != 5", "pass")

        thread = threading.Thread(target=mend)
        thread.start()
        shell.run_line_magic("caffe_run", "solver --wait")
        thread.join()
        out = capsys.readouterr().out
        assert project.solver.iter == 20
        assert "waiting for a save; interrupt to stop" in out
        assert "AssertionError" in out
        assert "forward changed" in out

    def test_waiting_ends_with_an_interrupt(self, shell, project):
        project.edit(*self.BOOM)
        live.reload()

        def interrupt():
            while project.solver.net.paused is None:
                time.sleep(0.01)
            time.sleep(0.2)
            signal.raise_signal(signal.SIGINT)

        thread = threading.Thread(target=interrupt)
        thread.start()
        with pytest.raises(KeyboardInterrupt):
            shell.run_line_magic("caffe_run", "solver --wait --quiet")
        thread.join()
        assert project.solver.iter == 4

    def test_a_net_goes_on_too(self, shell, project):
        net = project.solver.net
        project.edit("        self.d =", "        raise ValueError('no')\n        self.d =")
        live.reload()
        with pytest.raises(ValueError, match="no"):
            shell.run_line_magic("caffe_run", "net --forward --quiet")
        batch = net.blobs["x"].const_data.copy()
        project.edit("        raise ValueError('no')\n", "")
        live.reload()
        shell.run_line_magic("caffe_run", "net --quiet")
        np.testing.assert_array_equal(net.blobs["x"].const_data, batch)
        assert net.blobs["y"].const_diff.any()


class TestCheckOnSave:
    def test_an_edit_checks_its_layer(self, shell, project, capsys):
        net = project.solver.net
        net.forward()
        shell.run_line_magic("caffe_check", "--on-save on")
        project.edit("top[0].diff[0] * self.d", "-top[0].diff[0] * self.d")
        shell.run_line_magic("caffe_reload", "")
        out = capsys.readouterr().out
        assert "backward changed" in out
        assert "loss: FAIL: sign in bottom[0]: backward has the opposite sign" in out
        project.edit("-top[0].diff[0] * self.d", "top[0].diff[0] * self.d")
        shell.run_line_magic("caffe_reload", "")
        assert "loss: PASS: the gradient is right" in capsys.readouterr().out
        shell.run_line_magic("caffe_check", "--on-save off")
        project.edit(*FORWARD)
        shell.run_line_magic("caffe_reload", "")
        assert "PASS" not in capsys.readouterr().out

    def test_an_exception_is_told(self, shell, project, capsys):
        project.solver.net.forward()
        shell.run_line_magic("caffe_check", "--on-save on")
        project.edit("        bottom[0].diff[...]", "        {}['no']\n        bottom[0].diff[...]")
        shell.run_line_magic("caffe_reload", "")
        assert "loss: KeyError in the gradient check: 'no'" in capsys.readouterr().out
