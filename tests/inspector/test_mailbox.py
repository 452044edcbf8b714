"""A question to a net is answered between two layers, at once when nobody runs it."""

import threading
import time
from collections.abc import Callable

import pytest

from caffe_nb.inspector.mailbox import BusyError, ask
from caffe_nb.net.net import Net
from caffe_nb.solvers import Solver

Background = Callable[[Callable[[], object]], threading.Thread]


def running_for_good(net: Net, stop: threading.Event) -> Callable[[], None]:
    def run() -> None:
        while not stop.is_set():
            net.forward()

    return run


def test_an_idle_net_answers_in_the_asking_thread(net: Net) -> None:
    assert ask(net, threading.current_thread) is threading.current_thread()
    assert net.hooks.between_layers == []


def test_a_net_in_a_loop_answers_soon_and_never_inside_a_layer(net: Net, background: Background) -> None:
    net.layers[-3].pause = 0.001
    stop = threading.Event()
    background(running_for_good(net, stop))
    start = time.perf_counter()
    inside = [ask(net, lambda: net.running) for _ in range(50)]
    assert time.perf_counter() - start < 5
    stop.set()
    assert inside == [None] * 50


def test_a_stepping_solver_answers_in_its_own_thread_and_the_hook_is_gone_after(
    solver: Solver, background: Background
) -> None:
    thread = background(lambda: solver.step(3000))
    while not solver.running:
        time.sleep(0.001)
    answered = [ask(solver.net, threading.current_thread) for _ in range(20)]
    assert thread in answered
    solver.stop()
    thread.join()
    assert solver.net.hooks.between_layers == []


def test_many_askers_at_once_all_get_their_own_answer(solver: Solver, background: Background) -> None:
    thread = background(lambda: solver.step(3000))
    answers: dict[int, int] = {}

    def asking(number: int) -> Callable[[], None]:
        def run() -> None:
            for _ in range(10):
                answers[number] = ask(solver.net, lambda: number)

        return run

    askers = [background(asking(number)) for number in range(8)]
    for asker in askers:
        asker.join()
    solver.stop()
    thread.join()
    assert answers == {number: number for number in range(8)}
    assert solver.net.hooks.between_layers == []


def test_a_long_layer_is_named_with_the_time_it_has_taken(net: Net, background: Background) -> None:
    next(layer for layer in net.layers if layer.type == "Python").pause = 1.5
    thread = background(net.forward)
    while net.running is None or net.nodes[net.running[0]].name != "half":
        time.sleep(0.001)
    time.sleep(0.1)
    called: list[int] = []
    with pytest.raises(BusyError, match=r"layer 'half' \(Python\), line \d+ of <string> has been running forward for"):
        ask(net, lambda: called.append(1), timeout=0.2)
    thread.join()
    assert called == []
    assert net.hooks.between_layers == []


def test_behind_a_layer_that_may_never_return_questions_do_not_wait_for_each_other(
    net: Net, background: Background
) -> None:
    next(layer for layer in net.layers if layer.type == "Python").pause = 4
    background(net.forward)
    while net.running is None or time.perf_counter() - net.running[2] < 2.2:
        time.sleep(0.01)
    start = time.perf_counter()
    with pytest.raises(BusyError, match="has been running forward for"):
        ask(net, lambda: None, timeout=2)
    assert time.perf_counter() - start < 1.5


def test_what_the_question_raises_goes_to_the_asker_and_not_to_the_net(solver: Solver, background: Background) -> None:
    thread = background(lambda: solver.step(500))
    while not solver.running:
        time.sleep(0.001)
    with pytest.raises(ZeroDivisionError):
        ask(solver.net, lambda: 1 // 0)
    thread.join()
    assert solver.iter == 500


def test_a_stepping_solver_answers_about_gradients_when_they_are_all_there(
    solver: Solver, background: Background
) -> None:
    weight, bias = solver.net.params["ip"]
    solver.param.base_lr = 0  # nothing is learned, and the ReLU lets everything through: no gradient is truly zero
    bias.data = 10
    thread = background(lambda: solver.step(1_000_000))
    while not solver.iter:
        time.sleep(0.001)
    answers = [
        ask(solver.net, lambda: (weight.const_diff.any(), bias.const_diff.any()), about_gradients=True)
        for _ in range(20)
    ]
    solver.stop()
    thread.join()
    assert answers == [(True, True)] * 20
    assert solver.net.hooks.between_layers == []


def test_a_net_that_only_runs_forward_answers_about_gradients_a_little_later(net: Net, background: Background) -> None:
    stop = threading.Event()
    background(running_for_good(net, stop))
    assert ask(net, lambda: 7, about_gradients=True) == 7
    stop.set()
