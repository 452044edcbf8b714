"""A layer that raises, or an interrupt: what it touched is as before, and the mended run ends where it would have."""

from __future__ import annotations

import _thread
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from caffe_nb import live
from caffe_nb.net import Net
from caffe_nb.net.interrupts import between_layers
from caffe_nb.solvers import Solver
from tests.live.conftest import wait_for

LAYER = """
import numpy as np
import caffe

class Act(caffe.Layer):
    def setup(self, bottom, top):
        self.count = 0
        self.seen = []
        self.mean = np.zeros(3)
        self.table = {"last": 0}
        self.blobs.add_blob(8)
        self.blobs[0].data[...] = 1

    def reshape(self, bottom, top):
        top[0].reshape(*bottom[0].shape)

    def forward(self, bottom, top):
        self.count += 1
        self.seen.append(self.count)
        self.mean += 1
        self.table["last"] = self.count
        noise = np.random.rand()
        IN_FORWARD
        top[0].data[...] = bottom[0].data * self.blobs[0].data + 0.01 * noise

    def backward(self, top, propagate_down, bottom):
        self.blobs[0].diff[...] += (top[0].diff * bottom[0].data).sum(0)
        IN_BACKWARD
        bottom[0].diff[...] = top[0].diff * self.blobs[0].data
"""
NET = """
layer { name: "d" type: "DummyData" top: "data" top: "label" dummy_data_param {
  shape { dim: 4 dim: 8 } shape { dim: 4 dim: 8 }
  data_filler { type: "gaussian" } data_filler { type: "uniform" } } }
layer { name: "ip" type: "InnerProduct" bottom: "data" top: "x" inner_product_param { num_output: 8
  weight_filler { type: "xavier" } } }
layer { name: "drop" type: "Dropout" bottom: "x" top: "x" }
layer { name: "act" type: "Python" bottom: "x" top: "TOP" python_param { module: "MODULE" layer: "Act" } }
layer { name: "loss" type: "EuclideanLoss" bottom: "TOP" bottom: "label" top: "loss" }
"""
SOLVER = 'base_lr: 0.002 lr_policy: "fixed" momentum: 0.9 random_seed: 5 display: 0'
END = 12


class Training:
    """A solver whose net has the layer, and what came of it."""

    def __init__(self, folder: Path, module: str, extra: str = "", top: str = "y") -> None:
        self.path = folder / f"{module}.py"
        self.save()
        np.random.seed(3)
        net = NET.replace("MODULE", module).replace("TOP", top)
        self.solver = Solver.from_text(f"{SOLVER} {extra} net_param {{ {net} }}", folder=folder)
        self.losses: list[float] = []
        self.solver.hooks.after_iteration.append(lambda solver: self.losses.append(solver.loss))

    @property
    def layer(self) -> Any:
        return self.solver.net.layers[3]

    def save(self, forward: str = "pass", backward: str = "pass") -> None:
        self.path.write_text(LAYER.replace("IN_FORWARD", forward).replace("IN_BACKWARD", backward))

    def result(self) -> tuple[Any, ...]:
        self.solver.step(END - self.solver.iter)
        values = [blob.data.tobytes() for blob in self.solver.net.learnable_params]
        layer = self.layer
        return self.losses, values, layer.count, layer.seen, layer.mean.tolist(), layer.table, np.random.rand()


