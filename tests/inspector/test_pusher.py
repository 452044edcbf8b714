"""What is pushed to whoever watches, while nets run, change and fail."""

from __future__ import annotations

import gc
import itertools
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from caffe_nb.core.layer import Phase
from caffe_nb.inspector import messages, pieces
from caffe_nb.inspector.session import Session
from caffe_nb.live import Swap, on_swap
from caffe_nb.live import reload as take_up_edits
from caffe_nb.net.net import Net
from caffe_nb.solvers import Solver
from tests.inspector.conftest import NET

Background = Callable[[Callable[[], object]], threading.Thread]


class Watcher:
    """Somebody who watches, and checks what is pushed."""

    def __init__(self) -> None:
        self.pushes: list[tuple[float, Any]] = []
        self.numbers: list[int] = []
        self.threads: set[threading.Thread] = set()

    def send(self, data: dict[str, Any]) -> None:
        self.numbers.append(data["seq"])
        self.threads.add(threading.current_thread())
        self.pushes.append((time.perf_counter(), msgspec.convert(data["push"], messages.Push)))

    def updates(self, net: Net) -> list[messages.NetUpdate]:
        return [p for _, p in self.pushes if isinstance(p, messages.NetUpdate) and p.net == net.id]

    def lists(self) -> list[messages.NetList]:
        return [push for _, push in self.pushes if isinstance(push, messages.NetList)]


def until(condition: Callable[[], object], seconds: float = 10) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.005)


@pytest.fixture
def watcher(session: Session) -> Iterator[Watcher]:
    someone = Watcher()
    session.pusher.add(someone.send)
    yield someone
    session.pusher.remove(someone.send)


def hooks_of(net: Net) -> list[str]:
    """Return the hooks that cost time; one that waits for exceptions does not."""
    return [name for name, hooks in vars(net.hooks).items() if hooks and name != "layer_error"]


def pusher_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "caffe_nb pusher"]


def test_nobody_watching_costs_nothing(session: Session, net: Net) -> None:
    net.forward()
    assert hooks_of(net) == []
    assert pusher_threads() == []


def test_hooks_and_thread_come_with_the_first_watcher_and_go_with_the_last(session: Session, net: Net) -> None:
    first, second = Watcher(), Watcher()
    session.pusher.add(first.send)
    session.pusher.add(second.send)
    until(lambda: hooks_of(net))
    session.pusher.remove(first.send)
    assert hooks_of(net)
    session.pusher.remove(second.send)
    assert hooks_of(net) == []
    until(lambda: not pusher_threads())


def test_a_watcher_first_gets_the_nets_then_the_state_of_each(watcher: Watcher, net: Net) -> None:
    until(lambda: watcher.updates(net))
    assert watcher.lists()[0] is watcher.pushes[0][1]
    update = watcher.updates(net)[0]
    assert (update.running, update.solver, update.iteration, update.loss) == (False, False, 0, None)
    assert [t.index for t in update.times] == [0, 1, 2, 4, 5, 6]


def test_layers_that_run_as_one_tell_their_time_of_the_first(watcher: Watcher) -> None:
    net = Net.from_text(
        'layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 8 dim: 4 dim: 9 dim: 9 } } }'
        'layer { name: "norm" type: "BatchNorm" bottom: "x" top: "y" }'
        'layer { name: "scale" type: "Scale" bottom: "y" top: "y" scale_param { bias_term: true } }'
        'layer { name: "relu" type: "ReLU" bottom: "y" top: "y" }',
        Phase.TRAIN,
    )
    until(lambda: watcher.updates(net))
    net.forward()
    until(lambda: any(told.index == 1 and told.forward > 0 for told in watcher.updates(net)[-1].times))
    told = {told.index: (told.forward, told.within) for update in watcher.updates(net) for told in update.times}
    assert told[1][1] == ""
    assert (told[2], told[3]) == ((0, "norm"), (0, "norm"))
    net.hooks.after_forward.append(lambda index: None)  # somebody looks between them: each runs by itself
    net.forward()
    until(lambda: all(told.within == "" for told in watcher.updates(net)[-1].times))
    told = {told.index: (told.forward, told.within) for update in watcher.updates(net) for told in update.times}
    assert all(told[index][0] > 0 and told[index][1] == "" for index in (1, 2, 3))


def test_a_net_that_comes_or_goes_is_told(watcher: Watcher) -> None:
    net = Net.from_text('layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 2 } } }')
    net_id = net.id
    until(lambda: watcher.lists() and net_id in {info.id for info in watcher.lists()[-1].nets})
    del net
    gc.collect()
    until(lambda: net_id not in {info.id for info in watcher.lists()[-1].nets})


def test_show_is_pushed_once(session: Session, watcher: Watcher, net: Net) -> None:
    until(watcher.lists)
    session.show(net)
    until(lambda: any(push.inspect == net.id for push in watcher.lists()))
    net.forward()
    time.sleep(0.3)
    assert [push.inspect for push in watcher.lists()].count(net.id) == 1


