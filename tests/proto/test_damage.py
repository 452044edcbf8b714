"""Thousands of damaged nets and weights: each is a net, or an error in words; nothing else, and nothing hangs."""

from __future__ import annotations

import json
import random
import re
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from caffe_nb import rng
from caffe_nb.core import memory
from caffe_nb.errors import CaffeError
from caffe_nb.net import Net
from caffe_nb.proto import binary, caffe_pb2
from caffe_nb.solvers import Solver, get_solver
from tests.proto.damage import spoil_bytes, spoil_text

GOLDEN = Path(__file__).parents[1] / "golden"
SLOW = 10.0  # seconds of the processor; the nets here take milliseconds
WEIGHTS = """input: "data" input_shape { dim: 2 dim: 3 dim: 7 dim: 6 }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv" convolution_param { num_output: 4 kernel_size: 3 } }
layer { name: "ip" type: "InnerProduct" bottom: "conv" top: "ip" inner_product_param { num_output: 5 } }
"""


def texts() -> list[str]:
    """The nets of tests/golden: whole ones, and one of every layer type."""
    nets = [case["text"] for case in json.loads((GOLDEN / "nets.json").read_text())["nets"]]
    for path in sorted((GOLDEN / "layers").glob("*.npz")):
        with np.load(path, allow_pickle=False) as case:
            nets.append(str(case["prototxt"]))
    return list(dict.fromkeys(nets))


TEXTS = texts()
SLOW_OR_NETS = {"net", "net_shared", "sgd_itersize"}  # an absurd iter_size does take long
SOLVERS = [
    path.read_text() for path in sorted((GOLDEN / "solvers").glob("*.prototxt")) if path.stem not in SLOW_OR_NETS
]
SOLVERS = [re.sub(r'^net: "[^"]*"', "", text) for text in SOLVERS]


@pytest.fixture(autouse=True)
def little_memory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What would fit into a large machine is refused here, so that no case takes long; no file is found."""
    monkeypatch.setattr(memory, "available", lambda: 1 << 26)
    monkeypatch.chdir(tmp_path)


def refused(call: Callable[[], object]) -> bool:
    """Call; return whether an error of ours came, which must say something. Any other error passes through."""
    start = time.process_time()
    words = ""
    try:
        call()
    except CaffeError as error:
        words = str(error)
        assert len(words) > 15
    assert time.process_time() - start < SLOW
    return bool(words)


def run_net(text: str, phase: int) -> None:
    rng.set_random_seed(1)
    net = Net.from_text(text, phase)
    net.forward_pass()
    net.backward_pass()


@pytest.mark.parametrize("part", range(10))
def test_a_damaged_net_is_built_or_refused_in_words(part: int) -> None:
    draw = random.Random(part)
    refusals = 0
    for _ in range(100):
        text, phase = spoil_text(draw.choice(TEXTS), TEXTS, draw), draw.randrange(2)
        refusals += refused(lambda text=text, phase=phase: run_net(text, phase))  # type: ignore[misc]
    assert 0 < refusals < 100


def test_a_damaged_solver_is_run_or_refused_in_words() -> None:
    draw = random.Random(0)
    refusals = 0
    for _ in range(300):
        text = draw.choice(SOLVERS).replace("\n", f"\nnet_param {{\n{WEIGHTS}}}\n", 1)
        text = spoil_text(text, SOLVERS, draw)
        refusals += refused(lambda text=text: Solver.from_text(text).step(1))  # type: ignore[misc]
    assert 0 < refusals < 300


@pytest.mark.parametrize("name", ["net.caffemodel", "net_v1.caffemodel", "net.caffemodel.h5"])
def test_damaged_weights_are_copied_whole_or_refused_and_nothing_changes(name: str) -> None:
    files = [path.read_bytes() for path in sorted((GOLDEN / "files").glob("*.caffemodel*"))]
    whole = (GOLDEN / "files" / name).read_bytes()
    draw = random.Random(name)
    net = Net.from_text(WEIGHTS)
    refusals = 0
    for _ in range(250):
        Path(name).write_bytes(spoil_bytes(whole, files, draw))
        for blob in net.learnable_params:
            blob.data.fill(7)
        if refused(lambda: net.copy_from(name)):
            assert all((blob.const_data == 7).all() for blob in net.learnable_params)
            refusals += 1
    assert 0 < refusals < 250


def test_a_damaged_state_is_taken_up_or_refused_and_nothing_changes() -> None:
    for path in (GOLDEN / "files").glob("s_*"):
        Path(path.name).write_bytes(path.read_bytes())
    draw = random.Random(0)
    solver = get_solver("s_solver.prototxt")
    solver.restore("s_iter_5.solverstate.h5")
    solver.param.snapshot_format = caffe_pb2.SolverParameter.BINARYPROTO
    binary_state = solver.snapshot()
    wholes = [Path("s_iter_5.solverstate.h5").read_bytes(), binary_state.read_bytes()]
    for _ in range(300):
        solver.restore(binary_state)
        before = [array.copy() for array in solver.rule.history]
        Path("spoilt").write_bytes(spoil_bytes(draw.choice(wholes), wholes, draw))
        if refused(lambda: solver.restore("spoilt")):
            assert solver.iter == 5
            assert all(np.array_equal(a, b) for a, b in zip(before, solver.rule.history, strict=True))


def test_a_damaged_mean_is_read_or_refused() -> None:
    files = [(GOLDEN / "files" / name).read_bytes() for name in ("mean.binaryproto", "net.caffemodel")]
    draw = random.Random(0)
    for _ in range(200):
        Path("mean").write_bytes(spoil_bytes(files[0], files, draw))
        refused(lambda: binary.blob_to_array(binary.read_blob("mean")))
