"""The step loop: rates, tests, snapshots, callbacks, stopping, and errors in words."""

import logging
import math

import numpy as np
import pytest

from caffe_nb.core.layer import Phase
from caffe_nb.errors import CaffeError, FormatError, SolverError
from caffe_nb.net import Net
from caffe_nb.proto import caffe_pb2
from caffe_nb.solvers import SGDSolver, Solver, get_solver, live_solvers
from caffe_nb.solvers.lr_policy import POLICIES, learning_rate

NET = """
layer { name: "x" type: "DummyData" top: "x" top: "t" dummy_data_param {
  shape { dim: 8 dim: 3 } shape { dim: 8 dim: 2 }
  data_filler { type: "gaussian" } data_filler { type: "constant" value: 1 } } }
layer { name: "ip" type: "InnerProduct" bottom: "x" top: "y"
  inner_product_param { num_output: 2 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "EuclideanLoss" bottom: "y" bottom: "t" top: "loss" }
"""


def solver(settings="", net=NET):
    policy = "" if "lr_policy" in settings else 'lr_policy: "fixed"'
    return Solver.from_text(f"net_param {{ {net} }} base_lr: 0.1 momentum: 0.9 random_seed: 1 {policy} {settings}")


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ('lr_policy: "fixed" base_lr: 0.5', lambda i: 0.5),
        ('lr_policy: "step" base_lr: 0.5 gamma: 0.1 stepsize: 3', lambda i: 0.5 * 0.1 ** (i // 3)),
        ('lr_policy: "exp" base_lr: 0.5 gamma: 0.9', lambda i: 0.5 * 0.9**i),
        ('lr_policy: "inv" base_lr: 0.5 gamma: 0.2 power: 0.75', lambda i: 0.5 * (1 + 0.2 * i) ** -0.75),
        (
            'lr_policy: "multistep" base_lr: 0.5 gamma: 0.1 stepvalue: 2 stepvalue: 5',
            lambda i: 0.5 * 0.1 ** ((i >= 2) + (i >= 5)),
        ),
        ('lr_policy: "poly" base_lr: 0.5 power: 2 max_iter: 10', lambda i: 0.5 * (1 - i / 10) ** 2),
        ('lr_policy: "sigmoid" base_lr: 0.5 gamma: -0.3 stepsize: 4', lambda i: 0.5 / (1 + math.exp(0.3 * (i - 4)))),
    ],
)
def test_learning_rates(text, rate):
    from google.protobuf import text_format

    param = text_format.Parse(text, caffe_pb2.SolverParameter())
    for i in range(10):
        assert learning_rate(param, i) == pytest.approx(rate(i), rel=1e-6)


def test_all_seven_policies_are_there():
    assert sorted(POLICIES) == ["exp", "fixed", "inv", "multistep", "poly", "sigmoid", "step"]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ('lr_policy: "stpe"', "unknown lr_policy 'stpe'. Did you mean 'step'?"),
        ('lr_policy: "step"', "needs stepsize"),
        ('type: "Adma"', "unknown solver type 'Adma'"),
        ('net: "a.prototxt"', "names its training net once"),
        ("test_iter: 1", "no test_interval"),
        ("test_iter: 1 test_interval: 1 test_state { } test_state { }", "test_state is given 2 times for 1"),
    ],
)
def test_wrong_settings_are_refused_in_words(settings, words):
    with pytest.raises(CaffeError) as raised:
        solver(settings)
    assert words in str(raised.value)


def test_training_lowers_the_loss():
    s = solver()
    s.step(1)
    first = s.loss
    s.step(50)
    assert s.iter == 51
    assert s.loss < first / 10


def test_the_smoothed_loss_is_the_mean_of_the_last_losses():
    s = solver("average_loss: 3")
    losses = []
    s.hooks.after_iteration.append(lambda s: losses.append(s.loss))
    s.step(5)
    assert s.smoothed_loss == pytest.approx(np.mean(losses[-3:]))


def test_iter_size_sums_passes_and_averages_their_gradients():
    constant = NET.replace('"gaussian"', '"constant" value: 0.5')
    one, four = solver(net=constant), solver("iter_size: 4", net=constant)
    four.share_weights(one.net)
    one, four = solver(net=constant), solver("iter_size: 4", net=constant)
    for a, b in zip(one.net.learnable_params, four.net.learnable_params, strict=True):
        b.data = a.const_data
    one.step(3)
    four.step(3)
    for a, b in zip(one.net.learnable_params, four.net.learnable_params, strict=True):
        np.testing.assert_allclose(a.const_data, b.const_data, rtol=1e-5)


def test_lr_mult_zero_keeps_a_parameter():
    s = solver(net=NET.replace('top: "y"\n', 'top: "y" param { lr_mult: 0 } param { lr_mult: 1 } '))
    before = s.net.params["ip"][0].const_data.copy()
    s.step(3)
    assert (s.net.params["ip"][0].const_data == before).all()
    assert s.net.params["ip"][1].const_data.any()