def test_of_an_idle_net_only_the_list_is_pushed_again_so_that_a_lost_push_is_noticed(
    watcher: Watcher, net: Net
) -> None:
    until(lambda: watcher.updates(net))
    time.sleep(0.3)
    updates, count = len(watcher.updates(net)), len(watcher.pushes)
    until(lambda: len(watcher.pushes) >= count + 2)
    assert len(watcher.updates(net)) == updates
    assert watcher.lists()[-1].inspect is None
    times = [at for at, _ in watcher.pushes[count : count + 2]]
    assert times[1] - times[0] > 0.3


def test_a_write_outside_a_pass_raises_the_stamp(watcher: Watcher, net: Net) -> None:
    until(lambda: watcher.updates(net))
    stamp = watcher.updates(net)[-1].stamp
    net.blobs["data"].data[...] = 3
    until(lambda: watcher.updates(net)[-1].stamp > stamp)
    assert not watcher.updates(net)[-1].running


def test_a_training_solver_is_pushed_at_most_ten_times_a_second_and_the_last_state_too(
    watcher: Watcher, solver: Solver
) -> None:
    until(lambda: watcher.updates(solver.net))
    deadline = time.monotonic() + 20
    while len(watcher.updates(solver.net)) < 10:
        solver.step(20)
        assert time.monotonic() < deadline
    until(lambda: not watcher.updates(solver.net)[-1].running)
    updates = watcher.updates(solver.net)
    times = [t for t, push in watcher.pushes if push in updates]
    assert all(later - earlier > 0.08 for earlier, later in itertools.pairwise(times))
    last = updates[-1]
    assert last.solver
    assert (last.iteration, last.max_iterations) == (solver.iter, 0)  # beyond its max_iter: unknown
    assert last.loss == pytest.approx(solver.smoothed_loss)
    assert any(update.running for update in updates)
    assert [update.stamp for update in updates] == sorted(update.stamp for update in updates)
    assert {t.index for update in updates for t in update.times if t.forward > 0} == {0, 1, 2, 4, 5, 6}
    assert watcher.numbers == list(range(1, len(watcher.numbers) + 1))


def test_pushes_leave_from_another_thread_than_the_nets(watcher: Watcher, solver: Solver) -> None:
    solver.step(100)
    until(lambda: watcher.updates(solver.net))
    assert threading.current_thread() not in watcher.threads


def test_a_slow_watcher_does_not_slow_the_net(session: Session, solver: Solver) -> None:
    comes, goes_on = threading.Event(), threading.Event()

    def slow(_data: dict[str, Any]) -> None:
        comes.set()
        goes_on.wait(30)

    session.pusher.add(slow)
    assert comes.wait(10)
    solver.step(100)
    waiting = not goes_on.is_set()
    goes_on.set()
    session.pusher.remove(slow)
    assert waiting
    assert solver.iter == 100


def test_a_watcher_whose_line_is_dead_is_dropped(session: Session, watcher: Watcher, net: Net) -> None:
    def dead(_data: dict[str, Any]) -> None:
        raise ConnectionError

    session.pusher.add(dead)
    until(lambda: watcher.updates(net))
    session.pusher.remove(watcher.send)
    until(lambda: not session.pusher.watched)
    assert hooks_of(net) == []


def test_a_long_layer_is_reported_while_it_runs(watcher: Watcher, net: Net, background: Background) -> None:
    half = next(node for node in net.nodes if node.name == "half")
    half.layer.pause = 1.6
    until(lambda: watcher.updates(net))
    background(net.forward).join()
    until(lambda: not watcher.updates(net)[-1].running)
    seconds = [u.current.seconds for u in watcher.updates(net) if u.current and u.current.index == half.index]
    assert len(seconds) >= 3
    assert seconds == sorted(seconds)
    assert watcher.updates(net)[-1].current is None
    times = [t.forward for update in watcher.updates(net) for t in update.times if t.index == half.index]
    assert times[-1] > 1500


def test_an_error_is_shown_at_its_layer_and_goes_when_the_layer_runs_again(
    session: Session, watcher: Watcher, net: Net, folder: Path
) -> None:
    half = next(node for node in net.nodes if node.name == "half")
    half.layer.fault = "<b>cannot halve</b>"
    until(lambda: hooks_of(net))
    with pytest.raises(ValueError, match="cannot halve"):
        net.forward()
    until(lambda: any(update.states for update in watcher.updates(net)))
    state = next(update.states for update in watcher.updates(net) if update.states)[0]
    assert state.index == half.index
    assert state.error is not None
    assert state.error.message == "ValueError: <b>cannot halve</b>"
    assert state.error.path == str(folder / "halves.py")
    assert "raise ValueError" in (folder / "halves.py").read_text(encoding="utf-8").splitlines()[state.error.line - 1]
    assert "net.py" not in state.error.traceback
    assert "bottoms: ip (4, 2)" in state.error.traceback
    half.layer.fault = ""
    net.forward()
    until(lambda: watcher.updates(net)[-1].states and watcher.updates(net)[-1].states[0].error is None)


