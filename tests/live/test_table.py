"""Every row of the table of edits, by every way in."""

from __future__ import annotations

import dataclasses
import linecache
import pickle
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell

from caffe_nb import live
from caffe_nb.layers.utility.python import code_version
from caffe_nb.live import Swap
from caffe_nb.net import Net
from tests.live.conftest import NET, loss_of, wait_for
from tests.live.table import EDITS, FILES, Edit


class Files:
    """A user's project on disk, under a module name of its own, with a net in each phase."""

    def __init__(self, folder: Path, module: str) -> None:
        self.folder, self.module = folder, module
        self.texts = {name.replace("M", module, 1): text.replace("M_", f"{module}_") for name, text in FILES.items()}
        for name, text in self.texts.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            self.write(folder / name, text)
        text = NET.replace("MODULE", module).replace("LAYER", "Loss")
        self.nets = [Net.from_text(text, phase=phase, folder=folder) for phase in (0, 1)]
        for net in self.nets:
            net.forward()
            net.layers[-1].blobs[0].data[...] = 9

    def named(self, text: str) -> str:
        """Put the module's name into a text of the table."""
        return text.replace("M_", f"{self.module}_").replace("M.py", f"{self.module}.py")

    def after(self, edit: Edit) -> dict[Path, str]:
        """Return the texts of the files that an edit changes."""
        changed: dict[str, str] = {}
        for file, old, new in edit.changes:
            name = file.replace("M", self.module, 1)
            text = changed.get(name, self.texts.get(name, ""))
            old, new = self.named(old), self.named(new)
            assert old in text, (edit.name, old)
            changed[name] = text.replace(old, new) if old else new
        return {self.folder / name: text for name, text in changed.items()}

    @staticmethod
    def write(path: Path, text: str) -> None:
        """Write a file as it is, in place."""
        path.write_bytes(text.encode("utf-8", "surrogateescape"))

    def rename(self, path: Path, text: str) -> None:
        """Write a file beside and rename it, as editors do."""
        beside = path.with_name(path.name + "~")
        self.write(beside, text)
        beside.replace(path)


@pytest.fixture
def files(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Files]:
    before = set(sys.modules)
    yield Files(tmp_path, f"t{abs(hash(request.node.nodeid)) % 10**9}")
    for key in set(sys.modules) - before:
        if str(getattr(sys.modules[key], "__file__", "")).startswith(str(tmp_path)):
            del sys.modules[key]


Save = Callable[[Files, dict[Path, str]], list[Swap]]


def by_reload(files: Files, texts: dict[Path, str]) -> list[Swap]:
    for path, text in texts.items():
        files.write(path, text)
    return live.reload()


def by_rename(files: Files, texts: dict[Path, str]) -> list[Swap]:
    for path, text in reversed(texts.items()):
        files.rename(path, text)
    return live.reload()


def told(edit: Edit, swaps: list[Swap]) -> list[Swap]:
    return [swap for swap in swaps if swap.layer != "Other"] if edit.outcome != "refused" else swaps


def state(net: Net) -> dict[str, Any]:
    layer: Any = net.layers[-1]
    return {
        "set up": layer.set_up,
        "calls": layer.calls,
        "made": layer.made,
        "sizes": layer.sizes,
        "diff": layer.diff.copy(),
    }


def same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return one.keys() == other.keys() and all(np.array_equal(one[key], other[key]) for key in one)


