"""What an edit of a layer's file does to live layers, by `caffe_nb.live.reload()`."""

from __future__ import annotations

import inspect
import pickle
import sys
import time
import traceback
from typing import Any

import numpy as np
import pytest

import caffe_nb
from caffe_nb import live
from caffe_nb.layers.utility.python import code_version
from tests.live.conftest import LOSS, NET, Project, loss_of, wait_for

FORWARD = ("/ self.normalizer(bottom[0])", "/ self.normalizer(bottom[0]) + 100")


def layer_of(net: Any) -> Any:
    return net.layers[-1]


class TestForward:
    def test_runs_the_new_code_and_keeps_the_state(self, project: Project) -> None:
        net = project.net()
        before = loss_of(net)
        layer = layer_of(net)
        layer.weight.data[...] = 9
        project.edit(FORWARD)
        (swap,) = project.take()
        name = type(layer).__name__
        assert swap.ok
        assert swap.message == f"{name} v1 → v2: forward changed; setup not rerun; 1 blob kept; 1 blob stale"
        assert (swap.layer, swap.version, swap.nets) == ("Loss", 2, [(net.id, len(net.layers) - 1)])
        assert loss_of(net) == pytest.approx(before + 100)
        assert layer is layer_of(net)
        assert (layer.setups, layer.calls, layer.blobs[0].data.tolist()) == (1, 2, [9, 9])
        assert code_version(type(layer)) == 2
        assert live.swaps()[-1] is swap

    def test_backward_too(self, project: Project) -> None:
        net = project.net()
        net.forward_backward()
        before = net.blobs["ip"].diff.copy()
        project.edit(("self.diff / bottom[0].num", "3 * self.diff / bottom[0].num"))
        assert "backward changed" in project.take()[0].message
        net.forward_backward()
        np.testing.assert_allclose(net.blobs["ip"].diff, 3 * before)

    def test_all_nets_and_phases_together(self, project: Project) -> None:
        nets = [project.net(phase=0), project.net(phase=1), project.net(phase=1)]
        before = [loss_of(net) for net in nets]
        project.edit(FORWARD)
        (swap,) = project.take()
        assert [net_id for net_id, _ in swap.nets] == [net.id for net in nets]
        assert [loss_of(net) for net in nets] == pytest.approx([b + 100 for b in before])

    def test_a_method_that_goes_and_one_that_comes(self, project: Project) -> None:
        net = project.net()
        project.edit(("def backward(self, top, propagate_down", "def other(self, top, propagate_down"))
        assert "backward, other changed" in project.take()[0].message
        assert "backward" not in vars(type(layer_of(net)))
        assert hasattr(layer_of(net), "other")

    @pytest.mark.parametrize(
        ("old", "new", "factor"),
        [("SCALE = 1.0", "SCALE = 4.0", 4), ("return SCALE * x / 2", "return SCALE * x", 2)],
    )
    def test_constants_and_helpers_of_the_module(self, old: str, new: str, factor: float, project: Project) -> None:
        net = project.net()
        before = loss_of(net)
        project.edit((old, new))
        (swap,) = project.take()
        assert "setup not rerun" in swap.message
        assert loss_of(net) == pytest.approx(factor * before)

    def test_a_base_class_in_the_module(self, project: Project) -> None:
        net = project.net()
        before = loss_of(net)
        project.edit(("return blob.num", "return 2 * blob.num"))
        assert project.take()[0].message.startswith("Loss v1 → v2: normalizer changed")
        assert loss_of(net) == pytest.approx(before / 2)

    def test_super_still_works(self, project: Project) -> None:
        net = project.net()
        before = loss_of(net)
        extra = "    def normalizer(self, blob):\n        return 4 * super().normalizer(blob)\n\n    def reshape"
        project.edit(("    def reshape", extra))
        assert project.take()[0].ok
        assert loss_of(net) == pytest.approx(before / 4)
        project.edit(("4 * super()", "8 * super(Loss, self)"))
        assert project.take()[0].ok
        assert loss_of(net) == pytest.approx(before / 8)

    def test_functions_kept_in_self_follow(self, project: Project) -> None:
        project.save(project.text.replace("self.calls = 0", "self.calls = 0; self.f = half; self.m = self.normalizer"))
        net = project.net()
        project.edit(("return SCALE * x / 2", "return -1"), ("return blob.num", "return -2"))
        project.take()
        assert layer_of(net).f(8) == -1
        assert layer_of(net).m(None) == -2

    def test_only_the_classes_concerned_get_a_version(self, project: Project) -> None:
        project.save(LOSS + LOSS[LOSS.index("class Loss") :].replace("class Loss", "class Other"))
        first, second = project.net(), project.net("Other")
        project.edit(("class Other(Base):", "class Other(Base):\n    extra = 1\n"))
        (swap,) = project.take()
        assert (swap.layer, swap.version) == ("Other", 2)
        assert code_version(type(layer_of(first))) == 1
        assert layer_of(second).extra == 1


