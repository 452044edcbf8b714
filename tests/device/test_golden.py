"""What BVLC Caffe 1.0 computed, with the blobs on a device: the kernels in float32."""

from __future__ import annotations

from pathlib import Path

import pytest

from caffe_nb.net.net import Net
from tests.device.standin import Standin
from tests.layers.golden import FOLDER, Golden, compare_backward, compare_forward


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.npz")), ids=lambda path: path.stem)
def test_the_figures_are_caffes(path: Path, standin: Standin) -> None:
    golden = Golden(path)
    net = Net(golden.param, phase=golden.phase)
    compare_forward(golden, net)
    if golden.numbered("topdiff"):
        compare_backward(golden, net)