def test_the_test_nets_use_the_trained_parameters_and_report_means():
    s = solver("test_iter: 2 test_interval: 2")
    seen = []
    s.hooks.after_test.append(lambda s, index, outputs: seen.append((s.iter, index, sorted(outputs))))
    s.step(5)
    assert seen == [(0, 0, ["loss"]), (2, 0, ["loss"]), (4, 0, ["loss"])]
    assert s.test_nets[0].params["ip"][0].shares_data(s.net.params["ip"][0])


def test_snapshots_resume_bit_identically(tmp_path):
    constant = NET.replace('"gaussian"', '"constant" value: 0.5')
    prefix = f'snapshot_prefix: "{(tmp_path / "s").as_posix()}" snapshot: 4 max_iter: 8'
    whole = solver(prefix, net=constant)
    whole.solve()
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "s_iter_4.caffemodel", "s_iter_4.solverstate", "s_iter_8.caffemodel", "s_iter_8.solverstate",
    ]  # fmt: skip
    again = solver(prefix, net=constant)
    again.solve(tmp_path / "s_iter_4.solverstate")
    assert again.iter == 8
    for a, b in zip(whole.net.learnable_params, again.net.learnable_params, strict=True):
        assert (a.const_data == b.const_data).all()


def test_a_snapshot_of_another_net_is_refused_and_nothing_changes(tmp_path):
    s = solver(f'snapshot_prefix: "{(tmp_path / "s").as_posix()}"')
    s.step(1)
    path = s.snapshot()
    other = solver(net=NET.replace("bias", "").replace("num_output: 2", "num_output: 2 bias_term: false"))
    before = other.net.params["ip"][0].const_data.copy()
    with pytest.raises(FormatError, match="holds 2 history blobs, this solver and net need 1"):
        other.restore(path)
    assert other.iter == 0
    assert (other.net.params["ip"][0].const_data == before).all()


def test_stop_ends_after_the_iteration_and_step_goes_on():
    s = solver()
    s.hooks.after_iteration.append(lambda s: s.stop() if s.iter == 3 else None)
    s.step(10)
    assert s.iter == 3
    s.step(2)
    assert s.iter == 5


def test_callbacks_and_hooks_come_in_order():
    s = solver()
    seen = []
    s.add_callback(lambda: seen.append("start"), lambda: seen.append("gradients"))
    s.hooks.before_iteration.append(lambda s: seen.append("before"))
    s.hooks.after_iteration.append(lambda s: seen.append("after"))
    s.net.hooks.safe_point.append(lambda: seen.append("safe"))
    s.step(1)
    assert seen == ["safe", "before", "start", "gradients", "after"]


def test_an_error_changes_no_parameter_and_training_goes_on():
    s = solver()
    s.step(2)
    before = [b.const_data.copy() for b in s.net.learnable_params]

    def fail(index):
        raise RuntimeError("from a callback")

    s.net.hooks.before_backward.append(fail)
    with pytest.raises(RuntimeError, match="from a callback"):
        s.step(1)
    assert s.iter == 2
    assert not s.running
    assert all((a == b.const_data).all() for a, b in zip(before, s.net.learnable_params, strict=True))
    s.net.hooks.before_backward.clear()
    s.step(1)
    assert s.iter == 3


def test_a_net_that_diverges_does_so_silently():
    s = solver("base_lr: 1e6 ".replace("base_lr", "clip_gradients: -1 weight_decay"))
    s.param.base_lr = 1e30
    s.step(8)
    assert not np.isfinite(s.loss)


def test_display_lines_have_caffes_wording(caplog):
    caplog.set_level(logging.INFO, logger="caffe_nb")
    solver("display: 2").step(3)
    lines = [r.message for r in caplog.records]
    assert any(line.startswith("Iteration 0, loss = ") for line in lines)
    assert any(line.startswith("Iteration 2, loss = ") for line in lines)
    assert any("Train net output #0: loss = " in line and "(* 1 = " in line for line in lines)


def test_a_live_net_is_trained_and_tested_from_its_text():
    net = Net.from_text(NET)
    s = Solver.from_text('base_lr: 0.1 lr_policy: "fixed" test_iter: 1 test_interval: 2', net=net)
    s.step(3)
    assert s.net is net
    assert s.test_nets[0].phase == Phase.TEST
    with pytest.raises(SolverError, match="also names one by net_param"):
        Solver.from_text(f'net_param {{ {NET} }} base_lr: 0.1 lr_policy: "fixed"', net=net)


def test_get_solver_finds_the_net_beside_the_solver(tmp_path):
    (tmp_path / "net.prototxt").write_text(NET)
    (tmp_path / "solver.prototxt").write_text('net: "net.prototxt" base_lr: 0.1 lr_policy: "fixed"')
    s = get_solver(tmp_path / "solver.prototxt")
    assert isinstance(s, SGDSolver)
    assert s in live_solvers()


def test_hdf5_snapshots_are_refused_in_words(tmp_path):
    s = solver(f'snapshot_format: HDF5 snapshot_prefix: "{(tmp_path / "s").as_posix()}"')
    with pytest.raises(SolverError, match="use BINARYPROTO"):
        s.snapshot()