def test_an_error_while_nobody_looks_is_there_for_who_looks_later_and_goes_when_it_is_mended(
    session: Session, net: Net
) -> None:
    half = next(node for node in net.nodes if node.name == "half")
    session.show(net)
    half.layer.fault = "unseen"
    with pytest.raises(ValueError, match="unseen"):
        net.forward()

    def error() -> pieces.LayerError | None:
        reply = session.handle({"id": 1, "request": {"kind": "get_graph", "net": net.id}})[0]["reply"]
        states = msgspec.convert(reply, messages.Graph).states
        return next(state for state in states if state.index == half.index).error

    assert error() is not None
    half.layer.fault = ""
    net.forward()
    assert error() is None
    assert hooks_of(net) == []


def test_an_edit_shows_its_version_and_note_and_a_broken_one_its_error(
    watcher: Watcher, net: Net, folder: Path
) -> None:
    half = next(node for node in net.nodes if node.name == "half")
    file = folder / "halves.py"
    text = file.read_text(encoding="utf-8")
    until(lambda: watcher.updates(net))

    def last_state() -> pieces.LayerState | None:
        states = [state for update in watcher.updates(net) for state in update.states if state.index == half.index]
        return states[-1] if states else None

    file.write_text(text.replace("/ 2", "/ 3"), encoding="utf-8")
    take_up_edits()
    until(lambda: last_state() and last_state().version == 2)
    assert "Half" in last_state().note
    assert last_state().error is None

    file.write_text(text + "\nthis is no Python", encoding="utf-8")
    take_up_edits()
    until(lambda: last_state().error is not None)
    error = last_state().error
    assert last_state().version == 2
    assert error.refused
    assert error.path == str(file)
    assert error.line == len(text.splitlines()) + 2
    net.forward()
    time.sleep(0.2)
    assert last_state().error == error

    file.write_text(text.replace("/ 2", "/ 4"), encoding="utf-8")
    take_up_edits()
    until(lambda: last_state().error is None)
    assert last_state().version == 3


def test_an_error_of_new_code_stays_when_the_edit_is_told_only_after_it(
    session: Session, net: Net, folder: Path
) -> None:
    half = next(node for node in net.nodes if node.name == "half")
    file = folder / "halves.py"
    text = file.read_text(encoding="utf-8")
    raised = []

    def runs_first(_swap: Swap) -> None:
        if not raised:
            with pytest.raises(KeyError) as error:
                net.forward()
            raised.append(error)

    def error() -> pieces.LayerError | None:
        return session.book.record(net).state(half).error

    session.book.record(net)
    on_swap.insert(0, runs_first)
    try:
        file.write_text(text.replace("bottom[0].data / 2", "{}['new']"), encoding="utf-8")
        take_up_edits()
        assert raised
        assert error() is not None
        assert error().message == "KeyError: 'new'"
        file.write_text(text, encoding="utf-8")
        take_up_edits()
        assert error() is None
    finally:
        on_swap.remove(runs_first)


def test_an_interrupt_is_no_fault_of_the_layer(watcher: Watcher, net: Net, monkeypatch: pytest.MonkeyPatch) -> None:
    half = next(node for node in net.nodes if node.name == "half")

    def interrupted(bottom: object, top: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(half.layer, "forward", interrupted)
    until(lambda: hooks_of(net))
    with pytest.raises(KeyboardInterrupt):
        net.forward()
    time.sleep(0.3)
    assert not any(update.states for update in watcher.updates(net))


def test_who_comes_again_finds_times_and_iteration(session: Session, watcher: Watcher, solver: Solver) -> None:
    until(lambda: hooks_of(solver.net))
    solver.step(3)
    until(lambda: watcher.updates(solver.net)[-1].iteration == 3)
    session.pusher.remove(watcher.send)
    second = Watcher()
    session.pusher.add(second.send)
    until(lambda: second.updates(solver.net))
    session.pusher.remove(second.send)
    update = second.updates(solver.net)[0]
    assert second.numbers[0] == 1
    assert update.iteration == 3
    assert all(t.forward > 0 for t in update.times)


def test_a_layer_that_fails_in_a_test_net_is_told_with_the_list_of_nets(watcher: Watcher, folder: Path) -> None:
    tested = 'test_iter: 1 test_interval: 2 base_lr: 0.01 lr_policy: "fixed" net_param { ' + NET + " }"
    solver = Solver.from_text(tested, folder=folder)
    (test_net,) = solver.test_nets
    half = next(node for node in test_net.nodes if node.name == "half")
    until(lambda: hooks_of(test_net))
    half.layer.fault = "no more digits"
    with pytest.raises(ValueError, match="no more digits"):
        solver.step(1)

    def told(net: Net) -> pieces.NetInfo:
        return {info.id: info for info in watcher.lists()[-1].nets}[net.id]

    until(lambda: told(test_net).failed)
    assert told(test_net).failed == pieces.FailedLayer("half", "ValueError: no more digits")
    assert (told(test_net).trained, told(test_net).test_net) == (solver.net.id, 0)
    assert told(solver.net).failed is None
    assert (told(solver.net).trained, told(solver.net).test_net) == (solver.net.id, -1)
    half.layer.fault = ""
    solver.step(1)
    until(lambda: told(test_net).failed is None)
