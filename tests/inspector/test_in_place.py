"""What a layer leaves in a blob is shown as its own, also where another layer works in place on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import numpy as np
import pytest

from caffe_nb.inspector import in_place, messages, pieces
from caffe_nb.inspector.session import Session
from caffe_nb.net.net import Net
from caffe_nb.solvers import Solver

CHAIN = """
layer {{ name: "data" type: "DummyData" top: "x" top: "label" dummy_data_param {{
  shape {{ dim: 8 dim: 2 dim: 6 dim: 6 }} shape {{ dim: 8 dim: 3 dim: 4 dim: 4 }}
  data_filler {{ type: "gaussian" }} data_filler {{ type: "gaussian" }} }} }}
layer {{ name: "conv" type: "Convolution" bottom: "x" top: "conv" convolution_param {{
  num_output: 3 kernel_size: 3 weight_filler {{ type: "xavier" }} }} }}
layer {{ name: "relu" type: "ReLU" bottom: "conv" top: "{relu}" }}
layer {{ name: "twice" type: "Power" bottom: "{relu}" top: "{twice}" power_param {{ scale: 2 }} }}
layer {{ name: "loss" type: "EuclideanLoss" bottom: "{twice}" bottom: "label" top: "loss" }}
"""
IN_PLACE = CHAIN.format(relu="conv", twice="conv")
APART = CHAIN.format(relu="relu", twice="twice")
SOLVER = 'base_lr: 0.01 lr_policy: "fixed" max_iter: 1000000 net_param { %s }'
TOPS = ("conv", "relu", "twice")
"""The layers that write the blob `conv`, or in the other net each its own."""


@pytest.fixture
def net() -> Net:
    return Net.from_text(IN_PLACE)


@pytest.fixture
def twin(net: Net) -> Net:
    """The same without a layer in place, on the same batch: the numbers that are right."""
    twin = Net.from_text(APART)
    for mine, its in zip(twin.params["conv"], net.params["conv"], strict=True):
        mine.data[...] = its.data
    return twin


def run(net: Net, twin: Net) -> None:
    """Run a pass there and back of both on the same new batch."""
    net.forward()
    twin.forward(end="data")
    for name in ("x", "label"):
        twin.blobs[name].data[...] = net.blobs[name].data
    twin.forward(start="conv")
    for each in (net, twin):
        each.backward()


def refs(session: Session, net: Net) -> dict[str, str]:
    """Return by what the panel asks for each layer's top."""
    data, _ = session.handle({"id": 1, "request": msgspec.to_builtins(messages.GetGraph(net.id))})
    graph = msgspec.convert(data["reply"], messages.Graph)
    return {node.name: node.tops[0].ref for node in graph.nodes}


def look(session: Session, net: Net, *wanted: tuple[str, pieces.Part]) -> list[tuple[str, np.ndarray]]:
    """Return the note and the values of each layer's top, read in one request."""
    ref = refs(session, net)
    looks = [pieces.Look(ref[name], part, axes=[0, 2, 3]) for name, part in wanted]
    request = {"id": 2, "request": msgspec.to_builtins(messages.GetTensors(net.id, looks))}
    data, buffers = session.handle(request)
    views = msgspec.convert(data["reply"], messages.Tensors).views
    found = []
    for view, buffer in zip(views, buffers, strict=True):
        assert isinstance(view, messages.Tensor)
        found.append((view.note, np.frombuffer(buffer, "<f4").reshape(view.tiles, view.rows, view.cols)))
    return found


def right(twin: Net, name: str, part: pieces.Part) -> np.ndarray:
    """Return what a view of a layer's top has to show: the first channel."""
    return np.asarray(getattr(twin.blobs[name], part))[:, 0]


def listeners(net: Net) -> int:
    hooks = net.hooks
    return sum(map(len, (hooks.after_forward, hooks.before_backward, hooks.after_backward, hooks.between_layers)))


EACH: list[tuple[str, pieces.Part]] = [(name, part) for name in TOPS for part in ("data", "diff")]


def test_each_layer_of_a_chain_shows_what_it_left_and_what_came_back_to_that(
    session: Session, net: Net, twin: Net
) -> None:
    look(session, net, *EACH)
    for _ in range(2):
        run(net, twin)
        for (note, values), (name, part) in zip(look(session, net, *EACH), EACH, strict=True):
            assert note == "", (name, part)
            assert np.array_equal(values, right(twin, name, part)), (name, part)


def test_what_nobody_looked_at_when_it_came_by_is_shown_as_it_is_now_and_says_so(
    session: Session, net: Net, twin: Net
) -> None:
    run(net, twin)
    shown = dict(zip(EACH, look(session, net, *EACH), strict=True))
    assert shown["twice", "data"][0] == shown["conv", "diff"][0] == ""
    for name in ("conv", "relu"):
        note, values = shown[name, "data"]
        assert f"has written over what {name} left" in note
        assert np.array_equal(values, right(twin, "twice", "data"))
    for name in ("relu", "twice"):
        note, values = shown[name, "diff"]
        assert f"{name} works in place, and its backward has written over the diff of its top" in note
        assert np.array_equal(values, right(twin, "conv", "diff"))


