"""stop_at_nan: a run stops at the layer where a NaN or an infinity is born, and goes on from there."""

from __future__ import annotations

import numpy as np
import pytest

import caffe_nb
from caffe_nb import rng
from caffe_nb.net import Net
from caffe_nb.solvers import Solver
from caffe_nb.solvers.finite import NonFiniteError, first_bad, spoilt, stop_at_nan, stops_at_nan

NET = """
name: "little"
layer { name: "data" type: "DummyData" top: "data" top: "label" dummy_data_param {
  shape { dim: 4 dim: 3 } shape { dim: 4 dim: 2 } data_filler { type: "gaussian" std: 1 } } }
layer { name: "ip1" type: "InnerProduct" bottom: "data" top: "ip1" inner_product_param {
  num_output: 3 weight_filler { type: "xavier" } } }
layer { name: "drop" type: "Dropout" bottom: "ip1" top: "ip1" }
layer { name: "scale" type: "Power" bottom: "ip1" top: "scaled" power_param { scale: 2 } }
layer { name: "ip2" type: "InnerProduct" bottom: "scaled" top: "ip2" inner_product_param {
  num_output: 2 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "EuclideanLoss" bottom: "ip2" bottom: "label" top: "loss" }
"""


def make(more: str = "") -> Solver:
    rng.set_random_seed(3)
    return Solver.from_text(
        f'net_param {{ {NET} }} base_lr: 0.05 momentum: 0.9 lr_policy: "fixed" max_iter: 100 random_seed: 3 {more}'
    )


@pytest.fixture
def solver() -> Solver:
    made = make()
    stop_at_nan(made)
    return made


def spoil(net: Net, layer: str, method: str, value: float = np.nan) -> None:
    """Let a layer write a value that is not finite, as its next calls of a method."""
    node = next(node for node in net.nodes if node.name == layer)
    right = getattr(node.layer, method)
    flat = node.tops[0].shape[1] if method == "forward" else node.bottoms[0].shape[1]  # the place (1, 0)

    def wrong(first: list, *rest: list) -> None:
        right(first, *rest)
        if method == "forward":
            rest[0][0].data.flat[flat] = value
        else:
            rest[1][0].diff.flat[flat] = value

    setattr(node.layer, method, wrong)


def mend(net: Net) -> None:
    for node in net.nodes:
        vars(node.layer).pop("forward", None)
        vars(node.layer).pop("backward", None)


def weights(solver: Solver) -> list[np.ndarray]:
    return [blob.const_data.copy() for blob in solver.net.learnable_params]


def stop(solver: Solver) -> NonFiniteError:
    with pytest.raises(NonFiniteError) as caught:
        solver.step(5)
    return caught.value


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_forward_stops_at_the_layer_whose_top_is_bad(solver: Solver, value: float) -> None:
    solver.step(2)
    spoil(solver.net, "scale", "forward", value)
    error = stop(solver)
    bad = error.bad
    assert (bad.name, bad.blob, bad.part, bad.index, bad.method, bad.iteration) == (
        "scale",
        "top 'scaled'",
        "data",
        (1, 0),
        "forward",
        2,
    )
    assert str(error).startswith("layer 'scale' (Power), line 8 of <string>: ")
    assert "at [1, 0] of top 'scaled' after the forward of iteration 2" in str(error)
    assert "it was born here" in str(error)
    assert solver.net.paused is not None
    assert solver.net.paused.layer == "scale"
    assert first_bad(solver.net) == bad


def test_a_backward_stops_at_the_layer_that_wrote_a_bad_diff(solver: Solver) -> None:
    spoil(solver.net, "ip2", "backward")
    bad = stop(solver).bad
    assert (bad.name, bad.blob, bad.part, bad.method) == ("ip2", "bottom 'scaled'", "diff", "backward")
    assert solver.net.paused is not None
    assert solver.net.paused.method == "backward"


