"""Nets in the manner of those that people have (tests/net/wild): they build, run, train, and keep their weights.

A file may say in which states it is built, one a line: ``# state: TEST stage``. Without, it is TRAIN and TEST.
"""

import re
from pathlib import Path

import numpy as np
import pytest

from caffe_nb.core.layer import Phase
from caffe_nb.net import Net
from caffe_nb.proto.text import parse_net, to_text
from caffe_nb.solvers import Solver

FOLDER = Path(__file__).parent / "wild"
LABELS = ("label", "sim", "input_sentence", "target_sentence", "cont_sentence")


def read_states():
    for file in sorted(FOLDER.glob("*.prototxt")):
        found = re.findall(r"^# state: (\w+)(.*)$", file.read_text(), re.MULTILINE) or [("TRAIN", ""), ("TEST", "")]
        for phase, stages in found:
            name = "-".join([file.stem, phase, *stages.split()])
            yield pytest.param(file, Phase[phase], stages.split(), id=name)


STATES = list(read_states())
TRAINED = [row for row in STATES if row.values[1] == Phase.TRAIN]
TESTED = [row for row in STATES if row.values[1] == Phase.TEST]


def built(source, phase, stages):
    net = Net(source, phase=phase, stages=stages, folder=FOLDER)
    rng = np.random.default_rng(0)
    for name in net.inputs:
        blob = net.blobs[name]
        blob.data = rng.integers(0, 2, blob.shape) if name in LABELS else rng.normal(size=blob.shape)
    return net


@pytest.mark.parametrize(("file", "phase", "stages"), STATES)
def test_it_runs_and_is_written_as_it_was_read(file, phase, stages):
    net = built(file, phase, stages)
    net.forward()
    net.backward()
    net.reshape()
    assert all(np.isfinite(blob.const_data).all() for blob in net.blobs.values())
    again = built(parse_net(to_text(net.source.param)), phase, stages)
    assert again._layer_names == net._layer_names
    assert list(again.blobs) == list(net.blobs)


@pytest.mark.parametrize(("file", "phase", "stages"), TESTED)
def test_its_weights_give_its_outputs_again(file, phase, stages, tmp_path):
    net, again = built(file, phase, stages), built(file, phase, stages)
    net.save(tmp_path / "w.caffemodel")
    again.copy_from(tmp_path / "w.caffemodel")
    outputs = net.forward()
    for name, value in again.forward().items():
        np.testing.assert_array_equal(value, outputs[name])


@pytest.mark.parametrize(("file", "phase", "stages"), TRAINED)
def test_it_learns_where_it_has_a_loss(file, phase, stages):
    net = built(file, phase, stages)
    before = [blob.const_data.copy() for blob in net.learnable_params]
    solver = Solver.from_text('base_lr: 0.001 lr_policy: "fixed" momentum: 0.9', net=net)
    solver.step(2)
    moved = [(old != blob.const_data).any() for old, blob in zip(before, net.learnable_params, strict=True)]
    assert np.isfinite(solver.loss)
    assert any(moved) == any(net.blob_loss_weights.values())
    statistics = {id(blob) for layer in net.layers if layer.type == "BatchNorm" for blob in layer.blobs}
    for blob, rate, changed in zip(net.learnable_params, net.params_lr, moved, strict=True):
        assert rate or not changed or id(blob) in statistics
