"""A real IPython shell with the extension loaded, and a small net with a layer of the notebook's own."""

import gc
import sys

import pytest
from IPython.core.interactiveshell import InteractiveShell

import caffe_nb
from caffe_nb.solvers import Solver

NET = """layer { name: "x" type: "DummyData" top: "x" top: "t" dummy_data_param {
  shape { dim: 4 dim: 3 } shape { dim: 4 dim: 2 } data_filler { type: "gaussian" } data_filler { type: "constant" } } }
layer { name: "ip" type: "InnerProduct" bottom: "x" top: "y"
  inner_product_param { num_output: 2 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "Python" bottom: "y" bottom: "t" top: "loss" loss_weight: 1
  python_param { module: "__main__" layer: "MyLoss" } }
"""

LAYER = """import caffe
class MyLoss(caffe.Layer):
    def reshape(self, bottom, top):
        top[0].reshape(1)
    def forward(self, bottom, top):
        self.d = bottom[0].data - bottom[1].data
        top[0].data[0] = (self.d ** 2).sum() / 2
    def backward(self, top, propagate_down, bottom):
        bottom[0].diff[...] = top[0].diff[0] * self.d
"""


@pytest.fixture
def shell():
    shell = InteractiveShell.instance()
    caffe_nb.load_ipython_extension(shell)
    yield shell
    caffe_nb.unload_ipython_extension(shell)
    shell.reset()
    for name in ("last_exc", "last_type", "last_value", "last_traceback"):  # they keep nets alive
        vars(sys).pop(name, None)
    gc.collect()
    InteractiveShell.clear_instance()


@pytest.fixture
def net(shell):
    shell.run_cell_magic("caffe_layer", "", LAYER)
    shell.run_cell_magic("caffe_net", "net", NET)
    return shell.user_ns["net"]


@pytest.fixture
def solver(shell, net):
    shell.user_ns["solver"] = Solver.from_text('base_lr: 0.01 lr_policy: "fixed" max_iter: 20', net=net)
    return shell.user_ns["solver"]
