"""The update rules: what their papers say, the layout of their histories, and what they refuse."""

import numpy as np
import pytest

from caffe_nb.core.blob import Blob
from caffe_nb.errors import SolverError
from caffe_nb.ops.parallel import LEAST_WORK, set_threads
from caffe_nb.ops.updates import FASTER, L1, L2
from caffe_nb.proto import caffe_pb2
from caffe_nb.solvers import Solver
from caffe_nb.solvers.regularize import Regularization
from caffe_nb.solvers.rules import SGD, AdaDelta, AdaGrad, Adam, Nesterov, RMSProp

RATE = 0.05
SETTINGS = {
    SGD: {"momentum": 0.9},
    Nesterov: {"momentum": 0.9},
    AdaGrad: {"delta": 1e-6},
    RMSProp: {"rms_decay": 0.95, "delta": 1e-6},
    AdaDelta: {"momentum": 0.95, "delta": 1e-6},
    Adam: {"momentum": 0.9, "momentum2": 0.99, "delta": 1e-8},
}


def sgd(gradients, p):
    h = 0
    for g in gradients:
        h = p.momentum * h + RATE * g
        yield h


def nesterov(gradients, p):
    h = 0
    for g in gradients:
        before, h = h, p.momentum * h + RATE * g
        yield (1 + p.momentum) * h - p.momentum * before


def adagrad(gradients, p):
    h = 0
    for g in gradients:
        h = h + g**2
        yield RATE * g / (np.sqrt(h) + p.delta)


def rmsprop(gradients, p):
    h = 0
    for g in gradients:
        h = p.rms_decay * h + (1 - p.rms_decay) * g**2
        yield RATE * g / (np.sqrt(h) + p.delta)


def adadelta(gradients, p):
    squares = updates = 0
    for g in gradients:
        squares = p.momentum * squares + (1 - p.momentum) * g**2
        u = g * np.sqrt((updates + p.delta) / (squares + p.delta))
        updates = p.momentum * updates + (1 - p.momentum) * u**2
        yield RATE * u


def adam(gradients, p):
    m = v = 0
    for t, g in enumerate(gradients, 1):
        m = p.momentum * m + (1 - p.momentum) * g
        v = p.momentum2 * v + (1 - p.momentum2) * g**2
        yield RATE * np.sqrt(1 - p.momentum2**t) / (1 - p.momentum**t) * m / (np.sqrt(v) + p.delta)


FORMULAS = {SGD: sgd, Nesterov: nesterov, AdaGrad: adagrad, RMSProp: rmsprop, AdaDelta: adadelta, Adam: adam}


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float32, 1e-4), (np.float64, 1e-10)])
@pytest.mark.parametrize("kind", FORMULAS, ids=lambda kind: kind.__name__)
def test_updates_follow_the_formula(kind, dtype, tolerance):
    p = caffe_pb2.SolverParameter(**SETTINGS[kind])
    shapes = [(3, 1001), (5,)]
    blobs = [Blob(*shape, dtype=dtype) for shape in shapes]
    rule = kind(blobs, p)
    rng = np.random.default_rng(3)
    gradients = [[rng.normal(size=shape) for shape in shapes] for _ in range(5)]
    wanted = [list(FORMULAS[kind]([step[i] for step in gradients], p)) for i in range(2)]
    for iteration, step in enumerate(gradients):
        for i, blob in enumerate(blobs):
            blob.diff[...] = step[i]
            rule.update(i, blob, RATE, iteration)
            np.testing.assert_allclose(blob.const_diff, wanted[i][iteration], rtol=tolerance, atol=tolerance / 100)


@pytest.mark.parametrize("kind", FORMULAS, ids=lambda kind: kind.__name__)
def test_the_update_is_left_in_the_diff_and_taken_from_the_weights(kind):
    blob = Blob(7)
    blob.data[...] = before = np.linspace(-1, 1, 7, dtype=np.float32)
    blob.diff[...] = [3, 2, 1, 0, -1, -2, -3]
    kind([blob], caffe_pb2.SolverParameter(**SETTINGS[kind])).update(0, blob, RATE, 0)
    assert np.count_nonzero(blob.const_diff) == 6
    np.testing.assert_array_equal(blob.const_data, before - blob.const_diff)


