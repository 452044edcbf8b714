"""The structure of nets, against what BVLC Caffe builds and refuses (tests/golden/nets.json)."""

import json
from pathlib import Path

import pytest

from caffe_nb.core.layer import Phase
from caffe_nb.errors import CaffeError
from caffe_nb.net import Net

CASES = json.loads((Path(__file__).parents[1] / "golden" / "nets.json").read_text())


def build(case):
    return Net.from_text(
        case["text"], Phase[case.get("phase", "TRAIN")], level=case.get("level", 0), stages=case.get("stages")
    )


def name(case):
    return "-".join([case["name"], case["phase"], *map(str, [case["level"], *case["stages"]])])


@pytest.mark.parametrize("case", CASES["nets"], ids=name)
def test_structure_equals_caffes(case):
    net = build(case)
    layers = [
        [n, la.type, net.bottom_names[n], net.top_names[n]] for n, la in zip(net._layer_names, net.layers, strict=True)
    ]
    assert layers == case["layers"]
    assert {k: list(b.shape) for k, b in net.blobs.items()} == case["blobs"]
    assert {k: [list(p.shape) for p in v] for k, v in net.params.items()} == case["params"]
    assert (net.inputs, net.outputs) == (case["inputs"], case["outputs"])
    assert {k: w for k, w in net.blob_loss_weights.items() if w} == case["loss_weights"]
    if case["name"] != "force_backward":  # what Caffe prints there is from before it forces
        assert {node.name: node.needs_backward for node in net.nodes} == case["backward"]


@pytest.mark.parametrize(
    ("case", "words"),
    [
        (
            "unknown_bottom",
            "layer 'a' (InnerProduct), line 2 of <string>: bottom 'nope' is not produced by any earlier",
        ),
        (
            "duplicate_top",
            "layer 'b' (InnerProduct), line 3 of <string>: top 'a' is produced by layer 'a' (InnerProduct), line 2",
        ),
        ("unknown_type", "layer 'x' (Nope), line 2 of <string>: unknown layer type 'Nope'."),
        ("unknown_field", "relu_param"),
        ("no_kernel", "layer 'c' (Convolution), line 2 of <string>: "),
        (
            "too_few_bottoms",
            "layer 'l' (SoftmaxWithLoss), line 2 of <string>: SoftmaxWithLoss takes 2 bottom(s), got 1: data",
        ),
        ("share_lr", "shares param 'w' with layer 'a', but its lr_mult is 2, the owner's 1"),
        ("include_and_exclude", "layer 'a' (InnerProduct), line 2 of <string>: has both include and exclude rules"),
        ("syntax", "line "),
        ("reshape_count", "layer 'r' (Reshape), line 2 of <string>: reshape_param: nothing fits the -1"),
        ("py_no_module", "no_such_module_here"),
    ],
)
def test_what_caffe_refuses_is_refused_in_words(case, words):
    (text,) = [c for c in CASES["refused"] if c["name"] == case]
    with pytest.raises((CaffeError, ImportError)) as raised:
        build(text)
    assert words in str(raised.value)


def test_every_refusal_of_caffe_is_covered():
    marks = test_what_caffe_refuses_is_refused_in_words.pytestmark
    assert {row[0] for row in marks[0].args[1]} == {case["name"] for case in CASES["refused"]}
