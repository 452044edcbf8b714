"""The well-known nets have the numbers of parameters that their papers' nets have, and run."""

from __future__ import annotations

import numpy as np
import pytest

from caffe_nb import Net, zoo
from caffe_nb.proto.text import to_text

PARAMETERS = {
    "lenet": 431_080,
    "cifar10_full": 89_578,
    "googlenet": 6_998_552,
    "mobilenet": 4_231_976,
    "resnet50": 25_557_096,  # its first convolution has a bias
}


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_net_has_its_parameters_and_runs(name: str) -> None:
    net = Net.from_text(to_text(zoo.NETS[name](2)))
    learned = [blob.count for node in net.nodes if node.param.type != "BatchNorm" for blob in node.layer.blobs]
    assert sum(learned) == PARAMETERS[name]
    net.blobs["data"].data[...] = np.random.default_rng(0).standard_normal(net.blobs["data"].shape)
    assert np.isfinite(net.forward_backward())


@pytest.mark.parametrize("name", zoo.NETS)
def test_every_net_is_written_as_its_batch_wants(name: str) -> None:
    param = zoo.NETS[name](3)
    data, label = param.layer[0], param.layer[1]
    assert 3 in list(data.input_param.shape[0].dim)
    assert list(label.input_param.shape[0].dim)[-1] == 3
    assert param.layer[-1].type == "SoftmaxWithLoss"
    assert len({layer.name for layer in param.layer}) == len(param.layer)
