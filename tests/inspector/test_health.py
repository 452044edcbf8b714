"""The health strip: how large gradients and updates are, layer by layer, sampled while a panel shows it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
import pytest

from caffe_nb.inspector import health, messages, pieces
from caffe_nb.inspector.messages import HEALTH_BAD, HEALTH_ZERO
from caffe_nb.inspector.session import Session
from caffe_nb.net.net import Net
from caffe_nb.solvers import Solver
from tests.inspector.test_session import request

DEEP = """
net_param { name: "deep"
  layer { name: "data" type: "DummyData" top: "data" top: "label" dummy_data_param {
    shape { dim: 4 dim: 3 } shape { dim: 4 dim: 2 } data_filler { type: "gaussian" std: 1 } } }
  layer { name: "ip1" type: "InnerProduct" bottom: "data" top: "ip1" inner_product_param {
    num_output: 5 weight_filler { type: "xavier" } } }
  layer { name: "relu" type: "ReLU" bottom: "ip1" top: "ip1" }
  layer { name: "frozen" type: "InnerProduct" bottom: "ip1" top: "frozen" param { lr_mult: 0 } param { lr_mult: 0 }
    inner_product_param { num_output: 5 weight_filler { type: "xavier" } } }
  layer { name: "unused" type: "InnerProduct" bottom: "frozen" top: "unused" inner_product_param {
    num_output: 5 weight_filler { type: "xavier" } } }
  layer { name: "quiet" type: "Silence" bottom: "unused" }
  layer { name: "ip2" type: "InnerProduct" bottom: "frozen" top: "ip2" inner_product_param {
    num_output: 2 weight_filler { type: "xavier" } } }
  layer { name: "loss" type: "EuclideanLoss" bottom: "ip2" bottom: "label" top: "loss" }
}
base_lr: 0.1 lr_policy: "fixed" max_iter: 100
"""


@pytest.fixture
def solver(monkeypatch: pytest.MonkeyPatch) -> Solver:
    """A solver whose every iteration is sampled."""
    monkeypatch.setattr(health, "INTERVAL", 0)
    monkeypatch.setattr(health, "SHARE", 0)
    return Solver.from_text(DEEP)


def ask(session: Session, net: Net, measure: pieces.Measure = "tops", **known: Any) -> messages.Health:
    reply = request(session, messages.GetHealth(net.id, measure, **known))
    assert isinstance(reply, messages.Health)
    assert len(msgspec.json.encode(reply)) < messages.MAX_VIEW_BYTES
    return reply


def hooks_of(solver: Solver) -> list[str]:
    every = {**vars(solver.hooks), **vars(solver.net.hooks)}
    return [name for name, hooks in every.items() if hooks and name != "layer_error"]


def values(reply: messages.Health, layer: str) -> list[int]:
    row = [each.name for each in reply.layers].index(layer)
    return [column.values[row] for column in reply.columns]


def expected(part: float, whole: float = 1) -> int:
    return round(100 * math.log10(part / whole))


def test_rows_are_the_layers_with_gradients_and_those_with_parameters_that_learn(
    session: Session, solver: Solver
) -> None:
    rows = {
        measure: [layer.name for layer in ask(session, solver.net, measure).layers] for measure in ("tops", "params")
    }
    assert rows["tops"] == ["ip1", "relu", "frozen", "ip2"]
    assert rows["params"] == ["ip1", "unused", "ip2"]


def test_a_column_holds_the_mean_magnitudes_of_its_iteration(session: Session, solver: Solver) -> None:
    net = solver.net
    ask(session, net)
    seen: dict[str, float] = {}

    def gradients(index: int) -> None:
        if net.nodes[index].name == "ip2":
            blobs = net.nodes[index].layer.blobs
            seen["tops"] = float(np.abs(net.blobs["ip2"].const_diff).mean())
            seen["params"] = np.abs(np.concatenate([b.const_diff.ravel() for b in blobs])).mean()
            seen["weights"] = np.abs(np.concatenate([b.const_data.ravel() for b in blobs])).sum()

    net.hooks.after_backward.append(gradients)
    solver.step(1)
    blobs = net.params["ip2"]
    moved = np.abs(np.concatenate([b.const_diff.ravel() for b in blobs])).sum()
    weights = np.abs(np.concatenate([b.const_data.ravel() for b in blobs])).sum()
    assert values(ask(session, net, "tops"), "ip2") == [expected(seen["tops"])]
    assert values(ask(session, net, "params"), "ip2") == [expected(seen["params"])]
    assert values(ask(session, net, "updates"), "ip2") == [expected(moved, weights)]


def test_an_in_place_layer_has_the_gradient_that_it_got(session: Session, solver: Solver) -> None:
    net = solver.net
    ask(session, net)
    got: list[float] = []
    relu = next(node.index for node in net.nodes if node.name == "relu")

    def before(index: int) -> None:
        if index == relu:
            got.append(float(np.abs(net.blobs["ip1"].const_diff).mean()))

    net.hooks.before_backward.append(before)
    solver.step(1)
    assert values(ask(session, net), "relu") == [expected(got[0])]


def test_dead_and_exploded_layers_have_codes_of_their_own(session: Session, solver: Solver) -> None:
    ask(session, solver.net)
    solver.step(1)
    assert values(ask(session, solver.net, "params"), "unused") == [HEALTH_ZERO]
    solver.net.params["ip2"][0].data[0, 0] = np.nan
    solver.step(1)
    assert values(ask(session, solver.net), "ip1")[-1] == HEALTH_BAD


def test_only_new_columns_travel_and_old_ones_make_room(session: Session, solver: Solver) -> None:
    first = ask(session, solver.net)
    solver.step(3)
    second = ask(session, solver.net, key=first.key, since=0)
    assert [column.iteration for column in second.columns] == [0, 1, 2]
    third = ask(session, solver.net, key=first.key, since=second.columns[-1].number)
    assert third.columns == []
    solver.step(health.MOST_COLUMNS + 50)
    assert len(ask(session, solver.net).columns) == health.MOST_COLUMNS


def test_hooks_are_there_only_while_somebody_looks(
    session: Session, solver: Solver, monkeypatch: pytest.MonkeyPatch
) -> None:
    solver.step(1)
    assert hooks_of(solver) == []
    ask(session, solver.net)
    solver.step(1)
    assert "before_iteration" in hooks_of(solver)
    monkeypatch.setattr(health, "PATIENCE", -1)
    ask(session, solver.net)
    solver.step(2)
    assert hooks_of(solver) == []


def test_between_samples_the_net_is_left_alone(
    session: Session, solver: Solver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "INTERVAL", 1000)
    ask(session, solver.net)
    solver.step(1)
    seen: list[list[str]] = []
    solver.net.hooks.between_layers.append(lambda: seen.append(hooks_of(solver)))
    solver.step(1)
    assert {name for names in seen for name in names} == {"before_iteration", "between_layers"}
    assert len(ask(session, solver.net).columns) == 1


def test_a_test_net_and_a_net_without_solver_have_none(session: Session, net: Net) -> None:
    assert ask(session, net).key == ""


@pytest.mark.parametrize(
    ("array", "mean"),
    [
        (np.full(10, -2.0, np.float32), 2.0),
        (np.full(1_000_000, 3.0, np.float32), 3.0),
        (np.zeros(0, np.float32), 0.0),
        (np.full(10, 3e38, np.float32), 3e38),
    ],
)
def test_large_blobs_are_measured_by_a_part_of_them(array: np.ndarray, mean: float) -> None:
    total, count = health.size([array])
    assert count == array.size
    assert total / max(count, 1) == pytest.approx(mean, rel=0.02)


def test_a_large_blob_with_one_element_off_zero_is_not_dead() -> None:
    array = np.zeros(1_000_000, np.float32)
    array[1] = 1e-3
    assert health.size([array])[0] == pytest.approx(1e-3)


@pytest.mark.parametrize(
    ("part", "whole", "code"),
    [(1, 1, 0), (0, 5, HEALTH_ZERO), (1, 0, HEALTH_BAD), (math.nan, 1, HEALTH_BAD), (math.inf, 1, HEALTH_BAD)],
)
def test_quotients_have_a_code(part: float, whole: float, code: Callable[[], int]) -> None:
    assert health.code(part, whole) == code
