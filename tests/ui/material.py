"""A small net with a Python layer, for a solver that runs as long as a journey takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.ui.lab import Lab

LAYERS = ["data", "conv1", "relu1", "ip", "loss"]

NET = """\
name: "Journey"
layer {
  name: "data"  type: "DummyData"  top: "data"  top: "target"
  dummy_data_param {
    shape { dim: 16 dim: 1 dim: 8 dim: 8 }
    shape { dim: 16 dim: 10 }
    data_filler { type: "gaussian" std: 1 }
    data_filler { type: "uniform" min: -1 max: 1 }
  }
}
layer {
  name: "conv1"  type: "Convolution"  bottom: "data"  top: "conv1"
  convolution_param { num_output: 4 kernel_size: 3 weight_filler { type: "xavier" } }
}
layer { name: "relu1"  type: "ReLU"  bottom: "conv1"  top: "conv1" }
layer {
  name: "ip"  type: "InnerProduct"  bottom: "conv1"  top: "ip"
  inner_product_param { num_output: 10 weight_filler { type: "xavier" } }
}
layer {
  name: "loss"  type: "Python"  bottom: "ip"  bottom: "target"  top: "loss"  loss_weight: 1
  python_param { module: "distance" layer: "Distance" }
}
"""

SOLVER = """\
net: "net.prototxt"
base_lr: 0.0001
lr_policy: "fixed"
max_iter: 100000000
"""

LAYER = '''\
import caffe
import numpy as np


class Distance(caffe.Layer):
    """Half the mean squared distance."""

    def reshape(self, bottom, top):
        self.difference = np.zeros_like(bottom[0].data)
        top[0].reshape()

    def forward(self, bottom, top):
        self.difference[...] = bottom[0].data - bottom[1].data
        top[0].data[...] = (self.difference**2).sum() / len(self.difference) / 2

    def backward(self, top, propagate_down, bottom):
        for i, sign in ((0, 1), (1, -1)):
            if propagate_down[i]:
                bottom[i].diff[...] = sign * top[0].diff * self.difference / len(self.difference)
'''

FILES = {"net.prototxt": NET, "solver.prototxt": SOLVER, "distance.py": LAYER}

CELLS = [
    "%load_ext caffe_nb\nimport caffe",
    'solver = caffe.get_solver("solver.prototxt")\n%caffe_inspect solver',
    "%caffe_run solver",
]
RUN = 2
"""The cell in which the solver runs until it is interrupted."""


def open_net(lab: Lab, files: Mapping[str, str] = FILES, cells: Sequence[str] = CELLS) -> None:
    """Write files, open a notebook of cells beside them and run the first two, after which the panel shows a net."""
    lab.write(files)
    lab.open(lab.notebook(cells))
    lab.run(0)
    lab.run(1)
    lab.panel.wait_for_graph()


def with_loss(expression: str) -> str:
    """Return the layer's code with another value of the loss."""
    changed = LAYER.replace("(self.difference**2).sum() / len(self.difference) / 2", expression)
    assert changed != LAYER
    return changed


def broken() -> str:
    """Return the layer's code with a syntax error on line 14."""
    return LAYER.replace("def forward(self, bottom, top):", "def forward(self, bottom, top:")


def raising() -> str:
    """Return the layer's code with a forward that raises on line 15."""
    return LAYER.replace(
        "        self.difference[...] = bottom[0]",
        '        raise ValueError("no more digits")\n        self.difference[...] = bottom[0]',
    )
