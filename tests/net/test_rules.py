"""Caffe's rules for nets: sharing, what needs backward, losses without tops, states, names, and debug_info."""

import logging

import numpy as np
import pytest

from caffe_nb.core.layer import Phase
from caffe_nb.errors import CaffeError, NetError, ShapeError
from caffe_nb.net import Net

DATA = """layer { name: "in" type: "Input" top: "x" top: "label"
  input_param { shape { dim: 2 dim: 3 } shape { dim: 2 } } }
"""


def ip(name, bottom, outputs=3, more="", bias="bias_term: false"):
    return (
        f'layer {{ name: "{name}" type: "InnerProduct" bottom: "{bottom}" top: "{name}" {more}'
        f' inner_product_param {{ num_output: {outputs} {bias} weight_filler {{ type: "xavier" }} }} }}\n'
    )


def loss(bottom, top='top: "loss"', more=""):
    return f'layer {{ name: "loss" type: "SoftmaxWithLoss" bottom: "{bottom}" bottom: "label" {top} {more} }}\n'


def filled(text, **kwargs):
    net = Net.from_text(text, **kwargs)
    net.blobs["x"].data[...] = np.random.default_rng(0).normal(size=net.blobs["x"].shape)
    return net


# sharing

SHARED = DATA + ip("a", "x", more='param { name: "w" }') + ip("b", "a", more='param { name: "w" }') + loss("b")


def test_shared_parameters_are_learned_once_and_their_gradients_add_up():
    net = filled(SHARED)
    net.forward()
    net.backward()
    (owner,) = net.learnable_params
    assert net.params["b"][0].shares_data(owner)
    assert net.params["b"][0].shares_diff(owner)
    apart = filled(SHARED.replace('name: "w"', ""))
    for name in "ab":
        apart.params[name][0].data = owner.const_data
    apart.forward()
    apart.backward()
    total = apart.params["a"][0].const_diff + apart.params["b"][0].const_diff
    np.testing.assert_allclose(owner.const_diff, total, rtol=1e-5, atol=1e-7)


def test_strict_sharing_compares_shapes_and_permissive_sharing_counts():
    tall = ip("a", "x", 4, 'param { name: "w" }')  # 4 x 3
    wide = 'layer { name: "y" type: "Input" top: "y" input_param { shape { dim: 2 dim: 2 } } }\n'
    for outputs, fits in ((6, True), (5, False)):
        strict = ip("b", "y", outputs, 'param { name: "w" }')
        permissive = strict.replace('"w"', '"w" share_mode: PERMISSIVE')
        with pytest.raises(ShapeError, match=r"shares param 'w' with layer 'a', but has shape"):
            Net.from_text(DATA + tall + wide + strict)
        if not fits:
            with pytest.raises(ShapeError, match=r"layer 'b'.*has count 10, the owner's 12"):
                Net.from_text(DATA + tall + wide + permissive)
            continue
        net = Net.from_text(DATA + tall + wide + permissive)
        net.params["a"][0].data = 5
        assert net.params["b"][0].shape == (6, 2)
        assert (net.params["b"][0].const_data == 5).all()


@pytest.mark.parametrize("what", ["lr_mult", "decay_mult"])
def test_multipliers_of_shared_parameters_agree_or_stand_once(what):
    values = {"lr_mult": "params_lr", "decay_mult": "params_weight_decay"}
    for first, second in (("", f"{what}: 3"), (f"{what}: 3", ""), (f"{what}: 3", f"{what}: 3")):
        text = DATA + ip("a", "x", more=f'param {{ name: "w" {first} }}')
        net = Net.from_text(text + ip("b", "a", more=f'param {{ name: "w" {second} }}'))
        assert getattr(net, values[what]) == [3]
    text = DATA + ip("a", "x", more=f'param {{ name: "w" {what}: 3 }}')
    with pytest.raises(NetError, match=f"its {what} is 2, the owner's 3; give both the same or leave one out"):
        Net.from_text(text + ip("b", "a", more=f'param {{ name: "w" {what}: 2 }}'))


def test_two_parameters_of_one_layer_can_share():
    text = DATA + 'layer { name: "in2" type: "Input" top: "z" input_param { shape { dim: 2 dim: 1 } } }\n'
    net = Net.from_text(text + ip("a", "z", 3, 'param { name: "w" } param { name: "w" share_mode: PERMISSIVE }', ""))
    assert net.params["a"][1].shares_data(net.params["a"][0])
    assert len(net.learnable_params) == 1


def test_too_many_param_entries_are_refused():
    with pytest.raises(NetError, match=r"layer 'a'.*has 2 param \{ … \} entries, but only 1 parameters"):
        Net.from_text(DATA + ip("a", "x", more="param { } param { }"))


