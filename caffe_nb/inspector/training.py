"""What the panel asks about a training, and changes in it."""

from __future__ import annotations

import math
from typing import Literal, assert_never

from caffe_nb.distributed.overview import RankRow, overview
from caffe_nb.errors import SolverError
from caffe_nb.inspector import messages, training_messages
from caffe_nb.inspector.book import Book
from caffe_nb.inspector.describe import find_net, is_running, solver_of
from caffe_nb.inspector.mailbox import ask
from caffe_nb.net.net import Net
from caffe_nb.solvers import Solver, finite, rewind

Request = (
    training_messages.GetHistory
    | training_messages.GetHealth
    | training_messages.GetLayerHealth
    | training_messages.SetTraining
    | training_messages.Rewind
)

MOST_RANKS = 512
"""Most ranks that the panel is told of."""
LAYER_PATIENCE = 5.0
"""Seconds that a running net has to say how its layers are."""

_VALUES: dict[bool, Literal["+Inf", "-Inf"]] = {True: "+Inf", False: "-Inf"}


def answer(request: Request, book: Book) -> messages.Reply:
    """Return the reply to a request about the training of a net."""
    net = find_net(request.net)
    match request:
        case training_messages.GetHistory():
            return _history(net, request, book)
        case training_messages.GetHealth():
            return _health(net, request, book)
        case training_messages.GetLayerHealth():
            return _layer_health(net, request, book)
        case training_messages.SetTraining():
            ask(net, lambda: _set(net, request))  # between two layers: a running net goes through its hooks
        case training_messages.Rewind():
            rewind.rewind(_solver(net), request.iterations)
        case _:
            assert_never(request)
    solver = solver_of(net)
    return training_messages.TrainingState(net=net.id, iteration=solver.iter if solver else 0, training=state(net))


def state(net: Net) -> training_messages.Training:
    """Return what is switched on for the training of a net, and what came of it."""
    solver = solver_of(net)
    trained = solver.net if solver else net
    kept, paused = rewind.kept(solver) if solver else None, trained.paused
    return training_messages.Training(
        stop_at_nan=finite.stops_at_nan(trained),
        bad=_bad(finite.first_bad(trained)),
        kept=training_messages.KeptIterations(kept.iterations, kept.most, kept.bytes, kept.limit) if kept else None,
        paused=paused.layer if paused else "",
        ranks=[_rank(row) for row in overview(solver)[:MOST_RANKS]] if solver else [],
    )


def _rank(row: RankRow) -> training_messages.Rank:
    return training_messages.Rank(row.name, row.loss if math.isfinite(row.loss) else None, row.seconds, row.wait)


def _history(net: Net, request: training_messages.GetHistory, book: Book) -> training_messages.History:
    solver, training = solver_of(net), state(net)
    if solver is None:
        return training_messages.History(net=net.id, key="", iteration=0, curves=[], more=False, training=training)
    history = book.histories.of(solver)
    history.cut(solver)
    same = request.key == history.key
    known = {each.curve: (each.generation, each.stamp) for each in request.known} if same else {}
    curves, more = history.since(known)
    return training_messages.History(
        net=net.id, key=history.key, iteration=solver.iter, curves=curves, more=more, training=training
    )


def _health(net: Net, request: training_messages.GetHealth, book: Book) -> training_messages.Health:
    solver, measure = solver_of(net), request.measure
    if solver is None or solver.net is not net:  # a test net has no gradients
        return training_messages.Health(net=net.id, key="", measure=measure, layers=[], columns=[], more=False)
    health = book.healths.of(solver)
    layers, columns, more = health.ask(solver, measure, request.key, request.since)
    return training_messages.Health(
        net=net.id, key=health.key, measure=measure, layers=layers, columns=columns, more=more
    )


def _layer_health(net: Net, request: training_messages.GetLayerHealth, book: Book) -> training_messages.LayerHealth:
    sweep, hurry = book.record(net).sweep, is_running(net)
    bad, gradients, whole = ask(net, lambda: sweep.look(net, gradients=request.gradients, hurry=hurry), LAYER_PATIENCE)
    return training_messages.LayerHealth(net=net.id, bad=bad, gradients=gradients, whole=whole)


def _set(net: Net, request: training_messages.SetTraining) -> None:
    solver = solver_of(net)
    if request.stop_at_nan is not None:
        finite.stop_at_nan(solver or net, request.stop_at_nan)
    if request.keep is not None:
        rewind.keep_iterations(_solver(net), request.keep, megabytes=request.megabytes)


def _solver(net: Net) -> Solver:
    solver = solver_of(net)
    if solver is None:
        raise SolverError(f"no solver drives net '{net.name}'; there are no iterations to keep")
    return solver


def _bad(bad: finite.Bad | None) -> training_messages.BadTensor | None:
    if bad is None:
        return None
    return training_messages.BadTensor(
        layer=bad.layer,
        name=bad.name,
        blob=bad.blob,
        part="diff" if bad.part == "diff" else "data",
        index=list(bad.index),
        value="NaN" if math.isnan(bad.value) else _VALUES[bad.value > 0],
        count=bad.count,
        method=bad.method,
        iteration=bad.iteration,
    )
