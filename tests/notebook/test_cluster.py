"""`%caffe_cluster` and `%caffe_run --cluster`: real engines, real MPI."""

from __future__ import annotations

import os
import re
import signal
import time
from pathlib import Path

import numpy as np
import pytest
from IPython.core.error import UsageError

from caffe_nb.distributed import RankError
from caffe_nb.errors import CaffeError
from caffe_nb.inspector.training import state
from caffe_nb.notebook import cluster
from tests.distributed.conftest import write_net, write_rows
from tests.distributed.test_faults import EXTRA, LAYER, alive

WATCHED = """
import time
import caffe

class Trouble(caffe.Layer):
    version = 1

    def setup(self, bottom, top):
        self.passes = 0

    def reshape(self, bottom, top):
        top[0].reshape(1)

    def forward(self, bottom, top):
        self.passes += 1
        time.sleep(0.01)
        with open(f"seen{caffe.solver_rank()}.txt", "a") as file:
            file.write(f"{self.passes} {self.version}\\n")

    def backward(self, top, propagate_down, bottom):
        pass
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cluster")


@pytest.fixture
def folder(place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(place)
    write_rows(place)
    write_net(place, 4)
    return place


@pytest.fixture
def two(folder: Path, shell) -> cluster.Cluster:
    """A cluster of two ranks; the next test has the same one, where it lives."""
    try:
        return cluster.current()
    except CaffeError:
        shell.run_line_magic("caffe_cluster", "start -n 2")
        return cluster.current()


@pytest.fixture(scope="module", autouse=True)
def _stopped():
    yield
    cluster.stop()


def seen(folder: Path, rank: int) -> list[tuple[int, int]]:
    lines = (folder / f"seen{rank}.txt").read_text().split("\n")[:-1]
    return [(int(passes), int(version)) for passes, version in map(str.split, lines)]


def trouble(folder: Path, text: str, kind: str = "none") -> Path:
    for path in folder.glob("seen*.txt"):
        path.unlink()
    (folder / "trouble.py").write_text(text)
    write_net(folder, 4, EXTRA.replace("KIND", kind), "max_iter: 100")
    text = (folder / "solver.prototxt").read_text().replace("max_iter: 12", "")
    (folder / "solver.prototxt").write_text(text)
    return folder / "trouble.py"


def at_iteration(solver, number: int, call) -> None:
    done = []

    def listener(solver) -> None:
        if solver.iter >= number and not done:
            done.append(True)
            call()

    solver.hooks.after_iteration.append(listener)


def test_status_names_the_ranks(two, shell) -> None:
    text = repr(shell.run_line_magic("caffe_cluster", "status"))
    assert re.fullmatch(r"cluster of 2, running\n  rank 0: process \d+ on \S+\n  rank 1: process \d+ on \S+", text)


def test_a_solver_here_has_what_the_ranks_reached(two, folder, shell, capsys) -> None:
    shell.run_line_magic("caffe_run", "solver.prototxt --cluster")
    solver = shell.user_ns["solver"]
    assert solver.iter == 12
    assert len(solver.losses.points) == 12
    ranks = state(solver.net).ranks  # what the panel shows
    assert [rank.name for rank in ranks] == [each["name"] for each in two.ranks]
    assert solver.loss == pytest.approx(np.mean([rank.loss for rank in ranks]))
    assert all(rank.seconds > 0 for rank in ranks)
    before = [blob.data.copy() for blob in solver.net.learnable_params]
    shell.run_line_magic("caffe_run", "solver --cluster -n 3")
    assert solver.iter == 15
    assert any((b != a.data).any() for b, a in zip(before, solver.net.learnable_params, strict=True))


def test_an_edit_reaches_all_ranks_at_the_same_iteration(two, folder, shell) -> None:
    file = trouble(folder, WATCHED)
    solver = shell.run_line_magic("caffe_run", "solver.prototxt --cluster -n 2") or shell.user_ns["solver"]
    edit = WATCHED.replace("version = 1", "version = 2")
    at_iteration(solver, 20, lambda: file.write_text(edit))
    shell.run_line_magic("caffe_run", "solver --cluster")
    firsts = [next(passes for passes, version in seen(folder, rank) if version == 2) for rank in (0, 1)]
    assert firsts[0] == firsts[1] > 10


def test_an_edit_that_one_rank_refuses_reaches_none(two, folder, shell, capsys) -> None:
    file = trouble(folder, WATCHED)
    shell.run_line_magic("caffe_run", "solver.prototxt --cluster -n 2")
    solver = shell.user_ns["solver"]
    edit = WATCHED.replace("version = 1", "version = 2").replace(
        "self.passes = 0", "self.passes = 0; 1 / (1 - caffe.solver_rank())"
    )
    at_iteration(solver, 20, lambda: file.write_text(edit))
    shell.run_line_magic("caffe_run", "solver --cluster")
    assert solver.iter == 100
    assert {version for rank in (0, 1) for _, version in seen(folder, rank)} == {1}
    said = capsys.readouterr()
    assert "refused" in said.err + said.out
    assert re.search(r"rank 1 \(process \d+ on \S+\): ZeroDivisionError", said.err + said.out)


def test_an_interrupt_stops_all_ranks_and_running_again_goes_on(two, folder, shell) -> None:
    trouble(folder, WATCHED)
    shell.run_line_magic("caffe_run", "solver.prototxt --cluster -n 2")
    solver = shell.user_ns["solver"]
    at_iteration(solver, 20, lambda: os.kill(os.getpid(), signal.SIGINT))
    shell.run_line_magic("caffe_run", "solver --cluster")
    assert 20 <= solver.iter < 100
    shell.run_line_magic("caffe_run", "solver --cluster -n 2")


def test_what_a_rank_raises_is_raised_here_and_the_cluster_lives_on(two, folder, shell) -> None:
    trouble(folder, LAYER, "raise")
    with pytest.raises(RankError, match=r"rank 1 \(process \d+ on \S+\): ValueError: the fifth batch is odd") as caught:
        shell.run_line_magic("caffe_run", "solver.prototxt --cluster")
    assert "trouble.py" in str(caught.value)
    assert cluster.current() is two


@pytest.mark.parametrize("kind", ["hang", "die"])
def test_a_rank_that_hangs_or_dies_ends_the_cluster_soon_with_its_name(two, folder, shell, kind) -> None:
    trouble(folder, LAYER, kind)
    shell.run_line_magic("caffe_run", "solver.prototxt --cluster -n 2")
    began = time.monotonic()
    with pytest.raises(RankError) as caught:
        shell.run_line_magic("caffe_run", "solver --cluster")
    assert time.monotonic() - began < 20  # the start of the run, ten seconds at most, and the engines' end
    assert f"rank 1 ({two.ranks[1]['name']})" in str(caught.value)
    assert not any(alive(rank["pid"]) for rank in two.ranks)
    with pytest.raises(CaffeError, match="%caffe_cluster start"):
        cluster.current()


def test_a_wrong_file_of_machines(folder, shell) -> None:
    (folder / "hosts").write_text("no-such-machine.invalid\n")
    with pytest.raises(CaffeError, match=r"did not start: .*no-such-machine\.invalid"):
        shell.run_line_magic("caffe_cluster", "start -n 2 --hostfile hosts")
    with pytest.raises(CaffeError, match="no file of machines 'nowhere'"):
        shell.run_line_magic("caffe_cluster", "start -n 2 --hostfile nowhere")


def test_without_a_cluster_it_says_how_to_start_one(folder, shell) -> None:
    cluster.stop()
    with pytest.raises(CaffeError, match="%caffe_cluster start -n 4"):
        shell.run_line_magic("caffe_run", "solver.prototxt --cluster")
    with pytest.raises(UsageError):
        shell.run_line_magic("caffe_cluster", "begin")
