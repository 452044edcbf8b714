"""What goes wrong on one process ends the run on all, in words and soon, and leaves a whole snapshot."""

from __future__ import annotations

import os
import re
import signal
import time
from pathlib import Path

import pytest

from caffe_nb.proto.binary import read_solver_state
from tests.distributed.conftest import Run, start, write_net

LAYER = """
import os, signal, time
import caffe

class Trouble(caffe.Layer):
    def setup(self, bottom, top):
        self.passes = 0

    def reshape(self, bottom, top):
        top[0].reshape(1)

    def forward(self, bottom, top):
        self.passes += 1
        if self.passes == 5 and caffe.solver_rank() == 1:
            self.trouble()

    def trouble(self):
        if self.param_str == "raise":
            raise ValueError("the fifth batch is odd")
        if self.param_str == "hang":
            time.sleep(1000)
        if self.param_str == "freeze":
            os.kill(os.getpid(), signal.SIGSTOP)
        if self.param_str == "die":
            os.kill(os.getpid(), signal.SIGKILL)

    def backward(self, top, propagate_down, bottom):
        pass
"""
EXTRA = """
layer { name: "trouble" type: "Python" bottom: "label" top: "t"
  python_param { module: "trouble" layer: "Trouble" param_str: "KIND" } }
layer { name: "quiet" type: "Silence" bottom: "t" }
"""


def with_trouble(folder: Path, kind: str, solver: str = "snapshot: 2") -> None:
    (folder / "trouble.py").write_text(LAYER)
    write_net(folder, 4, EXTRA.replace("KIND", kind), solver)


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def ranks_of(log: str) -> dict[int, int]:
    """The processes that rank 0 says there are, by rank."""
    return {int(rank): int(pid) for rank, pid in re.findall(r"Rank (\d+) of \d+: process (\d+) on", log)}


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize("kind", ["raise", "hang", "freeze", "die"])
def test_a_process_in_trouble_ends_the_run_on_all(folder: Path, caffe: Run, kind: str) -> None:
    with_trouble(folder, kind)
    done = caffe(3, "train", "-solver", "solver.prototxt")
    assert time.time() - (folder / "small_iter_4.solverstate").stat().st_mtime < 10
    pids = ranks_of(done.stderr)
    assert done.returncode != 0
    assert len(pids) == 3
    assert not any(map(alive, pids.values()))  # nothing is left behind
    said = done.stdout + done.stderr
    if kind == "die":
        assert re.search(rf"^rank 1 \(process {pids[1]} on \S+\): ended by signal 9 \(SIGKILL\)", said, re.MULTILINE)
    else:
        assert re.search(rf"caffe train: rank 1 \(process {pids[1]} on \S+\): ", said)
    if kind == "raise":
        assert "ValueError: the fifth batch is odd" in said
        assert "trouble.py" in said
    if kind == "hang":
        assert "hangs: forward of layer 'trouble' (Python)" in said
        assert "time.sleep(1000)" in said
    assert read_solver_state(folder / "small_iter_4.solverstate").iter == 4  # the last snapshot is whole
    assert not (folder / "small_iter_6.solverstate").exists()


def test_a_run_goes_on_with_another_number_of_processes(folder: Path, caffe: Run) -> None:
    write_net(folder, 4, solver="snapshot: 6")
    caffe(2, "train", "-solver", "solver.prototxt")
    with_other = (folder / "small_iter_12.caffemodel").read_bytes()
    (folder / "small_iter_12.caffemodel").unlink()
    done = caffe(3, "train", "-solver", "solver.prototxt", "-snapshot", "small_iter_6.solverstate")
    assert done.returncode == 0, done.stderr
    assert (folder / "small_iter_12.caffemodel").exists()
    assert (folder / "small_iter_12.caffemodel").read_bytes() != with_other  # another global batch


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_an_interrupt_ends_all_with_a_snapshot(folder: Path) -> None:
    write_net(folder, 4, solver="max_iter: 1000000 snapshot_after_train: true display: 1")
    (folder / "solver.prototxt").write_text(
        (folder / "solver.prototxt").read_text().replace("max_iter: 12", "").replace("snapshot_after_train: false", "")
    )
    process = start(folder, 3, "-m", "caffe_nb.cli", "train", "-solver", "solver.prototxt")
    assert process.stderr is not None
    log = ""
    while "Iteration 3, loss" not in log:
        line = process.stderr.readline()
        assert line, log
        log += line
    process.send_signal(signal.SIGINT)
    _, rest = process.communicate(timeout=30)
    pids = ranks_of(log)
    assert len(pids) == 3
    assert not any(map(alive, pids.values()))
    assert "Optimization stopped early." in rest
    assert len(list(folder.glob("small_iter_*.solverstate"))) == 1