@pytest.mark.parametrize("kind", FORMULAS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize(("decay", "added"), [(L1, np.sign), (L2, np.positive)])
def test_a_gradient_is_clipped_then_averaged_then_decayed(kind, decay, added):
    rng = np.random.default_rng(4)
    weights, gradient = rng.normal(size=(2, 50)).astype(np.float32)
    weights[:5] = 0, -0.0, np.nan, np.inf, -np.inf
    gradient[5:8] = np.nan, np.inf, 0
    blobs = [Blob(50), Blob(50)]
    with np.errstate(invalid="ignore"):
        prepared = gradient * np.float32(0.3) * np.float32(0.5) + np.float32(0.01) * added(weights)
    for blob, diff, before in (
        (blobs[0], gradient, Regularization(clip=0.3, average=0.5, decay=0.01, kind=decay)),
        (blobs[1], prepared, Regularization()),
    ):
        blob.data[...], blob.diff[...] = weights, diff
        kind([blob], caffe_pb2.SolverParameter(**SETTINGS[kind])).update(0, blob, RATE, 0, before)
    np.testing.assert_array_equal(blobs[0].const_diff, blobs[1].const_diff)
    np.testing.assert_array_equal(blobs[0].const_data, blobs[1].const_data)


def test_no_decay_leaves_gradients_of_infinite_weights_alone():
    blob = Blob(2)
    blob.data[...] = np.inf, np.nan
    blob.diff = 2
    SGD([blob], caffe_pb2.SolverParameter()).update(0, blob, 0.5, 0)
    assert (blob.const_diff == 1).all()


@pytest.mark.parametrize("kind", FORMULAS, ids=lambda kind: kind.__name__)
def test_any_number_of_threads_computes_the_same(kind):
    blobs = [Blob(LEAST_WORK * FASTER + 1) for _ in range(2)]
    try:
        for threads, blob in enumerate(blobs, 1):
            rng = np.random.default_rng(5)
            set_threads(threads)
            rule = kind([blob], caffe_pb2.SolverParameter(**SETTINGS[kind]))
            for iteration in range(2):
                blob.diff[...] = rng.standard_normal(blob.count, np.float32)
                rule.update(0, blob, RATE, iteration)
    finally:
        set_threads(None)
    np.testing.assert_array_equal(blobs[0].const_data, blobs[1].const_data)


@pytest.mark.parametrize(("kind", "settings"), [(AdaGrad, {}), (RMSProp, {"rms_decay": 0.5}), (Adam, {})])
def test_a_delta_of_zero_gives_nan_where_nothing_was_ever_learned(kind, settings):
    blob = Blob(2)
    blob.diff[...] = 0, 1
    kind([blob], caffe_pb2.SolverParameter(delta=0, **settings)).update(0, blob, RATE, 0)
    assert np.isnan(blob.const_data).tolist() == [True, False]


@pytest.mark.parametrize("kind", FORMULAS, ids=lambda kind: kind.__name__)
def test_histories_lie_as_in_a_solverstate_and_stay_in_place(kind):
    blobs = [Blob(2, 3), Blob(4)]
    rule = kind(blobs, caffe_pb2.SolverParameter(**SETTINGS[kind]))
    shapes = [(2, 3), (4,)]
    assert [h.shape for h in rule.history] == shapes * (2 if kind in (AdaDelta, Adam) else 1)
    arrays = list(rule.history)
    blobs[1].diff[...] = 1
    rule.update(1, blobs[1], RATE, 0)
    assert all(a is b for a, b in zip(arrays, rule.history, strict=True))
    assert [bool(h.any()) for h in rule.history] == [False, True] * (len(arrays) // 2)


def test_a_parameter_that_changed_its_shape_starts_anew(caplog):
    blob = Blob(4)
    rule = SGD([blob], caffe_pb2.SolverParameter(momentum=0.9))
    blob.diff = 1
    rule.update(0, blob, RATE, 0)
    blob.reshape(2, 3)
    blob.diff = 1
    rule.update(0, blob, RATE, 1)
    assert (rule.history[0] == np.float32(RATE)).all()
    assert "history starts anew" in caplog.text


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ('type: "AdaGrad" momentum: 0.9', "momentum cannot be used with AdaGrad, got 0.9; leave it out"),
        ('type: "RMSProp" momentum: 0.9', "momentum cannot be used with RMSProp"),
        ('type: "RMSProp" rms_decay: 1', "RMSProp takes rms_decay from 0 up to below 1, got 1"),
        ('type: "AdaDelta" momentum: -0.1', "AdaDelta takes momentum from 0"),
        ('type: "Adam" momentum: 1', "Adam takes momentum from 0 up to below 1, got 1"),
        ('type: "Adam" momentum2: 1', "Adam takes momentum2 from 0 up to below 1, got 1"),
    ],
)
def test_settings_that_a_rule_cannot_use(settings, words):
    net = 'net_param { layer { name: "x" type: "Input" top: "x" } }'
    with pytest.raises(SolverError) as raised:
        Solver.from_text(f'{net} base_lr: 1 lr_policy: "fixed" {settings}', name="s.prototxt")
    assert str(raised.value).startswith("s.prototxt: ")
    assert words in str(raised.value)
