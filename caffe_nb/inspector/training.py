"""What the panel asks about a training."""

from __future__ import annotations

from caffe_nb.inspector import messages
from caffe_nb.inspector.book import Book
from caffe_nb.inspector.describe import find_net, solver_of


def answer(request: messages.GetHistory, book: Book) -> messages.Reply:
    """Return the reply to a request about the training of a net."""
    net = find_net(request.net)
    solver = solver_of(net)
    if solver is None:
        return messages.History(net=net.id, key="", iteration=0, curves=[], more=False)
    history = book.histories.of(solver)
    history.cut(solver)
    same = request.key == history.key
    known = {each.curve: (each.generation, each.stamp) for each in request.known} if same else {}
    curves, more = history.since(known)
    return messages.History(net=net.id, key=history.key, iteration=solver.iter, curves=curves, more=more)