@pytest.mark.parametrize("save", [by_reload, by_rename], ids=["in place", "by rename"])
@pytest.mark.parametrize("edit", EDITS, ids=[edit.name for edit in EDITS])
def test_an_edit(files: Files, edit: Edit, save: Save) -> None:
    layers = [net.layers[-1] for net in files.nets]
    cls: Any = type(layers[0])
    values = [loss_of(net) for net in files.nets]
    states = [state(net) for net in files.nets]
    swaps = told(edit, save(files, files.after(edit)))

    assert len(swaps) == (0 if edit.outcome == "nothing" else 1)
    assert code_version(cls) == (2 if edit.outcome == "taken" else 1)
    for swap in swaps:
        assert swap.ok == (edit.outcome == "taken")
        for words in edit.says:
            assert files.named(words) in swap.message
        assert [net_id for net_id, _ in swap.nets] == [net.id for net in files.nets]
        if not swap.ok:
            assert swap.message.startswith("Loss v2 refused, running v1: ")
    for net, layer, value, before in zip(files.nets, layers, values, states, strict=True):
        assert net.layers[-1] is layer
        assert type(layer) is cls
        assert layer.blobs[0].data.tolist() == [9, 9]
        if edit.setups:
            assert not hasattr(layer, "diff")
        elif edit.outcome != "refused":
            assert same(state(net), before)
        assert loss_of(net) == pytest.approx(value * edit.times + edit.plus)
    assert [swap for swap in live.reload() if swap.ok] == []


@pytest.mark.parametrize("edit", [e for e in EDITS if e.outcome == "refused"], ids=lambda e: e.name)
def test_a_refusal_ends_with_the_next_good_save(files: Files, edit: Edit) -> None:
    values = [loss_of(net) for net in files.nets]
    (swap,) = by_reload(files, files.after(edit))
    assert not swap.ok
    changed = by_reload(files, {files.folder / name: text for name, text in files.texts.items()})
    assert [swap.message for swap in changed if not swap.ok] == []
    main = files.folder / f"{files.module}.py"
    (swap,) = by_reload(files, {main: files.texts[main.name].replace("+ scale.FACTOR", "+ 5")})
    assert swap.ok
    assert [loss_of(net) for net in files.nets] == [pytest.approx(value + 5) for value in values]


class TestWatching:
    """Files that are saved, with nobody calling anything."""

    @pytest.mark.parametrize("name", ["forward", "setup", "reshape", "a helper module's function", "a syntax error"])
    @pytest.mark.parametrize("way", [Files.write, Files.rename], ids=["in place", "by rename"])
    def test_an_edit_arrives_by_itself(self, files: Files, watching: list[Swap], name: str, way: Any) -> None:
        edit = next(e for e in EDITS if e.name == name)
        values = [loss_of(net) for net in files.nets]
        for path, text in files.after(edit).items():
            way(*((files, path, text) if way is Files.rename else (path, text)))
        wait_for(lambda: watching)
        assert watching[0].ok == (edit.outcome == "taken")
        after = [loss_of(net) for net in files.nets]
        assert after == [pytest.approx(value * edit.times + edit.plus) for value in values]

    def test_same_size_and_same_second(self, files: Files, watching: list[Swap]) -> None:
        path = files.folder / f"{files.module}.py"
        for digit in "5678":
            files.write(path, files.texts[path.name].replace("scale.FACTOR\n", f"scale.FACTOR+{digit}\n"))
            wait_for(lambda digit=digit: code_version(type(files.nets[0].layers[-1])) == int(digit) - 3)

    def test_a_burst_of_saves_is_one_reload(self, files: Files, watching: list[Swap]) -> None:
        path = files.folder / f"{files.module}.py"
        for number in range(30):
            files.rename(path, files.texts[path.name].replace("scale.FACTOR\n", f"scale.FACTOR + {number}\n"))
        wait_for(lambda: watching and "29" in live.versions("Loss")[-1].text)
        assert len(watching) <= 3


