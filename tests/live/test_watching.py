"""Saves that reach nets by themselves: idle, in a loop, in a solver; and classes of the notebook."""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from caffe_nb import live
from caffe_nb.layers.utility.python import code_version
from caffe_nb.live import Swap
from caffe_nb.net import Net
from caffe_nb.solvers.base import Solver
from tests.live.conftest import LOSS, Project, loss_of, wait_for

FORWARD = ("/ self.normalizer(bottom[0])", "/ self.normalizer(bottom[0]) + 100")


class TestSaves:
    def test_a_save_is_taken_up_by_itself(self, project: Project, watching: list[Swap]) -> None:
        net = project.net()
        before = loss_of(net)
        time.sleep(0.3)
        project.edit(FORWARD)
        wait_for(lambda: watching)
        assert watching[0].ok
        assert loss_of(net) == pytest.approx(before + 100)

    def test_saves_of_the_same_size_in_the_same_second(self, project: Project, watching: list[Swap]) -> None:
        net = project.net()
        layer: Any = net.layers[-1]
        loss_of(net)
        stamp = project.path.stat()
        for number in range(2, 7):
            project.text = project.text.replace(f"SCALE = {number - 1}.0", f"SCALE = {number}.0")
            project.path.write_text(project.text)
            os.utime(project.path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
            wait_for(lambda number=number: number == sys.modules[type(layer).__module__].SCALE)  # type: ignore[misc]
        assert project.path.stat().st_size == stamp.st_size

    def test_a_burst_of_saves_is_one_swap(self, project: Project, watching: list[Swap]) -> None:
        net = project.net()
        time.sleep(0.5)
        for number in range(20):
            project.save(LOSS.replace("SCALE = 1.0", f"SCALE = {number + 2}.0"))
        wait_for(lambda: sys.modules[type(net.layers[-1]).__module__].SCALE == 21)
        time.sleep(0.2)
        assert len(watching) <= 2

    def test_a_broken_save_is_said_once_and_the_mend_recovers(self, project: Project, watching: list[Swap]) -> None:
        net = project.net()
        before = loss_of(net)
        project.edit(("self.calls += 1", "self.calls += ("))
        wait_for(lambda: watching)
        project.path.touch()
        time.sleep(1.5)
        assert [swap.ok for swap in watching] == [False]
        assert loss_of(net) == before
        project.edit(("self.calls += (", "self.calls += 1"), FORWARD)
        wait_for(lambda: len(watching) == 2)
        assert watching[1].ok
        assert loss_of(net) == pytest.approx(before + 100)

    @pytest.mark.parametrize("mend", [LOSS, LOSS + "# a comment\n"], ids=["undone", "with a comment"])
    def test_a_mend_that_changes_nothing_is_said_too(self, project: Project, watching: list[Swap], mend: str) -> None:
        net = project.net()
        loss_of(net)
        project.edit(("self.calls += 1", "self.calls += ("))
        wait_for(lambda: watching)
        project.save(mend)
        wait_for(lambda: len(watching) == 2)
        assert watching[1].ok
        assert watching[1].message == "Loss: mended; the code that runs is unchanged"
        assert watching[1].nets == watching[0].nets == [(net.id, len(net.layers) - 1)]
        assert watching[1].version == code_version(type(net.layers[-1])) == 1
        project.path.touch()
        time.sleep(0.5)
        assert len(watching) == 2

    def test_a_helper_in_another_folder_on_the_path(
        self, project: Project, watching: list[Swap], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "elsewhere").mkdir()
        monkeypatch.syspath_prepend(str(tmp_path / "elsewhere"))
        helper = tmp_path / "elsewhere" / f"{project.module}_far.py"
        helper.write_text("FAR = 1\n")
        project.edit(("import caffe\n", f"import caffe\nfrom {helper.stem} import FAR\n"), ("SCALE * x", "FAR * x"))
        net = project.net()
        before = loss_of(net)
        time.sleep(0.3)
        project.save("FAR = 5\n", helper)
        wait_for(lambda: watching)
        assert loss_of(net) == pytest.approx(5 * before)

    def test_nobody_listens_at_safe_points_while_nothing_is_pending(
        self, project: Project, watching: list[Swap]
    ) -> None:
        net = project.net()
        project.edit(FORWARD)
        wait_for(lambda: watching)
        assert net.hooks.safe_point == []


PAIRED = (
    LOSS.replace("import caffe\n", "import builtins\nimport time\nimport caffe\nVERSION = 1\n")
    .replace("        self.calls += 1\n", "        time.sleep(0.002)\n        self.code = VERSION\n")
    .replace("        bottom[0].diff", "        builtins.PAIRS_NAME += [(self.code, VERSION)]\n        bottom[0].diff")
)
"""A loss that notes which version of its code each forward and its backward saw."""


class TestRunningNets:
    """No swap comes between a forward and its backward: both see the same version of the code."""

    @pytest.fixture
    def paired(self, project: Project, monkeypatch: pytest.MonkeyPatch) -> tuple[Project, list[tuple[int, int]]]:
        pairs: list[tuple[int, int]] = []
        import builtins

        monkeypatch.setattr(builtins, f"pairs_of_{project.module}", pairs, raising=False)
        project.save(PAIRED.replace("PAIRS_NAME", f"pairs_of_{project.module}"))
        return project, pairs

    def edit_while(self, paired: Any, watching: list[Swap], thread: threading.Thread, edits: int = 5) -> None:
        """Save versions 2, 3, ..., each when the one before was swapped in and has run."""
        project, pairs = paired
        for number in range(2, 2 + edits):
            wait_for(lambda number=number: pairs and pairs[-1][0] == number - 1)  # type: ignore[misc]
            project.edit((f"VERSION = {number - 1}\n", f"VERSION = {number}\n"))
            wait_for(lambda number=number: len(watching) >= number - 1)  # type: ignore[misc]
            assert thread.is_alive()

    def test_a_loop_of_forward_and_backward(self, paired: Any, watching: list[Swap]) -> None:
        project, pairs = paired
        net, over, errors = project.net(), threading.Event(), []

        def loop() -> None:
            try:
                while not over.is_set():
                    net.forward()
                    net.backward()
            except BaseException as error:
                errors.append(error)

        thread = threading.Thread(target=loop)
        thread.start()
        try:
            self.edit_while(paired, watching, thread)
        finally:
            over.set()
            thread.join()
        assert errors == []
        assert all(forward == backward for forward, backward in pairs)
        assert {forward for forward, _ in pairs} >= {1, 2, 3, 4, 5}
        assert [swap.ok for swap in watching] == [True] * 5

    def test_a_solver_takes_it_up_between_iterations(self, paired: Any, watching: list[Swap]) -> None:
        project, pairs = paired
        net = project.net()
        solver = Solver.from_text("base_lr: 0.01 lr_policy: 'fixed' max_iter: 100000 type: 'SGD'", net=net)
        thread = threading.Thread(target=solver.step, args=(100000,))
        thread.start()
        try:
            self.edit_while(paired, watching, thread)
            project.save(project.text.replace("VERSION = 6", "VERSION = ("))
            wait_for(lambda: len(watching) == 6)
            project.save(project.text.replace("VERSION = (", "VERSION = 7"))
            assert [swap.ok for swap in live.reload()] in ([True], [])
            wait_for(lambda: pairs and pairs[-1] == (7, 7))
        finally:
            solver.stop()
            thread.join()
        assert all(forward == backward for forward, backward in pairs)
        assert [swap.ok for swap in watching] == [True] * 5 + [False, True]

    def test_a_solver_with_meaningless_edits_trains_as_if_there_were_none(
        self, project: Project, watching: list[Swap]
    ) -> None:
        traces = []
        for disturbed in (False, True):
            net = project.net()
            solver = Solver.from_text("base_lr: 0.1 lr_policy: 'fixed' max_iter: 300 type: 'SGD'", net=net)
            trace: list[float] = []
            for i in range(300):
                if disturbed and i % 20 == 0:
                    project.save(project.text + f"# {i}\n")
                    time.sleep(0.02)
                solver.step(1)
                trace.append(solver.loss)
            traces.append(trace)
        assert traces[0] == traces[1]
        assert watching == []


class TestCells:
    """Classes that are defined in the notebook itself."""

    @pytest.fixture
    def cell(self, project: Project, monkeypatch: pytest.MonkeyPatch) -> Any:
        main = sys.modules["__main__"]
        project.module = "__main__"
        space = vars(main)
        names = set(space)

        def run(text: str) -> list[Swap]:
            exec(compile(text, "<cell>", "exec"), space)
            return live.adopt_cell_classes(space)

        yield run
        for name in set(space) - names:
            del space[name]

    def test_a_class_that_is_run_again_reaches_its_live_layers(self, project: Project, cell: Any) -> None:
        assert cell(LOSS) == []
        net = project.net()
        cls, before = type(net.layers[-1]), loss_of(net)
        (swap,) = cell(LOSS.replace(*FORWARD))
        assert swap.message == "Loss v1 → v2: forward changed; setup not rerun; 1 blob kept; 1 blob stale"
        assert swap.path is None
        assert loss_of(net) == pytest.approx(before + 100)
        assert sys.modules["__main__"].Loss is cls is type(net.layers[-1])  # type: ignore[attr-defined]
        assert isinstance(net.layers[-1], sys.modules["__main__"].Base)  # type: ignore[attr-defined]

    def test_the_same_cell_again_changes_nothing(self, project: Project, cell: Any) -> None:
        cell(LOSS)
        net = project.net()
        assert cell(LOSS) == []
        assert code_version(type(net.layers[-1])) == 1
        assert sys.modules["__main__"].Loss is type(net.layers[-1])  # type: ignore[attr-defined]

    def test_only_the_base_class_is_run_again(self, project: Project, cell: Any) -> None:
        cell(LOSS)
        net = project.net()
        before = loss_of(net)
        (swap,) = cell("class Base(caffe.Layer):\n    def normalizer(self, blob):\n        return 2 * blob.num\n")
        assert swap.layer == "Loss"
        assert loss_of(net) == pytest.approx(before / 2)

    def test_a_setup_that_raises_is_refused(self, project: Project, cell: Any) -> None:
        cell(LOSS)
        net = project.net()
        before = loss_of(net)
        (swap,) = cell(LOSS.replace("self.calls = 0", "self.calls = nowhere"))
        assert not swap.ok
        assert "NameError" in swap.message
        assert loss_of(net) == before
        (swap,) = cell(LOSS.replace(*FORWARD))
        assert swap.ok
        assert loss_of(net) == pytest.approx(before + 100)


def test_watching_starts_and_stops_without_a_net_too() -> None:
    live.start_watching()
    live.start_watching()
    live.stop_watching()
    live.stop_watching()
    assert not any(thread.name == "caffe_nb.live" for thread in threading.enumerate())


def test_a_net_that_is_gone_is_not_kept_alive(project: Project, watching: list[Swap]) -> None:
    import gc
    import weakref

    net: Net | None = project.net()
    assert net is not None
    loss_of(net)
    project.edit(FORWARD)
    wait_for(lambda: watching)
    gone = weakref.ref(net)
    del net
    gc.collect()
    assert gone() is None
    assert np.isfinite(loss_of(project.net()))
