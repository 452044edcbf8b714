"""A run that is resumed gives bit for bit the weights of a run that was not."""

import numpy as np
import pytest

from caffe_nb.proto import caffe_pb2
from caffe_nb.solvers import Solver

NET = """
layer { name: "x" type: "DummyData" top: "x" top: "t" dummy_data_param {
  shape { dim: 6 dim: 4 } shape { dim: 6 } data_filler { type: "constant" value: 0.7 }
  data_filler { type: "constant" value: 1 } } }
layer { name: "a" type: "InnerProduct" bottom: "x" top: "a" param { name: "w" } param { lr_mult: 2 decay_mult: 0 }
  inner_product_param { num_output: 4 weight_filler { type: "xavier" } bias_filler { type: "uniform" max: 0.3 } } }
layer { name: "tanh" type: "TanH" bottom: "a" top: "a" }
layer { name: "b" type: "InnerProduct" bottom: "a" top: "b" param { name: "w" } param { lr_mult: 0 }
  inner_product_param { num_output: 4 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "b" bottom: "t" top: "loss" }
"""
TYPES = {
    "SGD": "momentum: 0.9",
    "Nesterov": "momentum: 0.9",
    "AdaGrad": "",
    "RMSProp": "rms_decay: 0.9",
    "AdaDelta": "momentum: 0.9 delta: 1e-6",
    "Adam": "momentum: 0.9",
}
POLICIES = {
    "fixed": "",
    "step": "gamma: 0.5 stepsize: 3",
    "exp": "gamma: 0.9",
    "inv": "gamma: 0.1 power: 0.75",
    "multistep": "gamma: 0.5 stepvalue: 2 stepvalue: 5 stepvalue: 8",
    "poly": "power: 2",
    "sigmoid": "gamma: -0.3 stepsize: 4",
}
CASES = [(kind, "inv", "") for kind in TYPES] + [("SGD", policy, "") for policy in POLICIES]
CASES += [("Adam", "step", "iter_size: 3"), ("SGD", "step", "clip_gradients: 0.05 regularization_type: 'L1'")]
CASES += [("AdaDelta", "multistep", "snapshot_format: HDF5")]


@pytest.mark.parametrize(("kind", "policy", "more"), CASES)
def test_resumed_and_whole_runs_are_bit_identical(kind, policy, more, tmp_path):
    text = f"""net_param {{ {NET} }} type: "{kind}" {TYPES[kind]} base_lr: 0.05 weight_decay: 0.01 max_iter: 10
        random_seed: 4 lr_policy: "{policy}" {POLICIES[policy]} snapshot: 5 {more}
        snapshot_prefix: "{(tmp_path / "s").as_posix()}" """
    whole = Solver.from_text(text)
    whole.solve()
    resumed = Solver.from_text(text.replace("random_seed: 4", "random_seed: 5"))
    ending = ".h5" if whole.param.snapshot_format == caffe_pb2.SolverParameter.HDF5 else ""
    resumed.solve(tmp_path / f"s_iter_5.solverstate{ending}")
    assert resumed.iter == whole.iter == 10
    assert resumed.loss == whole.loss
    for mine, theirs in zip(resumed.net.learnable_params, whole.net.learnable_params, strict=True):
        np.testing.assert_array_equal(mine.const_data, theirs.const_data)
    for mine, theirs in zip(resumed.rule.history, whole.rule.history, strict=True):
        np.testing.assert_array_equal(mine, theirs)
