"""Every layer computes what BVLC Caffe 1.0 computed."""

from __future__ import annotations

from pathlib import Path

import pytest

import caffe_nb.layers  # noqa: F401  (makes the types known)
from caffe_nb.core.registry import layer_class, layer_types
from caffe_nb.net.net import Net
from tests.layers.golden import FOLDER, Golden, compare_backward, compare_forward

FILES = sorted(FOLDER.glob("*.npz"))


def test_there_are_figures_for_every_type_that_computes() -> None:
    covered = {layer.type for path in FILES for layer in Golden(path).param.layer}
    without = {"DummyData", "HDF5Data", "HDF5Output", "ImageData", "MemoryData", "Python", "Silence", "WindowData"}
    without |= {"Data"}  # its figures are in tests/golden/files
    forks = {
        name for name in layer_types() if getattr(layer_class(name), "__module__", "").split(".")[2:3] == ["contrib"]
    }
    assert set(layer_types()) - without - forks <= covered


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_figures_are_caffes(path: Path) -> None:
    golden = Golden(path)
    net = Net(golden.param, phase=golden.phase)
    compare_forward(golden, net)
    if golden.numbered("topdiff"):
        compare_backward(golden, net)
