"""A failing check becomes a pytest file, which fails until the layer is mended."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from caffe_nb.check import check_layer, check_node
from caffe_nb.errors import NetError
from caffe_nb.net import Net

LAYER = """
import caffe

class Scaled(caffe.Layer):
    def setup(self, bottom, top):
        self.blobs.add_blob(3)
        self.blobs[0].data[...] = 2

    def reshape(self, bottom, top):
        top[0].reshape(*bottom[0].shape)

    def forward(self, bottom, top):
        top[0].data[...] = bottom[0].data * self.blobs[0].data * float(self.param_str)

    def backward(self, top, propagate_down, bottom):
        self.blobs[0].diff[...] += (top[0].diff * bottom[0].data).sum(0) * float(self.param_str)
        bottom[0].diff[...] = -top[0].diff * self.blobs[0].data * float(self.param_str)
"""
NET = """
layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 4 dim: 3 } } }
layer { name: "mine\\"" type: "Python" bottom: "x" top: "y" python_param { module: "exported_layers" layer: "Scaled"
  param_str: "3" } }
force_backward: true
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "exported_layers.py").write_text(LAYER)
    yield tmp_path
    for key in [k for k in sys.modules if k.endswith("exported_layers")]:
        del sys.modules[key]


def pytest_of(folder):
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_scaled.py"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout


@pytest.mark.parametrize("live", [False, True], ids=["a class", "a layer of a net"])
def test_it_fails_until_the_layer_is_mended(folder, live):
    if live:
        net = Net.from_text(NET, folder=folder)
        net.blobs["x"].data[...] = np.arange(12).reshape(4, 3) - 5
        net.forward()
        report = check_node(net, 'mine"')
    else:
        report = check_layer("exported_layers:Scaled", [(4, 3)], param_str="3")
    assert not report.ok
    assert report.export("test_scaled.py").name == "test_scaled.py"
    assert sorted(path.name for path in folder.glob("test_*")) == ["test_scaled.npz", "test_scaled.py"]
    code, out = pytest_of(folder)
    assert code == 1
    assert "sign in bottom[0]" in out
    (folder / "exported_layers.py").write_text(LAYER.replace("= -top", "= top"))
    code, out = pytest_of(folder)
    assert code == 0, out


def test_what_cannot_be_exported_is_said(folder):
    report = check_layer("ReLU", [(3, 4)])
    with pytest.raises(NetError, match=r"called test_NAME\.py, got 'half\.py'"):
        report.export("half.py")
    assert report.export("test_relu.py").read_text().count("def test_the_gradients_of_relu()") == 1