@pytest.fixture
def module(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    name = f"g{abs(hash(request.node.nodeid)) % 10**9}"
    yield name
    sys.modules.pop(name, None)
    for key in [k for k in sys.modules if str(getattr(sys.modules[k], "__file__", "")).startswith(str(tmp_path))]:
        del sys.modules[key]


PLACES = [
    pytest.param("if self.count == 5: top[0].data[...] = 7; raise ValueError('boom')", "pass", id="forward"),
    pytest.param("pass", "if self.count == 5: np.random.rand(3); raise ValueError('boom')", id="backward"),
]


@pytest.mark.parametrize("extra", ["", "iter_size: 3", "test_iter: 2 test_interval: 4"])
@pytest.mark.parametrize("top", ["y", "x"], ids=["", "in place"])
@pytest.mark.parametrize(("forward", "backward"), PLACES)
def test_a_mended_run_ends_as_an_undisturbed_one(
    tmp_path: Path, module: str, forward: str, backward: str, extra: str, top: str
) -> None:
    if "test_iter" in extra:
        extra += f" test_net_param {{ {NET.replace('MODULE', module).replace('TOP', top)} }}"
    wanted = Training(tmp_path, module, extra, top).result()
    training = Training(tmp_path, module, extra, top)
    training.save(forward, backward)
    live.reload()
    solver = training.solver
    with pytest.raises(ValueError, match="boom") as raised:
        solver.step(END)
    assert solver.net.paused is not None
    assert (solver.net.paused.layer, solver.net.paused.index) == ("act", 3)
    assert "act" in str(raised.value.__notes__)
    assert training.layer.count == (4 if forward != "pass" else 5)
    training.solver.net.blobs["x"].data.sum()  # somebody looks while it is paused
    training.save()
    (swap,) = live.reload()
    assert swap.ok
    assert training.result() == wanted


def test_the_mend_may_be_in_an_earlier_layer_and_a_wrong_mend_raises_again(tmp_path: Path, module: str) -> None:
    training = Training(tmp_path, module)
    training.save("if self.count == 3: raise ValueError('one')")
    live.reload()
    with pytest.raises(ValueError, match="one"):
        training.solver.step(END)
    training.save("if self.count == 3: raise ValueError('two')")
    live.reload()
    with pytest.raises(ValueError, match="two"):
        training.solver.step(END)
    training.save()
    live.reload()
    assert training.result() == Training(tmp_path, module).result()


def test_a_forward_by_hand_in_between_begins_anew(tmp_path: Path, module: str) -> None:
    training = Training(tmp_path, module)
    training.save("if self.count == 3: raise ValueError('one')")
    live.reload()
    with pytest.raises(ValueError, match="one"):
        training.solver.step(END)
    training.save()
    live.reload()
    training.solver.net.forward()
    assert training.solver.net.paused is None
    training.solver.step(1)
    assert training.solver.iter == 3


class TestFirstRuns:
    def test_put_back_all_that_new_code_touched(self, tmp_path: Path, module: str) -> None:
        training = Training(tmp_path, module)
        training.solver.step(2)
        net, layer = training.solver.net, training.layer
        layer.big = np.zeros((300, 300))
        layer.source = np.random.RandomState(1)
        blobs = {name: (b.data.copy(), b.diff.copy()) for name, b in net.blobs.items() if name not in ("x", "data")}
        params = [(b.data.copy(), b.diff.copy()) for b in net.learnable_params[2:]]
        state = {name: np.copy(value) for name, value in vars(layer).items() if isinstance(value, np.ndarray)}
        numbers = np.random.get_state()[1].tolist()  # type: ignore[index,union-attr]
        training.save(
            "self.big += 1; self.source.rand(); self.new = 1; del self.table; self.blobs[0].data[...] = 8;"
            " top[0].reshape(2, 2); top[0].data[...] = 5; top[0].diff[...] = 6; bottom[0].diff[...] = 4; {}['no']"
        )
        live.reload()
        with pytest.raises(KeyError) as raised:
            net.forward()
        assert "first run of new code: what it had touched is as before" in str(raised.value.__notes__)
        assert "--rollback" in str(raised.value.__notes__)
        for name, (data, diff) in blobs.items():
            if name != "label":
                np.testing.assert_array_equal(net.blobs[name].data, data)
            np.testing.assert_array_equal(net.blobs[name].diff, diff)
        for blob, (data, diff) in zip(net.learnable_params[2:], params, strict=True):
            np.testing.assert_array_equal(blob.data, data)
            np.testing.assert_array_equal(blob.diff, diff)
        for name, value in state.items():
            np.testing.assert_array_equal(getattr(layer, name), value)
        assert layer.table == {"last": 2}
        assert not hasattr(layer, "new")
        assert layer.source.rand() == np.random.RandomState(1).rand()
        assert np.random.get_state()[1].tolist() == numbers  # type: ignore[index,union-attr]

    def test_going_back_mends_it_too(self, tmp_path: Path, module: str) -> None:
        training = Training(tmp_path, module)
        training.solver.step(2)
        training.save("raise ValueError('new')")
        live.reload()
        with pytest.raises(ValueError, match="new"):
            training.solver.step(1)
        swap = live.roll_back()
        assert "back to v1" in swap.message
        assert training.result() == Training(tmp_path, module).result()


class TestInterrupts:
    def test_between_layers_and_goes_on_exactly(self, tmp_path: Path, module: str) -> None:
        wanted = Training(tmp_path, module).result()
        training = Training(tmp_path, module)
        solver = training.solver
        times = iter([3, 11, 17, 40, 41])
        next_time = next(times)
        calls = 0

        def interrupt(_index: int) -> None:
            nonlocal calls, next_time
            calls += 1
            if calls == next_time:
                next_time = next(times, 0)
                signal.raise_signal(signal.SIGINT)

        solver.net.before_forward(interrupt)
        solver.net.before_backward(interrupt)
        interrupted = 0
        while solver.iter < END:
            try:
                solver.step(END - solver.iter)
            except KeyboardInterrupt:
                interrupted += 1
        assert interrupted == 5
        assert training.result() == wanted

    def test_a_python_layer_is_stopped_at_once(self, tmp_path: Path, module: str) -> None:
        wanted = Training(tmp_path, module).result()
        training = Training(tmp_path, module)
        training.save("import time\n        while self.count == 4: time.sleep(0.01)")
        live.reload()

        def interrupt() -> None:
            wait_for(lambda: training.solver.running)
            time.sleep(0.5)
            _thread.interrupt_main()

        threading.Thread(target=interrupt).start()
        began = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            training.solver.step(END)
        assert time.monotonic() - began < 20
        assert training.solver.net.paused is not None
        training.save()
        live.reload()
        assert training.result() == wanted

    def test_one_after_the_last_layer_is_heard(self, tmp_path: Path, module: str) -> None:
        solver = Training(tmp_path, module).solver
        solver.net.before_backward(lambda index: signal.raise_signal(signal.SIGINT) if index == 1 else None)
        with pytest.raises(KeyboardInterrupt):
            solver.step(1)
        assert solver.iter == 1
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler

    def test_other_handlers_are_left_alone(self, tmp_path: Path, module: str) -> None:
        net = Training(tmp_path, module).solver.net
        heard: list[int] = []
        before = signal.signal(signal.SIGINT, lambda number, _frame: heard.append(number))
        try:
            with between_layers([net]):
                signal.raise_signal(signal.SIGINT)
        finally:
            signal.signal(signal.SIGINT, before)
        assert heard == [signal.SIGINT]


def test_resume_of_a_plain_net(tmp_path: Path, module: str) -> None:
    training = Training(tmp_path, module)
    net: Net = training.solver.net
    net.forward()
    training.save("raise ValueError('no')")
    live.reload()
    with pytest.raises(ValueError, match="no"):
        net.forward()
    label = net.blobs["label"].data.copy()
    training.save()
    live.reload()
    loss = net.resume()
    np.testing.assert_array_equal(net.blobs["label"].const_data, label)
    assert loss == float(net.blobs["loss"].const_data.item())
    assert net.paused is None
    assert net.stale == []
    with pytest.raises(ValueError, match="nothing to go on with"):
        net.resume()
