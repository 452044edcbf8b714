"""The step loop: rates, tests, snapshots, callbacks, stopping, and errors in words."""

import logging

import numpy as np
import pytest

import caffe
from caffe_nb.core.layer import Phase
from caffe_nb.errors import CaffeError, FormatError, SolverError
from caffe_nb.net import Net
from caffe_nb.solvers import SGDSolver, Solver, get_solver, live_solvers

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


def test_a_solver_without_a_type_says_which_to_take():
    with pytest.raises(SolverError, match=r"get_solver\(path\) makes the one that the file names"):
        Solver("solver.prototxt")


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


def test_all_six_types_are_there():
    kinds = ["AdaDelta", "AdaGrad", "Adam", "Nesterov", "RMSProp", "SGD"]
    assert sorted(Solver.types) == kinds
    for kind in kinds:
        momentum = "" if kind in ("AdaGrad", "RMSProp") else "momentum: 0.9"
        text = f'net_param {{ {NET} }} base_lr: 0.1 lr_policy: "fixed" type: "{kind}" {momentum}'
        assert type(Solver.from_text(text)).__name__ == f"{kind}Solver"


def test_pycaffes_names_are_these_classes():
    for kind, cls in Solver.types.items():
        assert getattr(caffe, f"{kind}Solver") is cls
    assert caffe.get_solver is get_solver


def test_apply_update_by_hand_counts_the_iteration():
    s = solver('lr_policy: "step" gamma: 0.1 stepsize: 1')
    before = s.net.params["ip"][0].const_data.copy()
    s.net.forward()
    s.net.backward()
    s.apply_update()
    assert s.iter == 1
    assert s.lr == pytest.approx(0.01)
    assert (s.net.params["ip"][0].const_data != before).any()


def test_states_of_the_test_nets_choose_their_layers():
    staged = NET + 'layer { name: "more" type: "Silence" bottom: "y" include { stage: "more" } }'
    staged += 'layer { name: "deep" type: "Silence" bottom: "y" include { min_level: 2 } }'
    s = solver(
        "test_iter: 1 test_iter: 1 test_interval: 5 train_state { level: 2 }"
        ' test_state { stage: "more" } test_state { }',
        net=staged,
    )
    assert [("more" in n._layer_names, "deep" in n._layer_names) for n in (s.net, *s.test_nets)] == [
        (False, True),
        (True, False),
        (False, False),
    ]


def test_the_texts_own_state_is_kept_under_the_solvers():
    s = solver(
        net='state { level: 3 stage: "a" }'
        + NET.replace('top: "loss" }', 'top: "loss" include { min_level: 3 stage: "a" } }')
    )
    assert "loss" in s.net._layer_names


def test_several_test_nets_and_their_loss(caplog):
    caplog.set_level(logging.INFO, logger="caffe_nb")
    s = solver("test_iter: 1 test_iter: 2 test_interval: 3 test_compute_loss: true")
    s.step(1)
    lines = caplog.messages
    assert [line for line in lines if "Testing net" in line] == [
        "Iteration 0, Testing net (#0)",
        "Iteration 0, Testing net (#1)",
    ]
    assert sum(line.startswith("Test loss: ") for line in lines) == 2
    assert sum("Test net output #0: loss = " in line and "(* 1 = " in line for line in lines) == 2


def test_stop_during_a_test_ends_before_the_iteration():
    s = solver("test_iter: 50 test_interval: 2")
    s.test_nets[0].after_forward(lambda index: s.stop() if s.iter == 2 else None)
    tested = []
    s.hooks.after_test.append(lambda s, index, outputs: tested.append(s.iter))
    s.step(10)
    assert (s.iter, tested) == (2, [0])


def test_solve_writes_a_last_snapshot_also_when_stopped(tmp_path):
    s = solver(f'snapshot_prefix: "{(tmp_path / "s").as_posix()}" max_iter: 9')
    s.hooks.after_iteration.append(lambda s: s.stop() if s.iter == 3 else None)
    s.solve()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["s_iter_3.caffemodel", "s_iter_3.solverstate"]


@pytest.mark.parametrize("settings", ["snapshot_after_train: false", "snapshot: 4"])
def test_solve_writes_no_snapshot_twice_or_unasked(settings, tmp_path):
    s = solver(f'snapshot_prefix: "{(tmp_path / "s").as_posix()}" max_iter: 4 {settings}')
    seen = []
    s.hooks.after_iteration.append(lambda s: seen.extend(tmp_path.iterdir()))
    s.solve()
    assert not seen
    assert len(list(tmp_path.iterdir())) == (2 if "snapshot: 4" in settings else 0)


