"""The utility that people pass round: `from test_gradient_for_python_layer import test_gradient_for_python_layer`."""

import inspect

import numpy as np
import pytest
from test_gradient_for_python_layer import test_gradient_for_python_layer as check

CODE = """
import caffe
class Half(caffe.Layer):
    def reshape(self, bottom, top):
        top[0].reshape(*bottom[0].shape)
    def forward(self, bottom, top):
        top[0].data[...] = bottom[0].data / 2 + bottom[1].data
    def backward(self, top, propagate_down, bottom):
        bottom[0].diff[...] = top[0].diff * float(self.param_str)
"""


@pytest.fixture(autouse=True)
def module(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "halves.py").write_text(CODE)


INPUTS = [("x", np.random.default_rng(0).standard_normal((3, 4))), ("y", np.ones((3, 4)))]


def test_its_signature_is_known():
    assert list(inspect.signature(check).parameters) == [
        "input_names_and_values",
        "output_names",
        "py_module",
        "py_layer",
        "param_str",
        "propagate_down",
    ]


def test_a_right_gradient_passes():
    assert check(INPUTS, ["z"], "halves", "Half", "0.5", [True, False]).ok


def test_inputs_may_be_a_dict_and_there_may_be_no_param_str():
    assert check(dict(INPUTS), ["z"], "halves", "Half", "0.5", [True, False]).ok
    with pytest.raises(ValueError, match="could not convert string to float: ''"):
        check(INPUTS, ["z"], "halves", "Half", None, [True, False])


def test_a_wrong_one_is_an_assertion_with_the_report():
    with pytest.raises(AssertionError, match=r"(?s)gradient of halves\.Half is wrong.*bottom\[0\] is 'x'.*FAIL"):
        check(INPUTS, ["z"], "halves", "Half", "1", [True, False])