def test_copies_of_an_earlier_pass_are_not_shown_as_those_of_this_one(session: Session, net: Net, twin: Net) -> None:
    look(session, net, *EACH)
    run(net, twin)
    run(net, twin)  # nobody asked in between, so nothing was copied
    notes = dict(zip(EACH, (note for note, _ in look(session, net, *EACH)), strict=True))
    assert {what for what, note in notes.items() if note} == {
        ("conv", "data"),
        ("relu", "data"),
        ("relu", "diff"),
        ("twice", "diff"),
    }


def test_between_two_layers_there_is_no_need_of_a_copy(session: Session, net: Net, twin: Net) -> None:
    run(net, twin)
    net.forward(end="conv")
    [(note, values)] = look(session, net, ("conv", "data"))
    assert note == ""
    assert values.min() < 0
    net.forward(start="relu")
    net.backward(end="loss")
    [(note, values)] = look(session, net, ("twice", "diff"))
    assert note == ""
    assert values.any()


def test_a_net_is_listened_to_only_until_the_values_have_come_by(session: Session, net: Net, twin: Net) -> None:
    look(session, net, *EACH)
    assert listeners(net) == 3
    run(net, twin)
    assert listeners(net) == 0
    look(session, net, *EACH)
    session.book.record(net).passing.close()
    assert listeners(net) == 0


@pytest.fixture
def training(background: Callable[[Callable[[], object]], Any]) -> Iterator[Solver]:
    solver = Solver.from_text(SOLVER % IN_PLACE)
    stop: list[bool] = []
    background(lambda: [solver.step(1) for _ in iter(lambda: not stop, False)])
    yield solver
    stop.append(True)


def test_while_a_solver_runs_all_are_of_the_same_pass(session: Session, training: Solver) -> None:
    net = training.net
    for _ in range(20):
        shown = dict(zip(EACH, look(session, net, *EACH), strict=True))
        assert {note for note, _ in shown.values()} == {""}
        conv, relu, twice = (shown[name, "data"][1] for name in TOPS)
        assert conv.min() < 0
        assert np.array_equal(relu, np.maximum(conv, 0))
        assert np.array_equal(twice, 2 * relu)
        conv, relu, twice = (shown[name, "diff"][1] for name in TOPS)
        assert twice.any()
        assert np.array_equal(relu, 2 * twice)
        assert np.array_equal(conv, np.where(shown["conv", "data"][1] > 0, relu, 0))


def test_values_alone_are_of_the_same_pass_too(session: Session, training: Solver) -> None:
    for _ in range(50):
        shown = look(session, training.net, *[(name, "data") for name in TOPS])
        assert {note for note, _ in shown} == {""}
        conv, relu, twice = (values for _, values in shown)
        assert conv.min() < 0
        assert np.array_equal(relu, np.maximum(conv, 0))
        assert np.array_equal(twice, 2 * relu)


def test_a_layer_that_has_not_worked_on_a_blob_yet_says_so(session: Session, net: Net, twin: Net) -> None:
    run(net, twin)
    net.forward(end="conv")
    [(note, _)] = look(session, net, ("twice", "data"))
    assert note == "conv has run again, and twice has not worked on it yet."
    net.forward(start="relu")
    net.backward(end="twice")
    [(note, _)] = look(session, net, ("conv", "diff"))
    assert note == "relu works in place, and its backward has not run yet."


def test_the_distribution_is_that_of_the_same_values(session: Session, training: Solver) -> None:
    ref = refs(session, training.net)
    for name, lowest in (("conv", False), ("relu", True)):
        request = messages.GetDistribution(training.net.id, ref[name], "data")
        data, _ = session.handle({"id": 3, "request": msgspec.to_builtins(request)})
        assert (msgspec.convert(data["reply"], messages.Distribution).statistics.min >= 0) is lowest


def test_of_a_blob_too_large_to_copy_there_is_what_the_last_layer_made_of_it(
    session: Session, net: Net, twin: Net, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(in_place, "MOST_BYTES", 8 * 3 * 4 * 4 * 4 - 1)
    look(session, net, *EACH)
    assert listeners(net) == 0
    run(net, twin)
    [(note, values)] = look(session, net, ("conv", "data"))
    assert "too much to make" in note
    assert np.array_equal(values, right(twin, "twice", "data"))


@pytest.mark.parametrize("ref", ["left:", "left:1", "left:x:conv", "left:-1:conv", "left:99:conv", "left:0:conv"])
def test_a_wrong_reference_gets_words(session: Session, net: Net, ref: str) -> None:
    request = messages.GetTensors(net.id, [pieces.Look(ref, "data")])
    data, _ = session.handle({"id": 2, "request": msgspec.to_builtins(request)})
    [view] = msgspec.convert(data["reply"], messages.Tensors).views
    assert isinstance(view, messages.Failed)
    assert view.message
