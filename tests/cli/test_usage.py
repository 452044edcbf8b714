"""What the command `caffe` says to words that it does not take, to files that are not there, and to an early Ctrl-C."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from caffe_nb.cli.main import main

NET = 'layer { name: "d" type: "Input" top: "d" input_param { shape { dim: 2 dim: 3 } } }'
SOLVER = 'net: "net.prototxt" base_lr: 0.1 lr_policy: "fixed" max_iter: 2'
INTERRUPTED = """
import signal, sys
class Early:
    def find_spec(self, name, path=None, target=None):
        if name == "numpy":
            sys.meta_path.remove(self)
            signal.raise_signal(signal.SIGINT)
sys.meta_path.insert(0, Early())
"""


@pytest.fixture(autouse=True)
def _there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("trian", "caffe: unknown command 'trian'. Did you mean 'train'? See: caffe --help"),
        ("train", "caffe train: give -solver, the solver's prototxt. See: caffe train --help"),
        ("train -slover x", "unknown argument '--slover'. Did you mean '--solver'"),
        ("train s.prototxt", "unknown argument 's.prototxt'. Did you mean '-solver s.prototxt'?"),
        ("train -solver", "-solver: expected one argument. See: caffe train --help"),
        ("train -solver s -iterations -3", "-iterations: expected a number from 1 up, got '-3'"),
        ("train -solver s -sigint_effect x", "-sigint_effect: invalid choice: 'x' (choose from"),
        ("time -model n -iterations abc", "-iterations: expected a number from 1 up, got 'abc'"),
        ("time -model n -level 1.5", "-level: expected a whole number, got '1.5'"),
        ("classify a b", "give -model_def, the net's deploy prototxt and -pretrained_model, its weights."),
        ("classify a b -model_def d -pretrained_model w -raw_scale x", "-raw_scale: expected a number, got 'x'"),
    ],
)
def test_words_that_are_not_taken(words: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words.split()) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("solver", "said"),
    [
        ("solver.prototx", "there is no file 'solver.prototx' in '{here}'. Did you mean 'solver.prototxt'?\n"),
        ("other.prototxt", "there is no file 'other.prototxt' in '{here}'.\n"),
        ("lost.prototxt", "net of lost.prototxt: there is no file 'lenet.prototxt' in '{here}'.\n"),
        ("a/lost.prototxt", "net of a/lost.prototxt: there is no file 'lenet.prototxt' in '{here}'. Nor is it in"),
    ],
)
def test_files_that_are_not_there(solver: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lost = SOLVER.replace("net.prototxt", "lenet.prototxt")
    (tmp_path / "a").mkdir()
    for name, text in {"solver.prototxt": SOLVER, "lost.prototxt": lost, "a/lost.prototxt": lost}.items():
        (tmp_path / name).write_text(text)
    assert main(["train", "-solver", solver]) == 1
    assert said.format(here=tmp_path) in capsys.readouterr().err


def test_a_net_where_a_solver_is_meant_is_said_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "net.prototxt").write_text("\n".join([NET, NET.replace("d", "e"), NET.replace("d", "f")]))
    assert main(["train", "-solver", "net.prototxt"]) == 1
    lines = capsys.readouterr().err.splitlines()[-2:]
    assert lines[0].endswith("3 things in this text are unknown here:")
    assert lines[1] == (
        "    line 1, column 1: a solver has no field 'layer'. It is a field of a net: is this the right file?"
        " (also on lines 2, 3)"
    )


def test_ctrl_c_while_the_engine_is_imported_leaves_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(INTERRUPTED)
    done = subprocess.run(
        [sys.executable, "-m", "caffe_nb.cli", "train", "-solver", "solver.prototxt"],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (130, "caffe train: interrupted\n")
