"""Python layers: found where users keep them, made as pycaffe makes them, and missing ones explained."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import caffe
from caffe_nb.errors import LayerNotFoundError, NetError
from caffe_nb.layers.utility.python import code_version
from caffe_nb.net import Net

FEED = """layer { name: "data" type: "DummyData" top: "data"
  dummy_data_param { shape { dim: 2 dim: 3 } data_filler { type: "constant" value: 1 } } }
"""


def prototxt(module: str, layer: str, param_str: str = "") -> str:
    return (
        FEED + f'layer {{ name: "mine" type: "Python" bottom: "data" top: "out"\n'
        f"  python_param {{ module: '{module}' layer: '{layer}' param_str: '{param_str}' }} }}\n"
    )


def times(number: object, name: str = "Times") -> str:
    return f"""import caffe

class {name}(caffe.Layer):
    def setup(self, bottom, top):
        self.factor = {number}

    def reshape(self, bottom, top):
        top[0].reshape(*bottom[0].data.shape)

    def forward(self, bottom, top):
        top[0].data[...] = self.factor * bottom[0].data
"""


def build(folder: Path | None, module: str, layer: str = "Times", **kwargs: Any) -> Net:
    return Net.from_text(prototxt(module, layer, kwargs.pop("param_str", "")), folder=folder, **kwargs)


def result(net: Net) -> float:
    return float(net.forward()["out"][0, 0])


@pytest.fixture(autouse=True)
def forget_modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Each test starts in an empty working directory; what it loaded from its folders is forgotten."""
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    before = set(sys.modules)
    yield
    for key in set(sys.modules) - before:
        if str(getattr(sys.modules[key], "__file__", "")).startswith(str(tmp_path)):
            del sys.modules[key]


class TestWhereModulesAreFound:
    def test_beside_the_prototxt(self, tmp_path: Path) -> None:
        (tmp_path / "net.prototxt").write_text(prototxt("beside_layers", "Times"))
        (tmp_path / "beside_layers.py").write_text(times(3))
        assert result(Net(str(tmp_path / "net.prototxt"), caffe.TEST)) == 3

    def test_in_the_working_directory(self) -> None:
        Path("cwd_layers.py").write_text(times(4))
        assert result(build(None, "cwd_layers")) == 4

    def test_on_the_python_path(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "lib").mkdir()
        (tmp_path / "lib" / "path_layers.py").write_text(times(5))
        monkeypatch.syspath_prepend(str(tmp_path / "lib"))
        assert result(build(tmp_path, "path_layers")) == 5

    @pytest.mark.parametrize("module", ["__main__", "no_such_module"])
    def test_in_main(self, module: str, monkeypatch: pytest.MonkeyPatch) -> None:
        space: dict[str, Any] = {"__name__": "__main__"}
        exec(times(6, "InTheNotebook"), space)
        monkeypatch.setattr(sys.modules["__main__"], "InTheNotebook", space["InTheNotebook"], raising=False)
        assert result(build(None, module, "InTheNotebook")) == 6

    def test_beside_the_prototxt_comes_before_the_working_directory(self, tmp_path: Path) -> None:
        Path("both_layers.py").write_text(times(1))
        (tmp_path / "both_layers.py").write_text(times(2))
        assert result(build(tmp_path, "both_layers")) == 2
        assert result(build(None, "both_layers")) == 1

    def test_dotted_module_and_class_names(self, tmp_path: Path) -> None:
        (tmp_path / "zoo" / "inner").mkdir(parents=True)
        body = times(7).replace("\n", "\n    ")
        (tmp_path / "zoo" / "inner" / "deep.py").write_text(f"class Box:\n    {body}")
        assert result(build(tmp_path, "zoo.inner.deep", "Box.Times")) == 7

    def test_a_module_that_the_notebook_imported_is_the_same(self, monkeypatch: pytest.MonkeyPatch) -> None:
        Path("imported_layers.py").write_text(times(2))
        monkeypatch.syspath_prepend(str(Path.cwd()))
        import imported_layers  # type: ignore[import-not-found]

        assert isinstance(build(None, "imported_layers").layers[1], imported_layers.Times)