class TestMeaningless:
    @pytest.mark.parametrize("text", ["# a comment\n\n" + LOSS, LOSS.replace("SCALE * x", "SCALE  *  x")])
    def test_comments_and_whitespace_do_nothing(self, text: str, project: Project) -> None:
        net = project.net()
        module = sys.modules[type(layer_of(net)).__module__]
        marker = module.__dict__["marker"] = object()
        project.save(text)
        assert project.take() == []
        assert module.__dict__["marker"] is marker
        assert code_version(type(layer_of(net))) == 1

    def test_line_numbers_follow_the_file(self, project: Project) -> None:
        net = project.net()
        project.save("# one\n# two\n" + LOSS)
        project.take()
        _, line = inspect.getsourcelines(type(layer_of(net)).forward)
        assert line == 3 + LOSS[: LOSS.index("    def forward")].count("\n")


class TestShapesAndSetup:
    def test_reshape_runs_at_once(self, project: Project) -> None:
        net = project.net()
        project.edit(("top[0].reshape(1)", "top[0].reshape(3, 1)"))
        (swap,) = project.take()
        assert "reshape changed; setup not rerun" in swap.message
        assert net.blobs["loss"].shape == (3, 1)
        assert layer_of(net).setups == 1

    @pytest.mark.parametrize(
        ("old", "new"),
        [("self.calls = 0", "self.calls = 0; self.more = 1"), ("SIZES = [3, 5]", "SIZES = [3, 5, 7]")],
    )
    def test_setup_runs_once_and_blobs_keep_their_memory(self, old: str, new: str, project: Project) -> None:
        net = project.net()
        net.forward_backward()
        layer = layer_of(net)
        blob, params = layer.blobs[0], net.params["loss"]
        blob.data[...] = [1, 2]
        blob.diff[...] = [3, 4]
        held = blob.data
        layer.leftover = True
        project.edit((old, new))
        (swap,) = project.take()
        assert swap.ok
        assert "setup rerun; 1 blob kept" in swap.message
        assert layer is layer_of(net)
        assert (layer.setups, layer.calls) == (1, 0)
        assert not hasattr(layer, "leftover")
        assert layer.blobs is params
        assert layer.blobs[0] is blob
        assert layer.weight is blob
        assert held.tolist() == [1, 2]
        assert np.shares_memory(held, net.params["loss"][0].data)
        assert blob.diff.tolist() == [3, 4]
        net.forward_backward()

    def test_setup_that_raises_is_refused_and_all_is_kept(self, project: Project) -> None:
        net = project.net()
        before = loss_of(net)
        layer = layer_of(net)
        layer.blobs[0].data[...] = [1, 2]
        state = dict(layer.__dict__)
        project.edit(("self.calls = 0", "self.calls = missing_name"), FORWARD)
        (swap,) = project.take()
        assert not swap.ok
        line = LOSS[: LOSS.index("self.calls = 0")].count("\n") + 1
        assert swap.message == (
            f"Loss v2 refused, running v1: {project.path.name}:{line}: NameError: name 'missing_name' is not defined"
            " — mend the line and save again"
        )
        assert layer.__dict__ == state
        assert layer.blobs[0].data.tolist() == [1, 2]
        assert loss_of(net) == before

    def test_parameters_of_another_shape_are_new_and_said(self, project: Project) -> None:
        net = project.net()
        solver = caffe_nb.SGDSolver.from_text('base_lr: 0.1 lr_policy: "fixed" momentum: 0.9', net=net)
        solver.step(2)
        weights = net.params["ip"][0]
        values, history = weights.data.copy(), solver.rule.history[0].copy()
        project.edit(("self.blobs.add_blob(2)", "self.blobs.add_blob(2); self.bias = self.blobs.add_blob(5)"))
        (swap,) = project.take()
        assert "setup rerun; 1 blob kept; blob 1 is new with shape (5,); 1 blob stale" in swap.message
        assert [b.shape for b in net.params["loss"]] == [(2,), (5,)]
        assert [b.shape for b in net.learnable_params] == [h.shape for h in solver.rule.history]
        assert net.learnable_params[0] is weights
        np.testing.assert_array_equal(weights.data, values)
        np.testing.assert_array_equal(solver.rule.history[0], history)
        project.edit(("self.blobs.add_blob(2); self.bias = self.blobs.add_blob(5)", "self.blobs.add_blob(3)"))
        (swap,) = project.take()
        assert "blob 0 is new with shape (3,), was (2,); blob 1 gone" in swap.message
        solver.step(2)
        assert len(net.learnable_params) == len(net.params_lr) == len(solver.rule.history) == 3

    def test_parameters_that_the_text_has_no_place_for_are_refused(self, project: Project) -> None:
        text = NET.replace("loss_weight: 1", 'loss_weight: 1 param { name: "shared" }')
        net = project.net(text=text)
        project.edit(("add_blob(2)", "add_blob(5)"))
        (swap,) = project.take()
        assert not swap.ok
        assert "shares parameters by name; build the net again" in swap.message
        assert net.params["loss"][0].data.tolist() == [7, 7]
        loss_of(net)

    def test_reshape_that_raises_is_refused_and_shapes_come_back(self, project: Project) -> None:
        net = project.net()
        project.edit(("top[0].reshape(1)", "top[0].reshape(5); 1 / 0"))
        (swap,) = project.take()
        assert not swap.ok
        assert "ZeroDivisionError" in swap.message
        assert net.blobs["loss"].shape == (1,)
        loss_of(net)