class TestCells:
    """Classes made in a notebook, by a cell run again and by `%%caffe_layer`."""

    @pytest.fixture
    def shell(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[InteractiveShell]:
        InteractiveShell.clear_instance()
        shell = InteractiveShell.instance()
        monkeypatch.setitem(sys.modules, "__main__", shell.user_module)
        shell.extension_manager.load_extension("caffe_nb")
        yield shell
        shell.extension_manager.unload_extension("caffe_nb")
        shell.history_manager.end_session()
        InteractiveShell.clear_instance()

    CELL = FILES["M.py"].replace(
        "import M_helper as helper\nfrom M_helper import offset\nfrom M_base import Base\n", ""
    )
    CELL = CELL.replace(
        "from M_pkg import TOP, scale\nimport M_pkg.sub.deep as deep\n"
        "from M_star import *\nfrom M_mixin import Mixin\n",
        "",
    )
    CELL = CELL.replace(" + deep.VALUE + STAR + TOP + self.mixed()", "").replace("(Mixin, Base)", "(caffe.Layer)")
    CELL = CELL.replace("    def normalizer(self, blob):\n        return super().normalizer(blob)\n\n", "")
    CELL = CELL.replace("helper.shift() + offset() + scale.FACTOR", "0").replace("self.normalizer(bottom[0])", "4")
    ROWS = [
        ("forward", "self.call() + self.extra() + 0", "self.call() + self.extra() + 5", 1, 5),
        ("a method", "return 0.0\n\n    @doubled", "return 5\n\n    @doubled", 1, 5),
        ("a class attribute", "weight = 1.0", "weight = 2.0", 2, 0),
        ("setup", "self.calls = 0", "self.calls = 100", 1, 0),
        ("a static method", "return 1.0", "return 3.0", 3, 0),
    ]

    @pytest.mark.parametrize("magic", ["", "%%caffe_layer Loss\n"], ids=["cell", "%%caffe_layer"])
    @pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
    def test_an_edit(self, shell: InteractiveShell, row: Any, magic: str, capsys: Any) -> None:
        _, old, new, times, plus = row
        assert shell.run_cell(magic + self.CELL).success
        nets = [Net.from_text(NET.replace("MODULE", "__main__").replace("LAYER", "Loss"), phase=p) for p in (0, 1)]
        values = [loss_of(net) for net in nets]
        cls = type(nets[0].layers[-1])
        assert old in self.CELL
        capsys.readouterr()
        assert shell.run_cell(magic + self.CELL.replace(old, new)).success
        assert "Loss v1 → v2: " in capsys.readouterr().out
        assert [loss_of(net) for net in nets] == [pytest.approx(v * times + plus) for v in values]
        assert shell.user_ns["Loss"] is cls is type(nets[1].layers[-1])
        versions = live.versions(cls)
        assert [v.number for v in versions] == [1, 2]
        assert old in versions[0].text
        assert new in versions[1].text
        live.roll_back(cls, 1)
        assert "back to v1" in live.swaps()[-1].message
        assert [loss_of(net) for net in nets] == pytest.approx(values)


class TestIdentity:
    def test_one_class_before_and_after(self, files: Files) -> None:
        module = sys.modules[type(files.nets[0].layers[-1]).__module__]
        mode, kept = module.Mode.MEAN, pickle.dumps(module.Mode.SUM)
        by_reload(files, files.after(next(e for e in EDITS if e.name == "forward")))
        layer: Any = files.nets[0].layers[-1]
        assert isinstance(layer, module.Loss)
        assert isinstance(layer, sys.modules[module.Base.__module__].Base)
        assert layer.mode is module.Mode.SUM is pickle.loads(kept)
        assert mode is module.Mode.MEAN

    def test_tracebacks_show_the_lines_of_the_code_that_raised(self, files: Files) -> None:
        main = files.folder / f"{files.module}.py"
        text = files.texts[main.name]
        broken = text.replace("        self.calls += 1", "        raise ValueError('old')  # the old line")
        by_reload(files, {main: broken})
        with pytest.raises(ValueError, match="old") as raised:
            files.nets[0].forward()
        by_reload(files, {main: "# a line more\n" * 7 + broken.replace("the old line", "the new line")})
        by_reload(files, {main: "# a line more\n" * 9 + text})
        frame = raised.traceback[-1]
        assert "(replaced " in frame.frame.raw.f_code.co_filename
        assert frame.frame.raw.f_code.co_filename.startswith(str(main))
        line = linecache.getline(frame.frame.raw.f_code.co_filename, frame.lineno + 1)
        assert "the old line" in line
        assert type(files.nets[0].layers[-1]).forward.__code__.co_filename == str(main)


def test_the_table_is_long_enough() -> None:
    names = [edit.name for edit in EDITS]
    assert len(set(names)) == len(names) >= 40
    assert {dataclasses.replace(e).outcome for e in EDITS} == {"taken", "refused", "nothing"}
