"""The curves of a training, kept by the kernel for whoever comes to look."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import msgspec
import pytest

from caffe_nb.inspector import messages, training_messages
from caffe_nb.inspector.history import MOST_POINTS, MOST_SENT, Series
from caffe_nb.inspector.session import Session
from caffe_nb.net.net import Net
from caffe_nb.solvers import Solver
from tests.inspector.test_session import request

TESTED = """
net_param { name: "tested"
  layer { name: "data" type: "DummyData" top: "data" top: "label" dummy_data_param {
    shape { dim: 4 dim: 3 } shape { dim: 4 } data_filler { type: "gaussian" } data_filler { type: "constant" } } }
  layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip" inner_product_param {
    num_output: 2 weight_filler { type: "xavier" } } }
  layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }
  layer { name: "acc" type: "Accuracy" bottom: "ip" bottom: "label" top: "accuracy" }
}
base_lr: 0.1 lr_policy: "step" stepsize: 4 gamma: 0.5 test_iter: 2 test_interval: 3 max_iter: 100
"""


class Reader:
    """A panel: asks for what is new and puts it together."""

    def __init__(self, session: Session, net: Net) -> None:
        self.session, self.net, self.key = session, net, ""
        self.curves: dict[str, dict[int, tuple[Any, ...]]] = {}
        self.known: dict[str, training_messages.Known] = {}
        self.received = 0

    def read(self) -> messages.History:
        while True:
            message = messages.GetHistory(self.net.id, self.key, list(self.known.values()))
            reply = request(self.session, message)
            assert len(msgspec.json.encode(reply)) < messages.MAX_VIEW_BYTES
            if reply.key != self.key:
                self.curves.clear()
            self.key = reply.key
            for curve in reply.curves:
                points = self.curves.setdefault(curve.id, {})
                if curve.whole:
                    points.clear()
                points.update(
                    {x: p for x, *p in zip(curve.at, curve.means, curve.lows, curve.highs, strict=True)}  # type: ignore[misc]
                )
                self.known[curve.id] = training_messages.Known(curve.id, curve.generation, curve.stamp)
                self.received += len(curve.at)
            if not reply.more:
                return reply

    def at(self, curve: str) -> list[int]:
        return sorted(self.curves[curve])

    def means(self, curve: str) -> list[float]:
        return [self.curves[curve][x][0] for x in self.at(curve)]


@pytest.fixture
def tested() -> Solver:
    return Solver.from_text(TESTED)


def filled(count: int) -> Series:
    series = Series("loss", "loss")
    for iteration in range(count):
        series.add(iteration, float(iteration), iteration + 1)
    return series


def test_a_kernel_where_nobody_looked_notes_nothing(session: Session, tested: Solver) -> None:
    tested.step(2)
    assert tested.hooks.after_iteration == []
    assert tested.hooks.after_test == []
    assert request(session, messages.ListNets()).nets
    assert tested.hooks.after_iteration == []


def test_from_the_first_look_on_every_solver_is_noted_also_when_nobody_looks_any_more(
    session: Session, tested: Solver
) -> None:
    session.show(tested.net)
    later = Solver.from_text(TESTED)
    for solver in (tested, later):
        solver.step(5)
        reader = Reader(session, solver.net)
        reader.read()
        assert reader.at("loss:0:loss") == [0, 1, 2, 3, 4]


def test_loss_rate_and_scalar_tops_are_curves(session: Session, tested: Solver) -> None:
    session.show(tested.net)
    losses = []
    tested.hooks.after_iteration.append(lambda solver: losses.append(solver.loss))
    tested.step(7)
    reader = Reader(session, tested.net)
    reply = reader.read()
    assert [(curve.kind, curve.name) for curve in reply.curves if curve.kind != "test"] == [
        ("loss", "loss"),
        ("rate", "learning rate"),
        ("train", "accuracy"),
    ]
    assert reader.means("loss:0:loss") == pytest.approx(losses)
    assert reader.means("rate:0:learning rate") == pytest.approx([0.1] * 4 + [0.05] * 3)
    assert reader.at("test:0:accuracy") == [0, 3, 6]
    assert reader.at("test:0:loss") == [0, 3, 6]
    assert reply.iteration == 7


def test_who_looks_after_the_run_gets_its_losses_and_tests_from_the_start(session: Session, tested: Solver) -> None:
    losses = []
    tested.hooks.after_iteration.append(lambda solver: losses.append(solver.loss))
    tested.step(7)
    session.show(tested.net)
    reader = Reader(session, tested.net)
    reader.read()
    assert reader.at("loss:0:loss") == list(range(7))
    assert reader.means("loss:0:loss") == pytest.approx(losses)
    assert reader.at("test:0:accuracy") == [0, 3, 6]
    tested.step(3)
    reader.read()
    assert reader.at("loss:0:loss") == list(range(10))
    assert reader.at("train:0:accuracy") == [7, 8, 9]  # the solver itself keeps no more than loss and tests
    assert reader.at("test:0:accuracy") == [0, 3, 6, 9]


def test_a_long_run_that_nobody_watched_is_whole_and_goes_on_in_the_same_stretches(
    session: Session, tested: Solver
) -> None:
    for iteration in range(100_000):
        tested.losses.add(iteration, float(iteration), 1)
    tested.go_back(100_000)
    session.show(tested.net)
    history = session._book.histories.of(tested)
    for iteration in range(100_000, 101_000):
        tested.go_back(iteration + 1)
        history._note(iteration, [("loss", "loss", float(iteration))])
    reader = Reader(session, tested.net)
    reader.read()
    points = reader.curves["loss:0:loss"]
    assert min(low for _, low, _ in points.values()) == 0
    assert max(high for _, _, high in points.values()) == 100_999
    assert reader.means("loss:0:loss") == sorted(reader.means("loss:0:loss"))
    assert len(points) < 1_200


def test_a_test_net_shows_the_curves_of_its_solver(session: Session, tested: Solver) -> None:
    session.show(tested.net)
    tested.step(2)
    reader = Reader(session, tested.test_nets[0])
    reader.read()
    assert reader.at("loss:0:loss") == [0, 1]


def test_a_net_without_a_solver_has_no_curves(session: Session, net: Net) -> None:
    reply = request(session, messages.GetHistory(net.id))
    assert (reply.key, reply.curves) == ("", [])


def test_only_what_is_new_travels(session: Session, tested: Solver) -> None:
    session.show(tested.net)
    reader = Reader(session, tested.net)
    tested.step(50)
    reader.read()
    before = reader.received
    reader.read()
    assert reader.received == before
    tested.step(1)
    reader.read()
    assert reader.received == before + 3
    assert reader.at("loss:0:loss") == list(range(51))


def test_who_comes_again_with_the_key_of_another_history_gets_all_of_this_one(session: Session, tested: Solver) -> None:
    session.show(tested.net)
    tested.step(5)
    reader = Reader(session, tested.net)
    reader.key, reader.known = "gone", {"loss:0:loss": training_messages.Known("loss:0:loss", 1, 99)}
    reader.read()
    assert reader.at("loss:0:loss") == [0, 1, 2, 3, 4]


def test_a_solver_that_goes_back_begins_its_curves_anew_from_there(
    session: Session, tested: Solver, tmp_path: Path
) -> None:
    session.show(tested.net)
    reader = Reader(session, tested.net)
    tested.step(5)
    tested.param.snapshot_prefix = str(tmp_path / "s")
    state = tested.snapshot()
    tested.step(10)
    reader.read()
    tested.restore(state)
    reader.read()
    assert reader.at("loss:0:loss") == [0, 1, 2, 3, 4]
    tested.step(2)
    reader.read()
    assert reader.at("loss:0:loss") == list(range(7))
    assert reader.at("test:0:loss") == [0, 3, 6]


@pytest.mark.parametrize("count", [3, MOST_POINTS, MOST_POINTS + 1, 100_000, 333_333])
def test_a_curve_of_any_length_is_bounded_and_loses_no_extreme(count: int) -> None:
    series = filled(count)
    assert len(series) <= MOST_POINTS
    assert len(series) >= min(count, MOST_POINTS // 2)
    curve = series.since(0, 0, MOST_POINTS)
    assert curve.at == sorted(set(curve.at))
    assert (curve.lows[0], curve.highs[-1]) == (0, count - 1)
    ends = [*curve.at[1:], count]
    assert curve.lows == curve.at
    assert curve.highs == [end - 1 for end in ends]
    assert curve.means == pytest.approx([(start + end - 1) / 2 for start, end in zip(curve.at, ends, strict=True)])


def test_what_is_not_finite_is_a_hole_and_spoils_no_other_value() -> None:
    series = filled(MOST_POINTS)
    for value in (math.nan, 7.0, math.inf, math.nan):
        series.add(series.since(0, 0, 9999).at[-1] + 2, value, MOST_POINTS + 2)
    curve = series.since(0, 0, MOST_POINTS)
    assert curve.means[-2:] == [7.0, None]


def test_a_long_history_comes_in_several_answers_and_whole(session: Session, tested: Solver) -> None:
    session.show(tested.net)
    history = session._book.histories.of(tested)
    tested.step(1)
    tested._iter = 3 * MOST_SENT
    for iteration in range(1, 3 * MOST_SENT):
        values = [("train", f"top {i}", float(iteration)) for i in range(4)]
        history._note(iteration, [("loss", "loss", 1.0), *values])
    reader = Reader(session, tested.net)
    reader.read()
    assert all(len(reader.at(f"train:0:top {i}")) >= MOST_POINTS // 2 for i in range(4))
    assert reader.curves["train:0:top 3"][reader.at("train:0:top 3")[-1]][2] == 3 * MOST_SENT - 1


@pytest.mark.parametrize(
    "known",
    [
        [training_messages.Known("loss:0:loss", -5, 10**18)],
        [training_messages.Known("loss:0:loss", 1, -1)],
        [training_messages.Known("<b>", 0, 0)] * 1000,
    ],
)
def test_nothing_that_a_request_says_is_trusted(
    session: Session, tested: Solver, known: list[training_messages.Known]
) -> None:
    session.show(tested.net)
    tested.step(2)
    first = request(session, messages.GetHistory(tested.net.id))
    reply = request(session, messages.GetHistory(tested.net.id, first.key, known))
    assert isinstance(reply, messages.History)
