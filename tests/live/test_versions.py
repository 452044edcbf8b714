"""Versions, marks in a file, `close` and `__reload__`, files that go, and nets that refresh by themselves."""

from __future__ import annotations

from pathlib import Path

import pytest

from caffe_nb import live
from caffe_nb.errors import LayerNotFoundError, NetError
from caffe_nb.live import Swap
from caffe_nb.solvers import Solver
from tests.live.conftest import LOSS, NET, Project, loss_of, wait_for

PLUS = "/ self.normalizer(bottom[0])"


def plus(number: int) -> tuple[str, str]:
    return PLUS, f"{PLUS} + {number}"


class TestVersions:
    def test_are_kept_with_what_changed(self, project: Project) -> None:
        net = project.net()
        before = loss_of(net)
        for number in (1, 2):
            project.text = LOSS
            project.edit(plus(number))
            project.take()
        versions = live.versions(net.layers[-1])
        assert [(v.layer, v.number) for v in versions] == [("Loss", 1), ("Loss", 2), ("Loss", 3)]
        assert [v.what.partition(";")[0] for v in versions] == [
            "as it was loaded",
            "forward changed",
            "forward changed",
        ]
        assert versions[0].text == LOSS
        assert versions[0].when <= versions[1].when <= versions[2].when
        assert loss_of(net) == pytest.approx(before + 2)
        text = live.diff(versions[1], versions[2])
        assert [line for line in text.split("\n") if line[:1] in "+-"][2:] == [
            f"-        top[0].data[...] = half(np.sum(self.diff ** 2)) {PLUS} + 1",
            f"+        top[0].data[...] = half(np.sum(self.diff ** 2)) {PLUS} + 2",
        ]
        assert live.diff(versions[1], versions[1]) == ""

    def test_can_be_gone_back_to_while_the_file_stays(self, project: Project) -> None:
        net = project.net()
        before = loss_of(net)
        for number in (1, 2):
            project.text = LOSS
            project.edit(plus(number))
            project.take()
        on_disk = project.path.read_text()
        swap = live.roll_back("Loss")
        assert swap.message.startswith("Loss v3 → v4: forward changed (back to v2); setup not rerun; 1 blob kept")
        assert loss_of(net) == pytest.approx(before + 1)
        assert live.roll_back(type(net.layers[-1])).message.startswith("Loss v4 → v5: forward changed (back to v1)")
        assert loss_of(net) == pytest.approx(before)
        with pytest.raises(NetError, match="no earlier version"):
            live.roll_back("Loss")
        assert live.roll_back("Loss", 3).ok
        assert loss_of(net) == pytest.approx(before + 2)
        assert live.roll_back("Loss", 1).ok
        assert project.path.read_text() == on_disk
        assert live.reload() == []
        project.text = LOSS
        project.edit(plus(7))
        assert project.take()[0].ok
        assert loss_of(net) == pytest.approx(before + 7)

    def test_a_helper_module_goes_back_too(self, project: Project) -> None:
        helper = project.folder / f"{project.module}_helper.py"
        helper.write_text("MORE = 1\n")
        project.save(LOSS.replace("import caffe\n", f"import caffe\nimport {helper.stem} as helper\n", 1))
        project.edit((PLUS, f"{PLUS} + helper.MORE"))
        net = project.net()
        before = loss_of(net)
        project.save("MORE = 5\n", helper)
        assert project.take()[0].ok
        assert loss_of(net) == pytest.approx(before + 4)
        assert "MORE changed (back to v1)" in live.roll_back().message
        assert loss_of(net) == pytest.approx(before)

    def test_a_broken_save_does_not_stand_in_the_way(self, project: Project) -> None:
        net = project.net()
        before = loss_of(net)
        project.edit(plus(1))
        project.take()
        project.edit(("self.calls += 1", "self.calls += ("))
        assert not project.take()[0].ok
        assert live.roll_back("Loss", 1).ok
        assert live.reload() == []
        assert loss_of(net) == pytest.approx(before)

    def test_what_is_not_there_is_said(self, project: Project) -> None:
        net = project.net()
        with pytest.raises(LayerNotFoundError, match=r"class 'Los'\. Did you mean 'Loss'\?"):
            live.versions("Los")
        project.edit(plus(1))
        project.take()
        with pytest.raises(NetError, match=r"Loss has no version v9; it has v1, v2"):
            live.roll_back("Loss", 9)
        with pytest.raises(NetError, match=r"Loss v2, which runs, has the code of v2 already"):
            live.roll_back("Loss", 2)
        del net


class TestMarks:
    def test_no_reload_leaves_a_file_alone_and_says_so_once(self, project: Project) -> None:
        net = project.net()
        before = loss_of(net)
        project.edit(("import numpy", "# caffe: no-reload\nimport numpy"), plus(1))
        (swap,) = [s for s in [*project.take(), *live.swaps()[-1:]] if "left alone" in s.message][-1:]
        assert swap.message.endswith("was edited and left alone, as its comment `# caffe: no-reload` asks")
        count = len(live.swaps())
        project.edit((" + 1", " + 2"))
        project.take()
        assert loss_of(net) == before
        assert len(live.swaps()) == count
        project.edit(("# caffe: no-reload", "#"))
        assert project.take()[0].ok
        assert loss_of(net) == pytest.approx(before + 2)

    def test_reset_makes_layers_anew(self, project: Project) -> None:
        net = project.net()
        solver = Solver.from_text('base_lr: 0.1 lr_policy: "fixed" momentum: 0.9', net=net)
        solver.step(3)
        net.params["loss"][0].data[...] = 9
        solver.rule.history[2][...] = 4
        project.edit(("import numpy", "#  caffe: reset\nimport numpy"), plus(1))
        (swap,) = project.take()
        assert "setup rerun; parameters as new" in swap.message
        assert net.params["loss"][0].data.tolist() == [7, 7]
        assert solver.rule.history[2].tolist() == [0, 0]
        assert solver.rule.history[0].any()
        solver.step(1)

    def test_a_text_that_only_speaks_of_the_mark_has_none(self, project: Project) -> None:
        net = project.net()
        before = loss_of(net)
        project.edit(('"""A user', '"""# caffe: no-reload\nA user'), plus(1))
        assert project.take()[0].ok
        assert loss_of(net) == pytest.approx(before + 1)


