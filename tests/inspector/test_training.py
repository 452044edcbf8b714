"""What the panel switches on for a training: stopping at NaN, keeping iterations, and going back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from caffe_nb.inspector import messages, training_messages
from caffe_nb.inspector.session import Session
from caffe_nb.net.net import Net
from caffe_nb.solvers import Solver
from caffe_nb.solvers.finite import NonFiniteError
from tests.inspector.test_session import request


def state(session: Session, net: Net) -> training_messages.Training:
    reply = request(session, messages.GetHistory(net.id))
    assert isinstance(reply, messages.History)
    return reply.training


def set_(session: Session, net: Net, **what: object) -> training_messages.Training:
    reply = request(session, messages.SetTraining(net.id, **what))  # type: ignore[arg-type]
    assert isinstance(reply, messages.TrainingState), reply
    assert reply.training == state(session, net)
    return reply.training


def test_at_first_nothing_is_on(session: Session, solver: Solver) -> None:
    assert state(session, solver.net) == training_messages.Training(stop_at_nan=False, bad=None, kept=None, paused="")


def test_a_run_stops_where_a_nan_is_born_and_the_panel_is_told_the_place(session: Session, solver: Solver) -> None:
    assert set_(session, solver.net, stop_at_nan=True).stop_at_nan
    solver.step(2)
    solver.net.params["ip"][1].data[0] = np.inf
    with pytest.raises(NonFiniteError):
        solver.step(1)
    told = state(session, solver.net)
    assert told.paused == "ip"
    assert told.bad is not None
    assert (told.bad.layer, told.bad.name, told.bad.blob, told.bad.index) == (1, "ip", "top 'ip'", [0, 0])
    assert (told.bad.part, told.bad.value, told.bad.method, told.bad.iteration) == ("data", "+Inf", "forward", 2)
    solver.net.params["ip"][1].data[0] = 0
    solver.step(1)
    assert state(session, solver.net).bad is None
    assert not set_(session, solver.net, stop_at_nan=False).stop_at_nan


def test_the_layers_state_has_the_error_until_it_runs_again(session: Session, solver: Solver) -> None:
    session.show(solver.net)
    set_(session, solver.net, stop_at_nan=True)
    solver.net.params["ip"][1].data[0] = np.nan
    with pytest.raises(NonFiniteError):
        solver.step(1)

    def errors() -> list[str]:
        reply = request(session, messages.GetGraph(solver.net.id))
        return [layer.error.message for layer in reply.states if layer.error]

    (stopped,) = (layer.error for layer in request(session, messages.GetGraph(solver.net.id)).states if layer.error)
    assert stopped.not_finite
    (said,) = errors()
    assert said.startswith("NonFiniteError: NaN at [0, 0] of top 'ip' after the forward of iteration 0 (4 values")
    assert "Parameter 1 of the layer is not finite" in said
    solver.net.params["ip"][1].data[0] = 0
    solver.step(1)
    assert errors() == []


def test_kept_iterations_are_counted_and_gone_back_to(session: Session, solver: Solver) -> None:
    session.show(solver.net)
    kept = set_(session, solver.net, keep=True, megabytes=1).kept
    assert kept is not None
    assert (kept.iterations, kept.limit) == (0, 2**20)
    solver.step(6)
    weights = solver.net.params["ip"][0].const_data.copy()
    solver.step(4)
    kept = state(session, solver.net).kept
    assert kept is not None
    assert kept.iterations == 10
    assert 0 < kept.bytes < kept.limit
    reply = request(session, messages.Rewind(solver.net.id, 4))
    assert reply.iteration == solver.iter == 6
    assert np.array_equal(solver.net.params["ip"][0].const_data, weights)
    curve = request(session, messages.GetHistory(solver.net.id)).curves[0]
    assert curve.at == list(range(6))  # what was undone is gone from the curves
    assert set_(session, solver.net, keep=False).kept is None


def test_what_cannot_be_done_is_said_in_words(session: Session, solver: Solver, net: Net, folder: Path) -> None:
    def words(message: messages.Request) -> str:
        reply = request(session, message)
        assert isinstance(reply, messages.Failed)
        return reply.message

    assert "nothing is kept to go back to" in words(messages.Rewind(solver.net.id, 1))
    assert "no solver drives net 'little'" in words(messages.Rewind(net.id, 1))
    assert "no solver drives net 'little'" in words(messages.SetTraining(net.id, keep=True))
    assert "0 MB may be kept; give more" in words(messages.SetTraining(solver.net.id, keep=True, megabytes=0))
    request(session, messages.SetTraining(solver.net.id, keep=True))
    solver.step(2)
    assert "cannot go back by 3 iterations" in words(messages.Rewind(solver.net.id, 3))
    assert "cannot go back by -1 iterations" in words(messages.Rewind(solver.net.id, -1))


def test_a_net_without_solver_stops_at_nan_too(session: Session, net: Net) -> None:
    assert set_(session, net, stop_at_nan=True).stop_at_nan
    net.params["ip"][1].data[0] = np.nan
    with pytest.raises(NonFiniteError):
        net.forward()
    assert state(session, net).paused == "ip"


def test_options_are_set_while_the_solver_runs(session: Session, solver: Solver) -> None:
    seen: list[bool] = []

    def switch(driven: Solver) -> None:
        if driven.iter == 3:
            seen.append(set_(session, driven.net, stop_at_nan=True, keep=True).stop_at_nan)

    solver.hooks.after_iteration.append(switch)
    solver.step(6)
    assert seen == [True]
    kept = state(session, solver.net).kept
    assert kept is not None
    assert kept.iterations == 3
