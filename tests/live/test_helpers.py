"""Edits of modules that a layer's module imports: helpers, packages, twins in other folders."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.live.conftest import LOSS, Project, loss_of

FORWARD = ("/ self.normalizer(bottom[0])", "/ self.normalizer(bottom[0]) + 100")


class TestOtherModules:
    @pytest.fixture
    def helped(self, project: Project) -> Project:
        project.helper = project.folder / f"{project.module}_helper.py"  # type: ignore[attr-defined]
        project.helper.write_text("DIVISOR = 2\n\ndef halve(x):\n    return x / DIVISOR\n")  # type: ignore[attr-defined]
        name = f"{project.module}_helper"
        text = LOSS.replace("import caffe\n", f"import caffe\nimport {name} as h\nfrom {name} import DIVISOR, halve\n")
        project.save(text.replace("return SCALE * x / 2", "return halve(x) * h.DIVISOR / DIVISOR"))
        return project

    def test_a_helper_module(self, helped: Any) -> None:
        net = helped.net()
        before = loss_of(net)
        helped.save(helped.helper.read_text().replace("return x / DIVISOR", "return 3 * x / DIVISOR"), helped.helper)
        (swap,) = helped.take()
        assert swap.message.startswith("Loss v1 → v2: halve changed; setup not rerun")
        assert loss_of(net) == pytest.approx(3 * before)

    def test_a_constant_imported_by_name(self, helped: Any) -> None:
        net = helped.net()
        before = loss_of(net)
        helped.save(helped.helper.read_text().replace("DIVISOR = 2", "DIVISOR = 8"), helped.helper)
        assert helped.take()[0].ok
        assert loss_of(net) == pytest.approx(before / 4)

    def test_a_broken_helper_is_refused_with_its_own_place(self, helped: Any) -> None:
        net = helped.net()
        before = loss_of(net)
        helped.save("DIVISOR = (\n", helped.helper)
        (swap,) = helped.take()
        assert f"running v1: {helped.helper.name}:1: SyntaxError" in swap.message
        assert loss_of(net) == before

    def test_both_at_once_or_neither(self, helped: Any) -> None:
        net = helped.net()
        before = loss_of(net)
        helped.save(helped.helper.read_text().replace("DIVISOR = 2", "DIVISOR = 8"), helped.helper)
        helped.edit(("SCALE = 1.0", "SCALE = 1 / 0"))
        assert not helped.take()[0].ok
        assert loss_of(net) == before
        helped.edit(("SCALE = 1 / 0", "SCALE = 1.0"))
        assert helped.take()[0].ok
        assert loss_of(net) == pytest.approx(before / 4)

    def test_a_base_class_in_another_module_of_a_package(self, tmp_path: Path, project: Project) -> None:
        package = project.folder / f"{project.module}_pack"
        package.mkdir()
        (package / "__init__.py").write_text("")
        base = LOSS[LOSS.index("class Base") : LOSS.index("class Loss")]
        (package / "base.py").write_text("import caffe\n\n\n" + base)
        text = LOSS.replace(base, "").replace("import caffe\n", "import caffe\nfrom .base import Base\n")
        (package / "loss.py").write_text(text)
        project.module = f"{package.name}.loss"
        net = project.net()
        before = loss_of(net)
        text = (package / "base.py").read_text()
        project.save(text.replace("return blob.num", "return 2 * blob.num"), package / "base.py")
        assert project.take()[0].message.startswith("Loss v1 → v2: normalizer changed")
        assert loss_of(net) == pytest.approx(before / 2)

    def test_twins_in_two_folders_stay_apart(self, project: Project, tmp_path: Path) -> None:
        twin = Project(tmp_path / "twin", project.module)
        first, second = project.net(), twin.net()
        before = loss_of(first)
        twin.edit(FORWARD)
        (swap,) = twin.take()
        assert [net for net, _ in swap.nets] == [second.id]
        assert (loss_of(first), loss_of(second)) == (before, pytest.approx(before + 100))