# what needs backward


def needs(net):
    return {node.name: node.needs_backward for node in net.nodes}


def test_lr_mult_zero_takes_a_layer_and_what_is_below_it_out_of_backward():
    frozen = ip("a", "x", more="param { lr_mult: 0 }")
    net = filled(DATA + frozen + ip("b", "a") + loss("b"))
    assert needs(net) == {"in": False, "a": False, "b": True, "loss": True}
    assert net.nodes[2].propagate_down == [False]
    net.forward()
    net.backward()
    assert not net.params["a"][0].const_diff.any()
    assert net.params["b"][0].const_diff.any()
    below = filled(DATA + ip("a", "x") + ip("b", "a", more="param { lr_mult: 0 }") + loss("b"))
    below.forward()
    below.backward()
    assert needs(below)["b"]
    assert below.params["a"][0].const_diff.any()
    assert not below.params["b"][0].const_diff.any()


def test_propagate_down_false_ends_backward_there():
    net = filled(DATA + ip("a", "x") + ip("b", "a", more="propagate_down: false") + loss("b"))
    assert needs(net) == {"in": False, "a": False, "b": True, "loss": True}
    net.forward()
    net.backward()
    assert not net.params["a"][0].const_diff.any()
    assert net.params["b"][0].const_diff.any()


def test_propagate_down_true_asks_for_the_gradient_of_an_input():
    net = filled(DATA + ip("a", "x", more="propagate_down: true") + loss("a"))
    net.forward()
    net.backward()
    assert net.blobs["x"].const_diff.any()


def test_propagate_down_is_given_once_a_bottom():
    with pytest.raises(NetError, match="propagate_down is given 1 times for 2 bottoms"):
        Net.from_text(DATA + ip("a", "x") + loss("a", more="propagate_down: true"))


def test_force_backward_reaches_inputs_and_frozen_parameters_but_no_labels():
    net = filled("force_backward: true\n" + DATA + ip("a", "x", more="param { lr_mult: 0 }") + loss("a"))
    assert all(needs(net).values())
    assert net.nodes[2].propagate_down == [True, False]
    net.forward()
    net.backward()
    assert net.blobs["x"].const_diff.any()
    assert net.params["a"][0].const_diff.any()


def test_force_backward_passes_accuracy_by():
    accuracy = 'layer { name: "acc" type: "Accuracy" bottom: "a" bottom: "label" top: "acc" }\n'
    net = filled("force_backward: true\n" + DATA + ip("a", "x") + loss("a") + accuracy)
    net.forward()
    net.backward()
    assert net.blobs["x"].const_diff.any()


def test_what_reaches_no_loss_needs_no_backward():
    silence = 'layer { name: "s" type: "Silence" bottom: "c" }\n'
    net = filled(DATA + ip("a", "x") + loss("a") + ip("c", "x") + silence)
    assert not needs(net)["c"]
    assert not needs(net)["s"]


def test_batch_norm_without_param_entries_counts_as_learning():
    norm = 'layer { name: "n" type: "BatchNorm" bottom: "x" top: "n" }\n'
    net = filled(DATA + norm + loss("n"))
    assert needs(net)["n"]  # as in Caffe: the entries that its setup makes come too late
    assert net.params_lr == [0, 0, 0]
    given = Net.from_text(DATA + norm.replace('top: "n"', 'top: "n" ' + "param { lr_mult: 0 } " * 2) + loss("n"))
    assert needs(given)["n"]
    assert given.params_lr == [0, 0, 0]


# losses


def test_a_loss_without_a_top_gets_one_of_its_own():
    net = filled(DATA + ip("a", "x") + loss("a", top=""))
    assert net.top_names["loss"] == ["(automatic)"]
    assert "(automatic)" in net.blobs
    assert net.outputs == []
    assert net.blob_loss_weights["(automatic)"] == 1
    assert net.forward_pass() == pytest.approx(float(net.blobs["(automatic)"].const_data))
    net.backward()
    assert net.params["a"][0].const_diff.any()


def test_several_losses_without_tops_add_up():
    second = loss("b", top="", more="loss_weight: 2").replace('"loss"', '"loss2"')
    net = filled(DATA + ip("a", "x") + ip("b", "x") + loss("a", top="") + second)
    values = [float(node.tops[0].const_data) for node in net.nodes if node.name.startswith("loss")]
    total = net.forward_pass()
    values = [float(node.tops[0].const_data) for node in net.nodes if node.name.startswith("loss")]
    assert total == pytest.approx(values[0] + 2 * values[1])


