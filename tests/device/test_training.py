"""Training in GPU mode: updates are made where the parameters are, and no iteration makes the host wait."""

import logging

import numpy as np
import pytest

from caffe_nb import device, rng
from caffe_nb.core.blob import Blob
from caffe_nb.errors import NetError
from caffe_nb.net import Net
from caffe_nb.solvers import Solver
from tests.device.standin import DeviceArray

NET = """name: "trained"
layer { name: "in" type: "DummyData" top: "x" top: "label" dummy_data_param {
  shape { dim: 8 dim: 2 dim: 6 dim: 6 } shape { dim: 8 }
  data_filler { type: "gaussian" } data_filler { type: "uniform" min: 0 max: 2.999 } } }
layer { name: "conv" type: "Convolution" bottom: "x" top: "conv"
  convolution_param { num_output: 4 kernel_size: 3 pad: 1 weight_filler { type: "xavier" } } }
layer { name: "bn" type: "BatchNorm" bottom: "conv" top: "bn" }
layer { name: "scale" type: "Scale" bottom: "bn" top: "scale" scale_param { bias_term: true } }
layer { name: "relu" type: "ReLU" bottom: "scale" top: "scale" }
layer { name: "sum" type: "Eltwise" bottom: "scale" bottom: "conv" top: "sum" }
layer { name: "pool" type: "Pooling" bottom: "sum" top: "pool" pooling_param { kernel_size: 2 stride: 2 } }
layer { name: "ip" type: "InnerProduct" bottom: "pool" top: "ip"
  inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }
layer { name: "accuracy" type: "Accuracy" bottom: "ip" bottom: "label" top: "accuracy" }
"""
SETTINGS = {
    "SGD": "momentum: 0.9 clip_gradients: 0.5",
    "Nesterov": 'momentum: 0.9 weight_decay: 0.01 regularization_type: "L1"',
    "AdaGrad": "delta: 1e-6 weight_decay: 0.01",
    "RMSProp": "rms_decay: 0.9 delta: 1e-6 iter_size: 2",
    "AdaDelta": "momentum: 0.9 delta: 1e-6 clip_gradients: 1 weight_decay: 0.01 iter_size: 2",
    "Adam": "momentum: 0.9 momentum2: 0.99 delta: 1e-8",
}


def solver(kind, settings="", text=NET):
    rng.set_random_seed(3)
    return Solver.from_text(
        f'type: "{kind}" base_lr: 0.01 lr_policy: "inv" gamma: 0.1 power: 0.5 max_iter: 99 average_loss: 3 {settings}',
        net=Net.from_text(text),
    )


def state(trained):
    return [blob.const_data.copy() for blob in [*trained.net.learnable_params, *trained.rule.memories]]


@pytest.mark.parametrize("kind", SETTINGS)
def test_every_solver_trains_to_the_cpus_weights(kind, standin):
    with device.using(None):
        expected = solver(kind, SETTINGS[kind])
        expected.step(4)
    got = solver(kind, SETTINGS[kind])
    got.step(4)
    for mine, theirs in zip(state(got), state(expected), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-5, atol=1e-7)
    assert got.loss == pytest.approx(expected.loss, rel=1e-5)
    assert got.smoothed_loss == pytest.approx(expected.smoothed_loss, rel=1e-5)
    assert [point.mean for point in got.losses.points] == pytest.approx([p.mean for p in expected.losses.points], 1e-5)


@pytest.mark.parametrize("kind", SETTINGS)
def test_an_iteration_copies_the_batch_and_waits_for_nothing(kind, standin):
    trained = solver(kind, SETTINGS[kind])
    trained.step(2)
    waits, ended = [], []
    trained.hooks.before_iteration.append(lambda _: waits.append(standin.syncs))
    trained.hooks.after_iteration.append(lambda _: ended.append(standin.syncs))
    before, memories = trained.net.transfers, [copies(blob) for blob in trained.rule.memories]
    trained.step(3)
    assert len({*waits, *ended}) == 1
    size = 3 * trained.param.iter_size
    copied = {each.name: (each.to_device, each.to_host) for each in trained.net.transfers - before}
    assert copied == {"x": (size, 0), "label": (size, 0)}
    assert [copies(blob) for blob in trained.rule.memories] == memories == [(0, 0)] * len(memories)