class TestRefusals:
    @pytest.mark.parametrize(
        ("old", "new", "says"),
        [
            ("self.calls += 1", "self.calls += (", "SyntaxError"),
            ("import caffe\n", "import caffe\nimport no_such_module_here\n", "ModuleNotFoundError: No module named"),
            ("SCALE = 1.0", "SCALE = 1 / 0", "ZeroDivisionError"),
            ("class Loss", "class Los", "has no class Loss any more, which a net runs. Did you mean 'Los'?"),
            ("SCALE = 1.0", "raise SystemExit(3)", "SystemExit: 3"),
        ],
    )
    def test_the_old_code_runs_on_and_the_mend_is_taken_up(
        self, old: str, new: str, says: str, project: Project
    ) -> None:
        net = project.net()
        before = loss_of(net)
        names = set(vars(sys.modules[type(layer_of(net)).__module__]))
        project.edit((old, new))
        (swap,) = project.take()
        assert not swap.ok
        assert swap.message.startswith("Loss v2 refused, running v1: ")
        assert says in swap.message
        assert set(vars(sys.modules[type(layer_of(net)).__module__])) == names
        assert loss_of(net) == before
        count = len(live.swaps())
        assert project.take() == [swap]  # it stands, but is said once
        assert len(live.swaps()) == count
        project.edit((new, old), FORWARD)
        (swap,) = project.take()
        assert (swap.ok, swap.version) == (True, 2)
        assert loss_of(net) == pytest.approx(before + 100)

    def test_a_refusal_has_place_and_the_users_frames(self, project: Project) -> None:
        net = project.net()
        project.edit(("SCALE = 1.0", "SCALE = 1 / 0"))
        (swap,) = project.take()
        assert (swap.path, swap.line) == (project.path.resolve(), 5)
        assert "SCALE = 1 / 0" in swap.traceback
        assert "caffe_nb/live" not in swap.traceback.replace("\\", "/")
        assert swap.nets == [(net.id, len(net.layers) - 1)]

    def test_tracebacks_of_the_old_code_show_its_lines_while_the_file_is_broken(self, project: Project) -> None:
        project.save(project.text.replace("        self.calls += 1", "        raise ValueError('old line')"))
        net = project.net()
        project.save("broken (\n" * 60)
        project.take()
        with pytest.raises(ValueError, match="old line") as caught:
            net.forward()
        assert "raise ValueError('old line')" in "".join(traceback.format_exception(caught.value))

    def test_tracebacks_of_the_new_code_show_the_new_lines(self, project: Project) -> None:
        net = project.net()
        loss_of(net)
        project.edit(("        self.calls += 1", "        # moved\n        raise ValueError('new line')"))
        project.take()
        with pytest.raises(ValueError, match="new line") as caught:
            net.forward()
        assert "raise ValueError('new line')" in "".join(traceback.format_exception(caught.value))

    def test_a_missing_helper_that_appears_mends_it(self, project: Project) -> None:
        net = project.net()
        before = loss_of(net)
        helper = f"{project.module}_helper"
        project.edit(("import caffe\n", f"import caffe\nfrom {helper} import EXTRA\n"), ("num\n", "num + EXTRA\n"))
        assert not project.take()[0].ok
        (project.folder / f"{helper}.py").write_text("EXTRA = 4\n")
        assert project.take()[0].ok
        assert loss_of(net) == pytest.approx(before / 2)