def test_any_top_can_be_a_loss():
    text = DATA + 'layer { name: "r" type: "Reduction" bottom: "x" top: "r" loss_weight: 0.5 propagate_down: true }'
    net = filled(text)
    assert net.forward_pass() == pytest.approx(0.5 * float(net.blobs["x"].const_data.sum()), rel=1e-5)


def test_a_loss_that_is_read_again_is_weighted_at_its_split():
    reads = 'layer { name: "p" type: "Power" bottom: "loss" top: "p" }\n'
    net = filled(DATA + ip("a", "x") + loss("a", more="loss_weight: 3") + reads)
    weights = {name: weight for name, weight in net.blob_loss_weights.items() if weight}
    # The loss layer falls back to its own default, 1: a quirk of Caffe that trained nets rely on.
    assert weights == {"loss": 1, "loss_loss_0_split_0": 3}
    assert net.bottom_names["p"] == ["loss_loss_0_split_1"]


@pytest.mark.parametrize("weights", ["loss_weight: 1 loss_weight: 2", "loss_weight: 1 " * 3])
def test_loss_weights_are_given_once_a_top(weights):
    with pytest.raises(NetError, match=r"loss_weight is given \d times for 1 tops"):
        Net.from_text(DATA + ip("a", "x") + loss("a", more=weights))


# states and names

STAGED = (
    DATA
    + ip("a", "x", 3, 'include { phase: TRAIN stage: "s" }')
    + ip("a", "x", 4, 'include { phase: TRAIN not_stage: "s" }')
    + ip("a", "x", 5, "exclude { phase: TRAIN }")
)


def test_layers_and_tops_of_one_name_under_exclusive_rules():
    for phase, stages, outputs in ((Phase.TRAIN, ["s"], 3), (Phase.TRAIN, [], 4), (Phase.TEST, ["s"], 5)):
        net = Net.from_text(STAGED, phase, stages=stages)
        assert net.blobs["a"].shape == (2, outputs)


def test_the_callers_level_takes_the_place_of_the_texts_and_its_stages_are_added():
    text = 'state { level: 5 stage: "t" }\n' + DATA
    text += ip("deep", "x", more="include { min_level: 1 }")
    text += ip("staged", "x", more='include { stage: "t" stage: "c" }')
    assert Net.from_text(text, stages=["c"])._layer_names == ["in", "staged"]
    assert "deep" in Net.from_text(text, level=1)._layer_names


def test_a_bottom_that_only_another_state_has_is_said_so():
    text = DATA + ip("a", "x", more='include { stage: "s" }') + ip("b", "a")
    with pytest.raises(
        NetError, match=r"layer 'b'.*not produced by any earlier layer. Layer 'a' does, but its include"
    ):
        Net.from_text(text)
    assert "b" in Net.from_text(text, stages=["s"])._layer_names


def test_unnamed_layers_and_layers_of_one_name():
    text = (
        DATA + ip("", "x").replace('top: ""', 'top: "u"') + ip("d", "u") + ip("d", "u").replace('top: "d"', 'top: "e"')
    )
    net = Net.from_text(text)
    assert net._layer_names == ["in", "", "u__0_split", "d", "d"]
    assert net.outputs == ["d", "e", "label"]
    assert net.layer_dict["d"] is net.layers[4]  # the last one, as in pycaffe
    assert net.params["d"] is net.layers[4].blobs


def test_blobs_come_in_the_order_in_which_they_are_made():
    net = filled(DATA + ip("b", "x") + ip("a", "x") + loss("a"))
    assert list(net.blobs) == ["x", "label", "x_in_0_split_0", "x_in_0_split_1", "b", "a", "loss"]
    assert net.inputs == ["x", "label"]
    assert net.outputs == ["b", "loss"]


def test_a_blob_read_in_place_and_elsewhere_is_refused_with_a_hint():
    relu = 'layer { name: "r" type: "ReLU" bottom: "a" top: "a" }\n'
    with pytest.raises(NetError, match=r"layer 'r'.*top 'a' is produced by layer 'a'.*rename one"):
        Net.from_text(DATA + ip("a", "x") + ip("c", "a") + relu)


def test_the_split_of_an_in_place_chain_has_the_last_layers_name():
    relu = 'layer { name: "r" type: "ReLU" bottom: "a" top: "a" }\n'
    net = Net.from_text(DATA + ip("a", "x") + relu + ip("c", "a") + ip("d", "a"))
    assert net.bottom_names["d"] == ["a_r_0_split_1"]


# two nets