def test_a_missing_folder_for_snapshots_is_said_before_the_first_iteration(tmp_path):
    s = solver(f'snapshot_prefix: "{(tmp_path / "nowhere" / "s").as_posix()}" snapshot: 5 max_iter: 9')
    s.step(4)
    with pytest.raises(SolverError, match="nowhere, which does not exist; make it, or change snapshot_prefix"):
        s.step(1)
    with pytest.raises(SolverError, match="does not exist"):
        s.solve()
    assert s.iter == 4


def test_solve_ends_with_a_forward_pass_and_a_test(caplog):
    caplog.set_level(logging.INFO, logger="caffe_nb")
    solver("display: 2 max_iter: 4 test_iter: 1 test_interval: 4").solve()
    lines = [line for line in caplog.messages if not line.startswith("    ")]
    assert lines[-3].startswith("Iteration 4, loss = ")
    assert lines[-2:] == ["Iteration 4, Testing net (#0)", "Optimization Done."]


def test_weights_start_the_training_net_and_the_test_nets(tmp_path):
    net = Net.from_text(NET)
    for number, name in ((1, "one.caffemodel"), (2, "two.caffemodel")):
        net.params["ip"][0].data = number
        net.save(tmp_path / name)
    s = Solver.from_text(
        f'net_param {{ {NET} }} base_lr: 0.1 lr_policy: "fixed" weights: "one.caffemodel, two.caffemodel"'
        " test_iter: 1 test_interval: 9",
        folder=tmp_path,
    )
    for each in (s.net, *s.test_nets):
        assert (each.params["ip"][0].const_data == 2).all()
    with pytest.raises(CaffeError, match=r"nine\.caffemodel"):
        Solver.from_text(f'net_param {{ {NET} }} base_lr: 0.1 lr_policy: "fixed" weights: "nine.caffemodel"')


def test_debug_info_shows_what_layers_write_where_the_loss_is_displayed(caplog):
    caplog.set_level(logging.INFO, logger="caffe_nb")
    s = solver("debug_info: true display: 2")
    s.step(2)
    lines = [line for line in caplog.messages if line.startswith("    [")]
    assert sum(line.startswith("    [Forward] Layer ip, top blob y data: ") for line in lines) == 1
    assert sum(line.startswith("    [Backward] All net params (data, diff): L1 norm = (") for line in lines) == 1


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ("average_loss: 0", "average_loss is a number of iterations from 1 up, got 0"),
        ("iter_size: 0", "iter_size is a number of iterations from 1 up, got 0"),
        ('regularization_type: "L3"', "unknown regularization_type 'L3'"),
    ],
)
def test_settings_are_checked_when_the_solver_is_made(settings, words):
    with pytest.raises(SolverError) as raised:
        solver(settings)
    assert words in str(raised.value)


@pytest.mark.parametrize(("rate", "said"), [("", ["net: base_lr is not set"]), ("base_lr: 0", []), ("base_lr: 1", [])])
def test_a_forgotten_learning_rate_is_said(caplog, rate, said):
    Solver.from_text(f'net_param {{ {NET} }} {rate} lr_policy: "fixed"', name="net")
    assert [line[: len("net: base_lr is not set")] for line in caplog.messages] == said


def test_layer_wise_reduce_is_taken_and_changes_nothing():
    solver("layer_wise_reduce: false").step(1)


def test_a_float64_net_is_trained_tested_and_resumed_in_float64(tmp_path):
    text = 'base_lr: 0.1 lr_policy: "fixed" type: "Adam" momentum: 0.9 test_iter: 1 test_interval: 2'
    text += f' snapshot_prefix: "{(tmp_path / "s").as_posix()}"'
    s = Solver.from_text(text, net=Net.from_text(NET, dtype=np.float64))
    s.step(3)
    assert {h.dtype for h in s.rule.history} == {np.dtype(np.float64)}
    assert s.test_nets[0].params["ip"][0].const_data.dtype == np.float64
    path = s.snapshot()
    again = Solver.from_text(text, net=Net.from_text(NET, dtype=np.float64))
    again.restore(path)
    for mine, theirs in zip(again.rule.history, s.rule.history, strict=True):
        np.testing.assert_array_equal(mine, theirs)
    for mine, theirs in zip(again.net.learnable_params, s.net.learnable_params, strict=True):
        np.testing.assert_array_equal(mine.const_data, theirs.const_data)
