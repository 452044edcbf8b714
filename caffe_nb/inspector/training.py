"""What the panel asks about a training."""

from __future__ import annotations

from typing import assert_never

from caffe_nb.inspector import messages
from caffe_nb.inspector.book import Book
from caffe_nb.inspector.describe import find_net, solver_of
from caffe_nb.net.net import Net

Request = messages.GetHistory | messages.GetHealth


def answer(request: Request, book: Book) -> messages.Reply:
    """Return the reply to a request about the training of a net."""
    net = find_net(request.net)
    match request:
        case messages.GetHistory():
            return _history(net, request, book)
        case messages.GetHealth():
            return _health(net, request, book)
        case _:
            assert_never(request)


def _history(net: Net, request: messages.GetHistory, book: Book) -> messages.History:
    solver = solver_of(net)
    if solver is None:
        return messages.History(net=net.id, key="", iteration=0, curves=[], more=False)
    history = book.histories.of(solver)
    history.cut(solver)
    same = request.key == history.key
    known = {each.curve: (each.generation, each.stamp) for each in request.known} if same else {}
    curves, more = history.since(known)
    return messages.History(net=net.id, key=history.key, iteration=solver.iter, curves=curves, more=more)


def _health(net: Net, request: messages.GetHealth, book: Book) -> messages.Health:
    solver, measure = solver_of(net), request.measure
    if solver is None or solver.net is not net:  # a test net has no gradients
        return messages.Health(net=net.id, key="", measure=measure, layers=[], columns=[], more=False)
    health = book.healths.of(solver)
    layers, columns, more = health.ask(solver, measure, request.key, request.since)
    return messages.Health(net=net.id, key=health.key, measure=measure, layers=layers, columns=columns, more=more)
