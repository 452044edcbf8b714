"""Why is this diff zero?"""

from __future__ import annotations

import numpy as np
import pytest

from caffe_nb.errors import NetError
from caffe_nb.net import Net

DATA = 'layer { name: "d" type: "DummyData" top: "data" top: "t" dummy_data_param { shape { dim: 4 dim: 3 } shape { dim: 4 dim: 2 } data_filler { type: "gaussian" } data_filler { type: "gaussian" } } }'  # noqa: E501
IP = 'layer { name: "ip" type: "InnerProduct" bottom: "data" top: "y" PARAM inner_product_param { num_output: 2 weight_filler { type: "xavier" } BIAS } }'  # noqa: E501
LOSS = 'layer { name: "loss" type: "EuclideanLoss" bottom: "y" bottom: "t" top: "loss" }'


def ran(*lines: str, **names: str) -> Net:
    text = "\n".join(lines)
    for name in ("PARAM", "BIAS"):
        text = text.replace(name, names.get(name, ""))
    net = Net.from_text(text)
    net.forward()
    net.backward()
    return net


def test_a_diff_that_is_not_zero() -> None:
    net = ran(DATA, IP, LOSS)
    assert str(net.explain_diff("y")) == "the diff of 'y' is not zero\n100 % of its elements are not 0"
    assert "is not zero" in str(net.explain_diff("ip"))


@pytest.mark.parametrize(
    ("lines", "names", "asked", "says"),
    [
        ([DATA, IP], {}, "ip", ["no layer of the net has a loss_weight"]),
        (
            [DATA, IP, LOSS],
            {"PARAM": "param { lr_mult: 0 } param { lr_mult: 0 }"},
            "ip",
            ["layer 'ip' (InnerProduct), line 2", "lr_mult: 0"],
        ),
        ([DATA, IP, LOSS], {}, "data", ["layer 'ip'", "nothing below it learns; force_backward"]),
        ([DATA, IP, LOSS], {}, "t", ["layer 'loss'", "the gradient of 't' is not asked for"]),
        (
            [DATA, IP, 'layer { name: "r" type: "ReLU" bottom: "y" top: "z" }', LOSS.replace('"y"', '"z"')],
            {"BIAS": 'bias_filler { type: "constant" value: -1000 }'},
            "y",
            ["layer 'r' (ReLU), line 3", "a dead ReLU"],
        ),
        (
            [DATA, IP, 'layer { name: "r" type: "ReLU" bottom: "y" top: "z" }', LOSS.replace('"y"', '"z"')],
            {"BIAS": 'bias_filler { type: "constant" value: -1000 }'},
            "ip",
            ["its parameters' gradient comes from 'y'", "a dead ReLU"],
        ),
        (
            [
                DATA,
                IP,
                LOSS,
                IP.replace('"ip"', '"ip2"').replace('"y"', '"u"'),
                'layer { name: "s" type: "Silence" bottom: "u" }',
            ],
            {},
            "u",
            ["layer 's' (Silence)", "gives no gradient"],
        ),
        (
            [DATA, IP, LOSS, IP.replace('"ip"', '"ip2"').replace('"y"', '"u"')],
            {},
            "u",
            ["layer 'ip2'", "nothing reads its top 'u'"],
        ),
        ([DATA, IP, LOSS, IP.replace('"ip"', '"ip2"').replace('"y"', '"u"')], {}, "ip2", ["no loss depends on it"]),
    ],
)
def test_the_reasons_name_the_layer_and_its_line(
    lines: list[str], names: dict[str, str], asked: str, says: list[str]
) -> None:
    explanation = ran(*lines, **names).explain_diff(asked)
    assert explanation.zero
    text = str(explanation)
    assert text.startswith(f"the diff of '{asked}' is zero:\n1. ")
    for words in says:
        assert words in text


def test_a_loss_that_is_met_exactly() -> None:
    net = ran(DATA, IP, LOSS)
    net.blobs["t"].data[...] = net.blobs["y"].data
    net.forward(start="loss")
    net.backward()
    assert "the loss's own gradient is 0 here" in str(net.explain_diff("y"))


def test_a_name_that_is_not_there() -> None:
    with pytest.raises(NetError, match=r"no blob 'yy'"):
        ran(DATA, IP, LOSS).explain_diff("yy")


def test_check_gradients_is_a_method_of_the_net() -> None:
    net = ran(DATA, IP, LOSS)
    before = [np.copy(blob.const_data) for blob in net.blobs.values()]
    reports = net.check_gradients()
    assert {name: report.ok for name, report in reports.items()} == {"ip": True, "loss": True}
    assert all(np.array_equal(a, b.const_data) for a, b in zip(before, net.blobs.values(), strict=True))
    assert net.stale == []