class TestOneIdentity:
    def test_of_the_class(self, project: Project) -> None:
        net = project.net()
        cls = type(layer_of(net))
        project.edit(FORWARD)
        project.take()
        assert type(layer_of(net)) is cls
        assert sys.modules[cls.__module__].Loss is cls
        assert type(project.net().layers[-1]) is cls
        assert isinstance(layer_of(net), sys.modules[cls.__module__].Base)
        assert pickle.loads(pickle.dumps(cls)) is cls

    def test_of_objects_and_enums_in_the_state(self, project: Project) -> None:
        extra = "import enum\n\nclass Mode(enum.Enum):\n    A = 1\n    B = 2\n\n\nclass Record:\n    k = 1\n\n\n"
        extra += "DEFAULT = Record()\nKINDS = {'r': Record}\n\n"
        text = LOSS.replace("SCALE = 1.0", extra + "SCALE = 1.0")
        project.save(text.replace("self.calls = 0", "self.calls = 0; self.mode = Mode.A; self.record = Record()"))
        net = project.net()
        module: Any = sys.modules[type(layer_of(net)).__module__]
        project.edit(FORWARD, ("    k = 1", "    k = 2"))
        assert project.take()[0].ok
        layer = layer_of(net)
        assert layer.mode is module.Mode.A
        assert type(layer.record) is module.Record is module.KINDS["r"] is type(module.DEFAULT)
        assert layer.record.k == 2

    def test_decorated_methods_and_properties(self, project: Project) -> None:
        deco = (
            "import functools\n\ndef logged(f):\n    @functools.wraps(f)\n    def inner(*a):\n        return f(*a)\n"
            "    return inner\n\n\nclass Base"
        )
        text = LOSS.replace("class Base", deco, 1).replace("    def normalizer", "    @logged\n    def normalizer")
        text = text.replace("    def reshape", "    @property\n    def two(self):\n        return 2\n\n    def reshape")
        project.save(text)
        net = project.net()
        before = loss_of(net)
        project.edit(("return blob.num", "return 4 * blob.num"), ("return 2\n", "return super().__repr__() and 3\n"))
        assert project.take()[0].ok
        assert loss_of(net) == pytest.approx(before / 4)
        assert layer_of(net).two == 3


def test_it_is_a_call_of_the_package(project: Project) -> None:
    net = project.net()
    before = loss_of(net)
    project.edit(FORWARD)
    (swap,) = caffe_nb.reload()
    assert caffe_nb.swaps()[-1] is swap
    assert loss_of(net) == pytest.approx(before + 100)


def test_a_layer_that_reloads_in_its_forward_does_not_wait_for_itself(project: Project) -> None:
    project.edit(("self.calls += 1", "self.calls += 1; import caffe_nb; self.taken = caffe_nb.reload()"))
    net = project.net()
    loss_of(net)
    project.edit(FORWARD)
    start = time.monotonic()
    loss_of(net)
    assert layer_of(net).taken == []  # not in the midst of a pass, but
    wait_for(lambda: code_version(type(layer_of(net))) == 2)  # soon after
    assert time.monotonic() - start < 5


class TestNewNets:
    def test_a_module_that_was_imported_before_the_edit(self, project: Project, monkeypatch: Any) -> None:
        monkeypatch.syspath_prepend(str(project.folder))
        __import__(project.module)
        project.edit(FORWARD)
        net = project.net()
        project.take()
        assert loss_of(net) > 100

    def test_a_net_that_is_built_after_an_edit_runs_the_new_code(self, project: Project) -> None:
        before = loss_of(project.net())
        project.edit(FORWARD)
        assert loss_of(project.net(text=NET)) == pytest.approx(before + 100)