class TestModulesOfTheSameName:
    @pytest.fixture
    def two(self, tmp_path: Path) -> tuple[Path, Path]:
        for name, number in (("a", 10), ("b", 20)):
            folder = tmp_path / name
            folder.mkdir()
            (folder / "twin_helper.py").write_text(f"FACTOR = {number}\ndef late(): return FACTOR\n")
            (folder / "twin_layers.py").write_text("from twin_helper import FACTOR\n" + times("FACTOR"))
        return tmp_path / "a", tmp_path / "b"

    def test_each_net_runs_its_own_and_its_own_helper(self, two: tuple[Path, Path]) -> None:
        first, second = build(two[0], "twin_layers"), build(two[1], "twin_layers")
        assert (result(first), result(second)) == (10, 20)
        assert type(first.layers[1]) is not type(second.layers[1])
        assert type(build(two[0], "twin_layers").layers[1]) is type(first.layers[1])

    def test_another_folder_does_not_see_them(self, two: tuple[Path, Path], tmp_path: Path) -> None:
        build(two[0], "twin_layers")
        with pytest.raises(LayerNotFoundError, match="'twin_layers' was not found"):
            build(tmp_path, "twin_layers")

    def test_imports_inside_forward_find_the_sibling(self, two: tuple[Path, Path]) -> None:
        late = times(1).replace("self.factor *", "__import__('twin_helper').late() *")
        later = times(1).replace("self.factor *", "late() *")
        later = later.replace("        top[0].data", "        from twin_helper import late\n        top[0].data")
        for folder in two:
            (folder / "late_layers.py").write_text(late)
            (folder / "later_layers.py").write_text(later)
        for module in ("late_layers", "later_layers"):
            nets = [build(folder, module) for folder in two]
            assert [result(net) for net in nets] == [10, 20]

    def test_packages_with_relative_imports(self, tmp_path: Path) -> None:
        nets = []
        for name, number in (("a", 3), ("b", 4)):
            package = tmp_path / name / "pack"
            package.mkdir(parents=True)
            (package / "__init__.py").write_text("")
            (package / "numbers_.py").write_text(f"FACTOR = {number}\n")
            (package / "layers.py").write_text(
                "from .numbers_ import FACTOR\nimport pack.numbers_\nfrom pack import numbers_ as n\n"
                "assert n.FACTOR == FACTOR == pack.numbers_.FACTOR\n" + times("FACTOR")
            )
            nets.append(build(tmp_path / name, "pack.layers"))
        assert [result(net) for net in nets] == [3, 4]

    def test_the_first_keeps_its_name_so_that_its_objects_pickle(self, two: tuple[Path, Path]) -> None:
        (two[0] / "pickled_layers.py").write_text(times(1) + "\nclass Record:\n    pass\n")
        cls = type(build(two[0], "pickled_layers").layers[1])
        assert cls.__module__ == "pickled_layers"
        assert pickle.loads(pickle.dumps(cls)) is cls

    def test_a_helper_named_like_the_standard_library_does_not_shadow_it(self, tmp_path: Path) -> None:
        (tmp_path / "json.py").write_text("raise RuntimeError('not me')\n")
        (tmp_path / "reads_json.py").write_text("import json\n" + times("json.loads('8')"))
        assert result(build(tmp_path, "reads_json")) == 8


class TestTheInstance:
    def test_has_what_pycaffe_gives(self, tmp_path: Path) -> None:
        (tmp_path / "given_layers.py").write_text(
            "import caffe\n"
            "class Given(caffe.Layer):\n"
            "    def setup(self, bottom, top):\n"
            "        self.seen = (self.param_str, self.param_str_, str(self.phase), int(self.phase))\n"
            "        self.blobs.add_blob(2, 3)\n"
            "    def reshape(self, bottom, top):\n"
            "        top[0].reshape(1)\n"
            "    def forward(self, bottom, top):\n"
            "        top[0].data[()] = self.phase\n"
        )
        net = build(tmp_path, "given_layers", "Given", param_str="1248,352", phase=caffe.TEST)
        assert net.layers[1].seen == ("1248,352", "1248,352", "TEST", 1)  # type: ignore[attr-defined]
        assert net.params["mine"][0].shape == (2, 3)
        assert net.forward()["out"].tolist() == [1.0]

    @pytest.mark.parametrize(
        "call", ["super().__init__(p_object, *a, **kw)", "caffe.Layer.__init__(self, p_object)", "pass"]
    )
    def test_init_may_call_super_or_not(self, call: str, tmp_path: Path) -> None:
        init = f"    def __init__(self, p_object, *a, **kw):\n        {call}\n        self.early = self.param_str\n"
        (tmp_path / "init_layers.py").write_text(times(2) + init)
        net = build(tmp_path, "init_layers", param_str="x=1")
        assert net.layers[1].early == "x=1"  # type: ignore[attr-defined]
        assert result(net) == 2

    def test_all_four_methods_may_be_missing(self, tmp_path: Path) -> None:
        (tmp_path / "empty_layers.py").write_text("import caffe\nclass Empty(caffe.Layer):\n    pass\n")
        net = build(tmp_path, "empty_layers", "Empty")
        net.forward()
        net.backward()

    def test_has_a_version(self, tmp_path: Path) -> None:
        (tmp_path / "placed_layers.py").write_text(times(2))
        cls = type(build(tmp_path, "placed_layers").layers[1])
        assert code_version(cls) == 1
        assert code_version(caffe.Layer) == 0


