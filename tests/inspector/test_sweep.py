"""How the layers are now: NaN and infinity in what they hold, and how large their gradients are."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import numpy as np
import pytest

from caffe_nb.inspector import messages, sweep, training_messages
from caffe_nb.inspector.health import code
from caffe_nb.inspector.messages import HEALTH_ZERO
from caffe_nb.inspector.session import Session
from caffe_nb.net.net import Net
from caffe_nb.solvers import Solver
from tests.inspector.test_pusher import hooks_of
from tests.inspector.test_session import request


def ask(session: Session, net: Net, *, gradients: bool = False) -> messages.LayerHealth:
    reply = request(session, messages.GetLayerHealth(net.id, gradients))
    assert isinstance(reply, messages.LayerHealth), reply
    return reply


def bad(session: Session, net: Net) -> dict[str, training_messages.BadLayer]:
    return {net.nodes[each.index].name: each for each in ask(session, net).bad}


def gradients(session: Session, net: Net) -> dict[str, int]:
    return {net.nodes[each.index].name: each.code for each in ask(session, net, gradients=True).gradients}


def test_a_healthy_net_has_no_bad_layer_and_no_hooks_are_left(session: Session, net: Net) -> None:
    net.forward()
    net.backward()
    reply = ask(session, net)
    assert (reply.bad, reply.gradients, reply.whole) == ([], [], True)
    assert hooks_of(net) == []


def test_each_layer_that_holds_nan_is_named_with_the_places_and_no_longer_once_they_are_mended(
    session: Session, net: Net
) -> None:
    net.params["ip"][0].data[0, 0] = np.nan
    assert bad(session, net) == {"ip": training_messages.BadLayer(1, "NaN", ["parameter 0"])}
    net.forward()
    found = bad(session, net)
    assert found["ip"].places == ["top 'ip'", "parameter 0"]
    assert found["half"].places == ["top 'half'"]
    assert found["loss"].places == ["top 'loss'"]
    assert "data" not in found
    net.backward()
    assert "the diff of parameter 0" in bad(session, net)["ip"].places
    assert len(bad(session, net)["ip"].places) <= sweep.MOST_PLACES + 1

    net.params["ip"][0].data[...] = 1
    assert "parameter 0" not in bad(session, net)["ip"].places
    net.forward()
    net.clear_param_diffs()
    net.backward()
    assert bad(session, net) == {}


def test_an_infinity_has_a_sign_of_its_own(session: Session, net: Net) -> None:
    net.params["ip"][1].data[0] = -np.inf
    assert bad(session, net)["ip"].value == "Inf"
    net.params["ip"][1].data[1] = np.nan
    assert bad(session, net)["ip"].value == "NaN"


def test_gradients_are_the_mean_magnitudes_of_the_tops_diffs(session: Session, net: Net) -> None:
    net.forward()
    assert gradients(session, net) == {}
    net.backward()
    found = gradients(session, net)
    assert found["ip"] == code(float(np.abs(net.blobs["ip"].const_diff).mean()), 1)
    assert set(found) == {"ip", "relu", "half"}
    net.blobs["ip"].diff[...] = 0
    assert gradients(session, net)["ip"] == HEALTH_ZERO


def test_what_was_not_written_is_not_read_again(session: Session, net: Net, monkeypatch: pytest.MonkeyPatch) -> None:
    net.forward()
    ask(session, net)
    read: list[tuple[int, ...]] = []
    monkeypatch.setattr(sweep, "_sign", lambda array: read.append(array.shape) or "")
    ask(session, net)
    assert read == []
    net.params["ip"][1].data[0] = 1
    ask(session, net)
    assert read == [(2,)]


def test_a_running_net_is_looked_through_bit_by_bit_and_left_alone_in_between(
    net: Net, monkeypatch: pytest.MonkeyPatch
) -> None:
    net.forward()
    net.params["ip"][0].data[0, 0] = np.nan
    monkeypatch.setattr(sweep, "SLICE", 0)
    monkeypatch.setattr(sweep, "SHARE", 10**9)
    looking = sweep.Sweep()
    found, _, whole = looking.look(net, gradients=False, hurry=True)
    assert (found, whole) == ([], False)  # the first layer alone, which is well
    assert looking.look(net, gradients=False, hurry=True)[0] == []  # too soon after it
    monkeypatch.setattr(sweep, "SHARE", 1)
    looking = sweep.Sweep()
    deadline = time.monotonic() + 20
    while not (found := looking.look(net, gradients=False, hurry=True)[0]):
        assert time.monotonic() < deadline
    assert [each.index for each in found] == [1]
    assert looking.look(net, gradients=False, hurry=False)[2]


def test_of_a_running_net_the_loss_comes_first_and_a_few_elements_of_everything_before_all_of_anything(
    net: Net, monkeypatch: pytest.MonkeyPatch
) -> None:
    net.params["ip"][0].data[...] = np.nan
    net.forward()
    monkeypatch.setattr(sweep, "SLICE", 0)
    looking = sweep.Sweep()
    assert [net.nodes[each.index].name for each in looking.look(net, gradients=False, hurry=True)[0]] == ["loss"]
    net.params["ip"][0].data[...] = 1
    net.forward()
    deadline = time.monotonic() + 20
    while looking.look(net, gradients=False, hurry=True)[0]:  # what was seen stays until the blob is read whole
        assert time.monotonic() < deadline


def test_a_solver_that_runs_answers_and_shows_a_nan_that_comes(
    session: Session, solver: Solver, background: Callable[[Callable[[], object]], threading.Thread]
) -> None:
    thread = background(lambda: solver.step(1_000_000))
    try:
        net = solver.net
        while solver.iter < 3:
            time.sleep(0.001)
        assert ask(session, net).bad == []
        net.params["ip"][0].data[...] = np.nan
        deadline = time.monotonic() + 20
        while "loss" not in bad(session, net):
            assert time.monotonic() < deadline
            time.sleep(0.02)
    finally:
        solver.stop()
        thread.join(20)
    assert bad(session, net)["ip"].value == "NaN"