def test_after_the_mend_the_run_goes_on_as_if_nothing_had_been(solver: Solver) -> None:
    undisturbed = make()
    undisturbed.step(5)
    for layer, method in (("scale", "forward"), ("ip2", "forward"), ("scale", "backward"), ("ip2", "backward")):
        other = make()
        stop_at_nan(other)
        spoil(other.net, layer, method)
        error = stop(other)
        mend(other.net)
        other.step(5)
        assert first_bad(other.net) is None, error
        assert all(map(np.array_equal, weights(other), weights(undisturbed))), (layer, method)


def test_with_several_passes_an_iteration_begins_anew_after_a_bad_backward() -> None:
    solver = make("iter_size: 2")
    stop_at_nan(solver)
    spoil(solver.net, "ip2", "backward")
    stop(solver)
    assert solver.net.paused is None
    mend(solver.net)
    solver.step(2)
    assert solver.iter == 2


def test_a_bad_batch_is_left_behind(solver: Solver) -> None:
    spoil(solver.net, "data", "forward")
    error = stop(solver)
    assert "it is in the data" in str(error)
    mend(solver.net)
    solver.step(3)
    assert solver.iter == 3


def test_an_update_that_overflows_is_named_with_its_parameter(solver: Solver) -> None:
    solver.step(1)
    solver.param.base_lr = 3e38
    solver.net.blobs["label"].data[...] = 1e4
    solver.net.nodes[0].layer.forward = lambda bottom, top: None  # type: ignore[method-assign]
    error = stop(solver)
    assert error.bad.method == "update"
    assert error.bad.blob.startswith("parameter")
    assert "lower base_lr" in str(error)


def test_a_bad_parameter_is_told_as_the_cause(solver: Solver) -> None:
    solver.net.params["ip2"][0].data[0, 0] = np.nan
    error = stop(solver)
    assert error.bad.name == "ip2"
    assert "Parameter 0 of the layer is not finite" in str(error)


def test_a_scalar_has_no_index(solver: Solver) -> None:
    loss = solver.net.nodes[-1].layer
    loss.forward = lambda bottom, top: top[0].data.fill(np.nan)  # type: ignore[method-assign]
    assert "NaN in top 'loss' after the forward of iteration 0. All that" in str(stop(solver))


def test_listeners_hear_of_it_as_of_any_layers_error(solver: Solver) -> None:
    heard: list[tuple[int, str]] = []
    solver.net.hooks.layer_error.append(lambda index, method, error: heard.append((index, method)))
    spoil(solver.net, "scale", "forward")
    stop(solver)
    assert [(solver.net.nodes[index].name, method) for index, method in heard] == [("scale", "forward")]


def test_off_it_costs_nothing_and_the_run_goes_on_as_caffes(solver: Solver) -> None:
    other = make()  # with the hooks of whoever looks at every solver
    assert stops_at_nan(solver.net)
    stop_at_nan(solver, on=False)
    assert not stops_at_nan(solver.net)
    assert solver.net.hooks.after_forward == solver.net.hooks.after_backward == []
    assert len(solver.hooks.after_iteration) == len(other.hooks.after_iteration)
    spoil(solver.net, "scale", "forward")
    solver.step(2)
    assert np.isnan(solver.loss)


def test_a_net_by_itself_can_be_watched_and_resumed() -> None:
    net = Net.from_text(NET)
    caffe_nb.stop_at_nan(net)
    spoil(net, "ip2", "forward")
    with pytest.raises(NonFiniteError, match="after the forward") as caught:
        net.forward_backward()
    assert caught.value.bad.iteration is None
    mend(net)
    assert np.isfinite(net.resume())


def test_twice_on_is_on_and_anything_else_is_refused(solver: Solver) -> None:
    stop_at_nan(solver)
    assert len(solver.net.hooks.after_forward) == 1
    with pytest.raises(TypeError, match="takes a solver or a net, got str"):
        stop_at_nan("net")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("array", "bad"),
    [
        (np.full(10, 3e38, np.float32), False),  # whose sum is infinite
        (np.array([np.inf, -np.inf]), True),
        (np.array([1, np.nan], np.float32), True),
        (np.zeros(0, np.float32), False),
        (np.array([1, 2]), False),
        (np.float32(np.nan).reshape(()), True),
    ],
)
def test_what_counts_as_spoilt(array: np.ndarray, bad: bool) -> None:
    assert spoilt(array) == bad