class TestErrors:
    def test_a_missing_module_says_where_it_was_looked_for(self, tmp_path: Path) -> None:
        (tmp_path / "My_Layers.py").write_text(times(2))
        with pytest.raises(LayerNotFoundError) as caught:
            build(tmp_path, "my_layer")
        text = str(caught.value)
        assert "layer 'mine' (Python), line 3" in text
        assert f"beside the prototxt: {tmp_path.resolve()} (modules there: My_Layers)" in text
        assert str(Path.cwd()) in text
        assert "Did you mean 'My_Layers'?" in text

    def test_a_module_named_with_its_suffix(self, tmp_path: Path) -> None:
        (tmp_path / "suffix_layers.py").write_text(times(2))
        with pytest.raises(LayerNotFoundError, match=r"named without '\.py'"):
            build(tmp_path, "suffix_layers.py")

    def test_a_missing_class_names_those_that_are_there(self, tmp_path: Path) -> None:
        (tmp_path / "class_layers.py").write_text(times(2))
        with pytest.raises(LayerNotFoundError, match=r"has no class 'Tmes'\. Did you mean 'Times'"):
            build(tmp_path, "class_layers", "Tmes")

    def test_a_class_that_is_no_layer(self, tmp_path: Path) -> None:
        (tmp_path / "plain_layers.py").write_text("class Plain:\n    pass\n")
        with pytest.raises(NetError, match=r"write 'class Plain\(caffe.Layer\):'"):
            build(tmp_path, "plain_layers", "Plain")

    def test_no_python_param(self) -> None:
        with pytest.raises(NetError, match="needs python_param"):
            Net.from_text(FEED + 'layer { name: "mine" type: "Python" bottom: "data" top: "out" }')

    @pytest.mark.parametrize(
        ("text", "kind"),
        [
            ("def broken(:\n", SyntaxError),
            ("import no_such_package_at_all\n", ModuleNotFoundError),
            ("1 / 0\n", ZeroDivisionError),
        ],
    )
    def test_what_the_module_raises_arrives_as_itself_and_can_be_mended(
        self, text: str, kind: type[Exception], tmp_path: Path
    ) -> None:
        (tmp_path / "raising_layers.py").write_text(text)
        with pytest.raises(kind) as caught:
            build(tmp_path, "raising_layers")
        assert not isinstance(caught.value, LayerNotFoundError)
        notes = " ".join(caught.value.__notes__)
        assert "module 'raising_layers'" in notes
        assert "layer 'mine' (Python), line 3" in notes
        (tmp_path / "raising_layers.py").write_text(times(2))
        assert result(build(tmp_path, "raising_layers")) == 2

    def test_an_exception_in_forward_names_the_users_line(self, tmp_path: Path) -> None:
        (tmp_path / "failing_layers.py").write_text(times(2).replace("self.factor *", "self.facto *"))
        net = build(tmp_path, "failing_layers")
        with pytest.raises(AttributeError) as caught:
            net.forward()
        frame = caught.traceback[-1]
        assert Path(str(frame.path)) == (tmp_path / "failing_layers.py").resolve()
        assert frame.lineno + 1 == 11
        np.testing.assert_array_equal(net.blobs["data"].data, 1)
