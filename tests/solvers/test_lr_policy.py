"""The learning-rate policies, as functions of the iteration."""

import math

import pytest
from google.protobuf import text_format

from caffe_nb.errors import SolverError
from caffe_nb.proto import caffe_pb2
from caffe_nb.solvers.lr_policy import POLICIES, current_step, learning_rate


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
    param = text_format.Parse(text, caffe_pb2.SolverParameter())
    for i in range(10):
        assert learning_rate(param, i) == pytest.approx(rate(i), rel=1e-6)


def test_a_warmup_goes_in_a_line_to_the_base_rate_and_the_policy_goes_on_as_if_it_had_run():
    param = caffe_pb2.SolverParameter(
        lr_policy="step", base_lr=0.8, gamma=0.5, stepsize=3, warmup_iter=4, warmup_start_lr=0.4
    )
    rates = [learning_rate(param, i) for i in range(8)]
    assert rates == pytest.approx([0.4, 0.5, 0.6, 0.7, 0.4, 0.4, 0.2, 0.2])


def test_a_negative_warmup_is_refused():
    param = caffe_pb2.SolverParameter(lr_policy="fixed", base_lr=1, warmup_iter=-1)
    with pytest.raises(SolverError, match="warmup_iter must be 0 or more iterations, got -1"):
        learning_rate(param, 0)


def test_all_seven_policies_are_there():
    assert sorted(POLICIES) == ["exp", "fixed", "inv", "multistep", "poly", "sigmoid", "step"]


def test_every_iteration_takes_up_one_stepvalue_at_most():
    param = caffe_pb2.SolverParameter(lr_policy="multistep", base_lr=1, gamma=0.5, stepvalue=[3, 3, 2, 9])
    assert [current_step(param, i) for i in range(11)] == [0, 0, 0, 1, 2, 3, 3, 3, 3, 4, 4]
    assert learning_rate(param, 4) == 0.25


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("lr_policy: 'exp' gamma: 10", math.inf),
        ("lr_policy: 'sigmoid' gamma: 100 stepsize: 1000000", 0),
        ("lr_policy: 'inv' gamma: -2 power: 0.5", math.nan),
    ],
)
def test_rates_beyond_the_numbers_are_infinite_or_nan_as_in_c(text, rate):
    param = text_format.Parse(text, caffe_pb2.SolverParameter(base_lr=1))
    assert learning_rate(param, 1000) == pytest.approx(rate, abs=1e-30, nan_ok=True)