def test_share_with_takes_layers_by_name_and_leaves_the_rest_alone():
    ours, theirs = Net.from_text(DATA + ip("a", "x") + ip("b", "a")), Net.from_text(DATA + ip("a", "x") + ip("c", "a"))
    kept = ours.params["b"][0].const_data.copy()
    ours.share_with(theirs)
    assert ours.params["a"][0].shares_data(theirs.params["a"][0])
    assert not ours.params["a"][0].shares_diff(theirs.params["a"][0])
    assert (ours.params["b"][0].const_data == kept).all()


def test_share_with_and_copy_from_fill_the_first_layer_of_a_name():
    twice = DATA + ip("a", "x") + ip("a", "x").replace('top: "a"', 'top: "a2"')
    ours, theirs = Net.from_text(twice), Net.from_text(twice)
    for number, layer in enumerate(theirs.layers[-2:], 1):
        layer.blobs[0].data = number
    ours.copy_from(theirs.to_proto())
    second = ours.layers[-1].blobs[0].const_data.copy()
    assert (ours.layers[-2].blobs[0].const_data == 2).all()  # both are copied, the last one stays
    ours.share_with(theirs)
    assert ours.layers[-2].blobs[0].shares_data(theirs.layers[-1].blobs[0])
    assert (ours.layers[-1].blobs[0].const_data == second).all()


def test_sharing_other_shapes_changes_nothing():
    ours = Net.from_text(DATA + ip("a", "x") + ip("b", "a", 4))
    theirs = Net.from_text(DATA + ip("a", "x") + ip("b", "a", 5))
    with pytest.raises(ShapeError, match=r"layer 'b'.*\(4, 3\)\] here, \[\(5, 3\)\] there"):
        ours.share_with(theirs)
    assert not ours.params["a"][0].shares_data(theirs.params["a"][0])


# running


def test_reshape_goes_through_the_whole_net_and_back():
    net = filled(DATA + ip("a", "x") + loss("a"))
    for items in (5, 1, 2):
        net.blobs["x"].reshape(items, 3)
        net.blobs["label"].reshape(items)
        net.reshape()
        assert net.blobs["a"].shape == (items, 3)
        assert net.forward()["loss"].shape == ()
        net.backward()


def test_callbacks_come_around_every_layer_and_only_where_backward_runs():
    net = filled(DATA + ip("a", "x") + loss("a"))
    seen = []
    for when in ("before_forward", "after_forward", "before_backward", "after_backward"):
        getattr(net, when)(lambda index, when=when: seen.append((when, index)))
    net.forward()
    net.backward()
    forward = [(f"{when}_forward", i) for i in range(3) for when in ("before", "after")]
    assert seen == forward + [(f"{when}_backward", i) for i in (2, 1) for when in ("before", "after")]


def test_debug_info_logs_mean_absolute_values(caplog):
    caplog.set_level(logging.INFO, logger="caffe_nb")
    net = filled("debug_info: true\n" + DATA + ip("a", "x", more='param { name: "w" }') + loss("a"))
    net.blobs["x"].data = -0.5
    net.params["a"][0].data = 2
    net.forward()
    assert caplog.messages == [
        "    [Forward] Layer in, top blob x data: 0.5",
        "    [Forward] Layer in, top blob label data: 0",
        "    [Forward] Layer a, top blob a data: 3",
        "    [Forward] Layer a, param blob w data: 2",
        "    [Forward] Layer loss, top blob loss data: 1.09861",
    ]
    caplog.clear()
    net.backward()
    assert [line.split(": ")[0] for line in caplog.messages] == [
        "    [Backward] Layer loss, bottom blob a diff",
        "    [Backward] Layer a, param blob 0 diff",
        "    [Backward] All net params (data, diff)",
    ]
    caplog.clear()
    net.debug_info = False
    net.forward()
    assert not caplog.messages


# shapes that cannot be


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("dim: -2", "negative"),
        ("dim: 100000 dim: 100000", "up to 2,147,483,647 elements"),
        ("dim: 9223372036854775807 dim: 9223372036854775807", "up to 2,147,483,647 elements"),
        ("dim: 0 dim: 9223372036854775807", "up to 2,147,483,647 elements"),
        ("dim: 1 " * 33, "up to 32 axes"),
    ],
)
def test_absurd_shapes_are_refused_at_their_layer(text, words):
    with pytest.raises(CaffeError) as raised:
        Net.from_text(f'layer {{ name: "in" type: "Input" top: "x" input_param {{ shape {{ {text} }} }} }}')
    assert "layer 'in' (Input), line 1" in str(raised.value)
    assert words in str(raised.value)


def test_an_absurd_number_of_outputs_is_refused_before_it_is_allocated():
    with pytest.raises(ShapeError, match=r"layer 'a' \(InnerProduct\).*elements"):
        Net.from_text(DATA + ip("a", "x", 2147483647))