def copies(blob):
    mirror = blob.memory.mirror
    return mirror.to_device, mirror.to_host


def test_a_loss_comes_over_when_it_is_read(standin):
    trained = solver("SGD")
    trained.step(1)
    waited = standin.syncs
    assert trained.loss > 0
    assert standin.syncs == waited + 1
    assert trained.loss > 0
    assert standin.syncs == waited + 1


def test_losses_of_many_iterations_come_over_at_once(standin):
    trained = solver("SGD")
    trained.step(20)
    waited = standin.syncs
    assert len(trained.losses.points) == 20
    assert standin.syncs == waited + 1


def test_clipping_is_logged_where_the_log_is_on(standin, caplog):
    caplog.set_level(logging.INFO, "caffe_nb")
    solver("SGD", "clip_gradients: 0.01").step(1)
    assert "Gradient clipping: scaling down gradients" in caplog.text


def test_a_snapshot_has_what_the_device_computed_and_training_goes_on_from_it(standin, tmp_path):
    first = solver("Adam", f'snapshot_prefix: "{tmp_path.as_posix()}/s"')
    first.step(3)
    path = first.snapshot()
    second = solver("Adam", "")
    second.restore(path)
    for mine, theirs in zip(state(second), state(first), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert all(type(blob.const_array) is DeviceArray for blob in second.rule.memories)
    for each in (first, second):
        rng.set_random_seed(9)
        each.step(2)
    for mine, theirs in zip(state(second), state(first), strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_what_tests_find_is_the_cpus(standin):
    def tested():
        rng.set_random_seed(3)
        made = Solver.from_text(
            'base_lr: 0.01 lr_policy: "fixed" max_iter: 9 test_iter: 4 test_interval: 2 test_compute_loss: true'
            f" net_param {{ {NET} }}"
        )
        return made.test()

    with device.using(None):
        expected = tested()
    assert tested() == pytest.approx(expected, rel=1e-5)


WRONG = NET.replace("min: 0 max: 2.999", "min: 5 max: 5")
MESSAGE = (
    r"layer 'loss' \(SoftmaxWithLoss\), line \d+ of .*: label 5 at \[0\] of bottom\[1\] is not one of the 3 classes"
)


def test_a_wrong_label_is_refused_when_the_net_is_asked_for_a_value(standin):
    net = Net.from_text(WRONG)
    with pytest.raises(NetError, match=MESSAGE + r" \(0 to 2\) \(and 7 more like it\)"):
        net.forward()
    loss = net.forward_loss()  # nobody asks
    with pytest.raises(NetError, match=MESSAGE):
        net.settle()
    assert np.isfinite(float(loss))
    net.settle()  # said once


def test_a_wrong_label_is_refused_at_the_end_of_a_step_or_where_the_loss_is_shown(standin, caplog):
    trained = solver("SGD", text=WRONG)
    with pytest.raises(NetError, match=MESSAGE):
        trained.step(3)
    assert trained.iter == 3
    caplog.set_level(logging.INFO, "caffe_nb")
    shown = solver("SGD", "display: 1", text=WRONG)
    with pytest.raises(NetError, match=MESSAGE):
        shown.step(3)
    assert shown.iter == 0


def test_a_layer_by_itself_refuses_at_once(standin):
    from caffe_nb.ops.labels import class_labels

    labels = Blob(3)
    labels.data[...] = 0, 7, -1
    with pytest.raises(NetError, match=r"label 7 at \[1\] of bottom\[1\] is not one of the 2 classes"):
        class_labels(labels.const_array, 2)


@pytest.mark.gpu
@pytest.mark.parametrize("kind", SETTINGS)
def test_on_a_real_gpu_every_solver_trains_to_the_cpus_weights(kind, gpu):
    with device.using(None):
        expected = solver(kind, SETTINGS[kind])
        expected.step(4)
    got = solver(kind, SETTINGS[kind])
    got.step(4)
    for mine, theirs in zip(state(got), state(expected), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-3, atol=1e-5)