class TestMethods:
    def test_close_is_called_before_setup_runs_again(self, project: Project) -> None:
        project.edit(("        self.calls = 0", "        self.calls = 0\n        self.log = open(self.path, 'a')"))
        project.edit(
            ("    def reshape", "    path = PATH\n\n    def close(self):\n        self.log.close()\n\n    def reshape")
        )
        project.edit(("path = PATH", f"path = {str(project.folder / 'log')!r}"))
        net = project.net()
        layer = net.layers[-1]
        old = layer.log  # type: ignore[attr-defined]
        project.edit(("self.calls = 0", "self.calls = 1"))
        assert "setup rerun" in project.take()[0].message
        assert old.closed
        assert not layer.log.closed  # type: ignore[attr-defined]
        project.edit(("self.calls = 1", "self.calls = 1 / 0"))
        assert not project.take()[0].ok
        assert not layer.log.closed  # type: ignore[attr-defined]
        assert layer.blobs[0].data.tolist() == [7, 7]
        layer.log.close()  # type: ignore[attr-defined]

    def test_reload_carries_over_what_it_wants(self, project: Project) -> None:
        hook = "\n    def __reload__(self, old_state):\n        self.calls = old_state['calls'] + 100\n"
        project.edit(("    def reshape", hook + "\n    def reshape"))
        net = project.net()
        loss_of(net)
        loss_of(net)
        project.edit(("self.weight.data[...] = 7", "self.weight.data[...] = 8"))
        assert "setup rerun" in project.take()[0].message
        assert net.layers[-1].calls == 102  # type: ignore[attr-defined]

    def test_reload_that_raises_is_a_refusal(self, project: Project) -> None:
        net = project.net()
        before = loss_of(net)
        hook = "\n    def __reload__(self, old_state):\n        self.calls = 77\n        old_state['nothing']\n"
        project.edit(("    def reshape", hook + "\n    def reshape"), plus(1))
        (swap,) = project.take()
        assert not swap.ok
        assert "KeyError" in swap.message
        assert net.layers[-1].calls == 1  # type: ignore[attr-defined]
        assert loss_of(net) == before


class TestFiles:
    def test_a_file_that_goes_is_told_and_comes_back(self, project: Project, watching: list[Swap]) -> None:
        net = project.net()
        before = loss_of(net)
        project.path.unlink()
        wait_for(lambda: watching)
        assert watching[0].message == f"{project.path.name} is gone; its layers run on. Save it again to go on editing"
        assert loss_of(net) == before
        project.edit(plus(3))
        wait_for(lambda: len(watching) == 2)
        assert loss_of(net) == pytest.approx(before + 3)


class TestAutorun:
    @pytest.fixture(autouse=True)
    def on(self) -> object:
        assert live.autorun() is False
        live.autorun(True)
        yield
        live.autorun(False)

    def test_refreshes_a_net_that_ran(self, project: Project) -> None:
        net, idle = project.net(), project.net()
        before = loss_of(net)
        said: list[Swap] = []
        live.on_swap.append(said.append)
        project.edit(plus(2))
        project.take()
        live.on_swap.remove(said.append)
        assert float(net.blobs["loss"].const_data.item()) == pytest.approx(before + 2)
        assert net.stale == []
        assert idle.stale != []
        assert "top 'loss' max difference 2 at (0,)" in said[-1].message

    def test_an_exception_is_told(self, project: Project) -> None:
        net = project.net()
        before = loss_of(net)
        said: list[Swap] = []
        live.on_swap.append(said.append)
        project.edit((PLUS, f"{PLUS} + {{}}['nothing']"))
        project.take()
        live.on_swap.remove(said.append)
        assert "KeyError in the refresh" in said[-1].message
        assert float(net.blobs["loss"].const_data.item()) == before


def test_stale_blobs_are_counted(tmp_path: Path, project: Project) -> None:
    text = NET + 'layer { name: "p" type: "Power" bottom: "loss" top: "q" }'
    net = project.net(text=text)
    net.forward()
    project.edit(plus(1))
    assert project.take()[0].message.endswith("2 blobs stale")
    assert net.stale == ["loss", "p"]


def test_shapes_that_no_longer_fit_are_refused_and_come_back(project: Project) -> None:
    text = NET.replace(' top: "loss" loss_weight: 1', ' top: "one"').replace('name: "loss"', 'name: "mine"')
    text += 'layer { name: "target" type: "DummyData" top: "target" dummy_data_param { shape { dim: 1 } } }'
    text += 'layer { name: "loss" type: "EuclideanLoss" bottom: "one" bottom: "target" top: "loss" }'
    net = project.net(text=text)
    before = loss_of(net)
    project.edit(("top[0].reshape(1)", "top[0].reshape(3)"))
    (swap,) = project.take()
    assert not swap.ok
    assert "layer 'loss' (EuclideanLoss)" in swap.message
    assert "their shapes are (3,) and (1,) — mend it and save again" in swap.message
    assert net.blobs["one"].shape == (1,)
    assert loss_of(net) == before
