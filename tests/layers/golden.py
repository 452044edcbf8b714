"""Single-layer nets whose numbers BVLC Caffe 1.0 computed: tests/golden/layers/*.npz.

Each file has the net's `prototxt`, its `phase`, `bottom_i`, `param_i` (set before forward), `top_i`, `topdiff_i` (set
before backward), `bottomdiff_i`, `paramdiff_i`, and `param_after_i` for layers that keep statistics. A Bias layer
between `rawN` and `bN` is only there to ask for the gradient of `bN`.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
from google.protobuf import text_format
from numpy.typing import NDArray

from caffe_nb.core.layer import Phase
from caffe_nb.net.net import Net
from caffe_nb.proto import caffe_pb2

Array = NDArray[Any]

FOLDER = Path(__file__).parent.parent / "golden" / "layers"
TOLERANCE = 2e-4
"""Of max(1, |value|): Caffe's figures are float32 and its BLAS sums in another order."""


class Golden:
    """One file of figures."""

    def __init__(self, path: Path) -> None:
        with np.load(path, allow_pickle=False) as stored:
            self.arrays: dict[str, Array] = {key: stored[key] for key in stored.files}
        self.phase = Phase[str(self.arrays["phase"])]
        self.param = text_format.Parse(str(self.arrays["prototxt"]), caffe_pb2.NetParameter())

    def numbered(self, kind: str) -> dict[int, Array]:
        """Return the arrays of a kind by their number: `numbered("top")` has `top_0`, `top_1` …"""
        pattern = re.compile(rf"{kind}_(\d+)")
        return {int(m[1]): array for key, array in self.arrays.items() if (m := pattern.fullmatch(key))}


def assert_near(value: Array, wanted: Array, what: str) -> None:
    """Check shape and values, relative to max(1, |wanted|)."""
    assert value.shape == wanted.shape, f"{what} has shape {value.shape}, Caffe's has {wanted.shape}"
    error = np.abs(value - wanted) / np.maximum(1, np.abs(wanted))
    assert not wanted.size or error.max() < TOLERANCE, f"{what} is off by {error.max():g}"


def compare_forward(golden: Golden, net: Net) -> None:
    """Set bottoms and parameters, run forward, and compare the tops and the parameters after it."""
    for index, values in golden.numbered("bottom").items():
        net.blobs[f"raw{index}" if f"raw{index}" in net.blobs else f"b{index}"].data = values
    params = list(net.params.get("layer", []))
    wanted = golden.numbered("param")
    assert [blob.shape for blob in params] == [array.shape for array in wanted.values()]
    for index, array in wanted.items():
        params[index].data = array
    net.forward()
    names = net.top_names["layer"]
    for index, array in golden.numbered("top").items():
        assert_near(net.blobs[names[index]].const_data, array, f"top {index}")
    for index, array in golden.numbered("param_after").items():
        assert_near(params[index].const_data, array, f"param {index} after forward")


def compare_backward(golden: Golden, net: Net) -> None:
    """Set the tops' diffs, run backward after `compare_forward`, and compare all gradients."""
    names = net.top_names["layer"]
    for index, array in golden.numbered("topdiff").items():
        net.blobs[names[index]].diff = array
    net.clear_param_diffs()
    net.backward()
    for index, array in golden.numbered("bottomdiff").items():
        assert_near(net.blobs[f"b{index}"].const_diff, array, f"bottom diff {index}")
    for index, array in golden.numbered("paramdiff").items():
        assert_near(net.params["layer"][index].const_diff, array, f"param diff {index}")
