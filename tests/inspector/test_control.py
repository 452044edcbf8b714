"""The panel's buttons: parts of a net that stands are run, a running one is held between two layers and goes on."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from caffe_nb.core.layer import Layer
from caffe_nb.errors import NetError
from caffe_nb.inspector.control import Control, control_of
from caffe_nb.inspector.mailbox import ask
from caffe_nb.inspector.pieces import Breaks, Place
from caffe_nb.layers.registered import register_layer, unregister_layer
from caffe_nb.net import Net
from caffe_nb.solvers import Solver

NET = """
name: "driven" force_backward: true
layer { name: "in" type: "DummyData" top: "x" top: "t" dummy_data_param { shape { dim: 4 dim: 3 }
  shape { dim: 4 dim: 2 } data_filler { type: "gaussian" std: 1 } data_filler { type: "constant" value: 1 } } }
layer { name: "ip" type: "InnerProduct" bottom: "x" top: "y" inner_product_param { num_output: 2
  weight_filler { type: "constant" value: 0.1 } } }
layer { name: "mine" type: "Driven" bottom: "y" top: "z" }
layer { name: "loss" type: "EuclideanLoss" bottom: "z" bottom: "t" top: "loss" }
"""
SOLVER = "base_lr: 0.01 lr_policy: 'fixed' max_iter: 100000 random_seed: 3"


class Scaled(Layer):
    """Multiplies by `factor`, which the tests change."""

    factor = 2.0

    def reshape(self, bottom: Any, top: Any) -> None:
        top[0].reshape(*bottom[0].shape)

    def forward(self, bottom: Any, top: Any) -> None:
        top[0].data[...] = bottom[0].data * type(self).factor

    def backward(self, top: Any, propagate_down: Any, bottom: Any) -> None:
        bottom[0].diff[...] = top[0].diff * type(self).factor


@pytest.fixture(autouse=True)
def driven(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(Scaled, "factor", 2.0)
    register_layer("Driven", Scaled)
    yield
    unregister_layer("Driven")


@pytest.fixture
def net() -> Net:
    return Net.from_text(NET)


def wait_for(what: Callable[[], object], seconds: float = 20.0) -> None:
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until, "it never came"
        time.sleep(0.002)


def idle(control: Control) -> None:
    wait_for(lambda: not control._busy())


def index_of(net: Net, name: str) -> int:
    return next(node.index for node in net.nodes if node.name == name)


class Training:
    """A solver that runs in a thread, as in a cell."""

    def __init__(self, net: Net, iterations: int = 100000) -> None:
        self.solver = Solver.from_text(SOLVER, net=net)
        self.net, self.control = net, control_of(net)
        self.error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, args=(iterations,))
        self._thread.start()

    def _run(self, iterations: int) -> None:
        try:
            self.solver.step(iterations)
        except BaseException as error:
            self.error = error

    def end(self) -> None:
        self.solver.stop()
        self.control.release()
        self._thread.join(20)
        assert not self._thread.is_alive()

    def held_at(self) -> tuple[str, str, bool]:
        wait_for(lambda: self.control.held)
        held = self.control.held
        assert held is not None
        return self.net.nodes[held.index].name, held.direction, held.after


@pytest.fixture
def training(net: Net) -> Iterator[Training]:
    running = Training(net)
    wait_for(lambda: running.solver.iter > 3)
    yield running
    running.end()


# an idle net


def test_steps_through_a_net_do_what_its_passes_do(net: Net) -> None:
    whole = Net.from_text(NET)
    for blob, other in ((net.blobs["x"], whole.blobs["x"]),):
        blob.data[...] = other.data[...] = 1
    control, seen = control_of(net), []
    for _ in range(7):
        place = control.place
        seen.append((net.nodes[place.index].name, place.direction))
        control.act("step")
        idle(control)
    forwards = [(name, "forward") for name in ("in", "ip", "mine", "loss")]
    assert seen == [*forwards, ("loss", "backward"), ("mine", "backward"), ("ip", "backward")]
    assert control.place == Place(0, "forward")
    batch = net.blobs["x"].data.copy()
    whole.nodes[0].layer.forward = lambda bottom, top: None  # type: ignore[method-assign]
    whole.blobs["x"].data[...], whole.blobs["t"].data[...] = batch, 1
    whole.forward_backward()
    for name in ("y", "z", "loss"):
        np.testing.assert_array_equal(net.blobs[name].const_data, whole.blobs[name].const_data)
    for mine, other in zip(net.params["ip"], whole.params["ip"], strict=True):
        np.testing.assert_array_equal(mine.const_diff, other.const_diff)


def test_run_to_here_and_run_from_here(net: Net) -> None:
    control, mine = control_of(net), index_of(net, "mine")
    control.act("run_to", mine)
    idle(control)
    assert net.blobs["z"].const_data.any()
    assert not net.blobs["loss"].const_data.any()
    assert control.place == Place(mine + 1, "forward")
    batch = net.blobs["x"].const_data.copy()
    control.act("run_from", mine)
    idle(control)
    assert net.blobs["loss"].const_data.any()
    np.testing.assert_array_equal(net.blobs["x"].const_data, batch)
    control.act("backward")
    idle(control)
    assert net.params["ip"][0].const_diff.any()


def test_an_exception_of_a_layer_stays_in_the_net_and_the_next_step_is_that_layer(net: Net) -> None:
    Scaled.factor = None  # type: ignore[assignment]
    control = control_of(net)
    control.act("forward")
    idle(control)
    assert net.paused is not None
    assert control.place == Place(index_of(net, "mine"), "forward")
    Scaled.factor = 3.0
    control.act("step")
    idle(control)
    assert control.place == Place(index_of(net, "loss"), "forward")


@pytest.mark.parametrize("action", ["pause", "resume"])
def test_what_needs_a_run_says_so(net: Net, action: Any) -> None:
    with pytest.raises(NetError, match=f"idle: there is nothing to {action}"):
        control_of(net).act(action)


def test_bad_places_and_limits_are_refused(net: Net) -> None:
    with pytest.raises(NetError, match="has no layer 99"):
        control_of(net).act("run_to", 99)
    with pytest.raises(NetError, match="has no layer 99"):
        control_of(net).set_breaks(Breaks(layers=[99]))
    with pytest.raises(NetError, match="above 0"):
        control_of(net).set_breaks(Breaks(limit=float("nan")))


# a running one


def test_a_solver_is_paused_stepped_and_goes_on(training: Training) -> None:
    control = training.control
    control.act("pause")
    training.held_at()
    iteration = training.solver.iter
    seen = []
    for _ in range(8):
        before = control.held
        assert before is not None
        seen.append((training.net.nodes[before.index].name, before.direction))
        control.act("step")
        wait_for(lambda before=before: control.held is not None and control.held is not before)
    cycle = [(name, "forward") for name in ("in", "ip", "mine", "loss")]
    cycle += [(name, "backward") for name in ("loss", "mine", "ip")]
    begin = cycle.index(seen[0])  # type: ignore[arg-type]
    assert seen == [cycle[(begin + i) % 7] for i in range(8)]
    assert training.solver.iter - iteration in (1, 2)
    with pytest.raises(NetError, match="step, resume or stop it first"):
        control.act("forward")
    control.act("resume")
    after = training.solver.iter
    wait_for(lambda: training.solver.iter > after + 3)
    assert control.held is None


def test_a_held_net_answers_at_once_about_gradients_too(training: Training) -> None:
    training.control.act("pause")
    training.held_at()
    began = time.monotonic()
    for about in (False, True):
        assert ask(training.net, lambda: training.net.blobs["y"].shape, about_gradients=about) == (4, 2)
    assert time.monotonic() - began < 1
    training.control.act("resume")


def test_a_breakpoint_holds_before_a_layer_in_both_passes(training: Training) -> None:
    mine = index_of(training.net, "mine")
    training.control.set_breaks(Breaks(layers=[mine]))
    directions = set()
    for _ in range(2):
        name, direction, after = training.held_at()
        assert (name, after) == ("mine", False)
        assert training.control.held is not None
        assert training.control.held.why == "breakpoint"
        directions.add(direction)
        held = training.control.held
        training.control.act("resume")
        wait_for(lambda held=held: training.control.held is not held)
    assert directions == {"forward", "backward"}
    training.control.set_breaks(Breaks())


def test_run_to_here_holds_a_running_net_after_the_layer(training: Training) -> None:
    training.control.act("pause")
    training.held_at()
    held = training.control.held
    training.control.act("run_to", index_of(training.net, "mine"))
    wait_for(lambda: training.control.held is not held)
    assert training.held_at() == ("mine", "forward", True)


def test_the_iteration_of_a_breakpoint_holds_once(training: Training) -> None:
    wanted = training.solver.iter + 50
    training.control.set_breaks(Breaks(iteration=wanted))
    assert training.held_at() == ("in", "forward", False)
    assert training.solver.iter >= wanted
    assert training.control.breaks.iteration is None
    training.control.act("resume")
    wait_for(lambda: training.solver.iter > wanted + 5)


def test_nan_holds_where_it_is_born(training: Training) -> None:
    training.control.set_breaks(Breaks(not_finite=True))
    Scaled.factor = float("nan")
    assert training.held_at()[0] == "mine"
    assert training.control.held is not None
    assert training.control.held.why.startswith("NaN at [0, 0] in ")
    Scaled.factor = 2.0
    training.control.set_breaks(Breaks())
    training.control.act("resume")


def test_a_large_diff_holds(training: Training) -> None:
    training.control.set_breaks(Breaks(limit=1e6))
    Scaled.factor = 1e9
    name, direction, after = training.held_at()
    assert (direction, after) == ("backward", True)
    assert name in ("loss", "mine", "ip")
    assert training.control.held is not None
    assert "over 1e+06" in training.control.held.why
    Scaled.factor = 2.0
    training.control.set_breaks(Breaks())
    training.control.act("resume")


def test_stop_ends_a_held_and_a_running_solver_after_its_iteration(net: Net) -> None:
    for held in (True, False):
        training = Training(net)
        wait_for(lambda training=training: training.solver.iter > 3)
        if held:
            training.control.set_breaks(Breaks(layers=[index_of(net, "mine")]))
            training.held_at()
        training.control.act("stop")
        training._thread.join(20)
        assert not training._thread.is_alive()
        assert training.error is None
        training.control.set_breaks(Breaks())


def test_stop_ends_a_loop_of_passes_as_an_interrupt_does(net: Net) -> None:
    errors: list[BaseException] = []

    def loop() -> None:
        try:
            while True:
                net.forward_backward()
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=loop)
    thread.start()
    control = control_of(net)
    control.act("pause") if control._busy() else wait_for(control._busy)
    control.act("stop")
    thread.join(20)
    assert [type(error) for error in errors] == [KeyboardInterrupt]
    net.interrupted = False


def test_a_run_that_was_held_and_stepped_gives_what_an_undisturbed_one_gives() -> None:
    results = []
    for disturbed in (False, True):
        net = Net.from_text(NET)
        solver = Solver.from_text(SOLVER, net=net)
        net.nodes[0].layer.forward = lambda bottom, top: None  # type: ignore[method-assign]
        net.blobs["x"].data[...] = np.arange(12).reshape(4, 3)
        net.blobs["t"].data[...] = 1
        for blob in net.params["ip"]:
            blob.data[...] = 0.1
        control = control_of(net)
        thread = threading.Thread(target=solver.step, args=(20,))
        if disturbed:
            control.set_breaks(Breaks(layers=[index_of(net, "mine")]))
        thread.start()
        while thread.is_alive():
            held = control.held
            if held is not None:
                control.act("step" if solver.iter % 2 else "resume")
                while control.held is held:
                    time.sleep(0.001)
        results.append(net.params["ip"][0].const_data.copy())
    np.testing.assert_array_equal(*results)


def test_nothing_listens_while_there_is_nothing_to_stop_at(training: Training) -> None:
    def listening() -> bool:
        hooks = training.net.hooks
        return any([hooks.before_forward, hooks.after_forward, hooks.before_backward, hooks.after_backward])

    assert not listening()
    training.control.set_breaks(Breaks(layers=[0], not_finite=True))
    assert listening()
    training.held_at()
    training.control.set_breaks(Breaks())
    training.control.act("resume")
    wait_for(lambda: not listening())
