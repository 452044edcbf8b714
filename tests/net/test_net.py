"""What a user of `Net` relies on: live blobs, partial passes, inputs by name, losses, callbacks, clear errors."""

import gc
import sys
from types import ModuleType

import numpy as np
import pytest

from caffe_nb.core.layer import Layer, Phase
from caffe_nb.errors import NetError, PrototxtError, ShapeError
from caffe_nb.net import Net, live_nets

TEXT = """name: "small"
layer { name: "in" type: "Input" top: "data" top: "label" input_param { shape { dim: 4 dim: 3 } shape { dim: 4 } } }
layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip"
  inner_product_param { num_output: 5 weight_filler { type: "xavier" } } }
layer { name: "relu" type: "ReLU" bottom: "ip" top: "ip" }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }
"""


@pytest.fixture
def net():
    net = Net.from_text(TEXT)
    rng = np.random.default_rng(0)
    net.blobs["data"].data[...] = rng.normal(size=(4, 3))
    net.blobs["label"].data[...] = [0, 1, 2, 3]
    return net


def test_a_held_array_sees_later_passes_and_writing_into_it_is_writing_into_the_net(net):
    data, scores = net.blobs["data"].data, net.blobs["ip"].data
    net.forward()
    first = scores.copy()
    data *= 2
    net.forward()
    assert not np.allclose(scores, first)
    assert scores is net.blobs["ip"].data


def test_forward_returns_the_outputs_and_the_blobs_asked_for(net):
    result = net.forward(blobs=["ip"])
    assert set(result) == {"loss", "ip"}
    assert result["loss"].shape == ()


def test_inputs_by_name(net):
    data = np.ones((4, 3), np.float32)
    net.forward(data=data)
    assert (net.blobs["data"].const_data == data).all()
    with pytest.raises(
        NetError, match=r"'dat' is not an input of this net\. Did you mean 'data'\? Inputs: data, label"
    ):
        net.forward(dat=data)
    with pytest.raises(ShapeError, match=r"the data of 'data' has shape \(4, 3\), got an array of shape \(2, 3\)"):
        net.forward(data=data[:2])


def test_inputs_broadcast_to_a_whole_batch_as_in_pycaffe(net):
    net.forward(data=np.full((4, 1), 7))
    assert (net.blobs["data"].const_data == 7).all()
    for wrong in (np.ones((1, 3)), 7, np.ones((4, 2))):
        with pytest.raises(ShapeError, match="reshape the blob first"):
            net.forward(data=wrong)


def test_partial_passes(net):
    net.forward()
    whole = net.blobs["loss"].data.copy()
    assert set(net.forward(end="ip")) == {"ip"}
    assert set(net.forward(start="relu")) == {"loss"}
    assert net.blobs["loss"].data == whole
    with pytest.raises(NetError, match=r"no layer 'lss'\. Did you mean 'loss'"):
        net.forward(end="lss")


def test_backward_reaches_the_parameters_and_accumulates_there(net):
    net.forward()
    net.backward()
    once = net.params["ip"][0].diff.copy()
    assert np.abs(once).max() > 0
    net.backward()
    np.testing.assert_allclose(net.params["ip"][0].diff, 2 * once, rtol=1e-6)
    net.clear_param_diffs()
    assert not net.params["ip"][0].diff.any()


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda net: net.blobs["dta"], "no blob 'dta'. Did you mean 'data'?"),
        (lambda net: net.params["IP"], "no parameters 'IP'. Did you mean 'ip'?"),
        (lambda net: net.params["loss"], "layer 'loss' has no parameters; those that have: ip"),
        (lambda net: net.layer_dict["los"], "no layer 'los'. Did you mean 'loss'?"),
        (lambda net: net.top_names["los"], "no layer 'los'. Did you mean 'loss'?"),
        (lambda net: net.blobs[0], "no blob 0. Names are texts."),
    ],
)
def test_a_name_that_is_not_there_is_a_key_error_that_says_what_was_meant(net, ask, words):
    with pytest.raises(KeyError) as raised:
        ask(net)
    assert words in str(raised.value)
    assert isinstance(raised.value, NetError)
    assert "dta" not in net.blobs
    assert net.blobs.get("dta") is None


def test_backward_takes_diffs_by_name_and_returns_the_inputs_diffs(net):
    forced = Net.from_text("force_backward: true\n" + TEXT)
    forced.blobs["data"].data[...] = net.blobs["data"].const_data
    forced.forward()
    result = forced.backward(diffs=["ip"], loss=np.float32(3))
    assert set(result) == {"data", "label", "ip"}
    assert forced.blobs["loss"].const_diff == 3


def test_the_loss_is_the_weighted_sum_of_the_weighted_tops():
    net = Net.from_text(TEXT.replace('top: "loss" }', 'top: "loss" loss_weight: 2 }'))
    loss = net.forward_pass()
    assert loss == pytest.approx(2 * float(net.blobs["loss"].const_data))
    assert net.blob_loss_weights["loss"] == 2


def test_whole_net_reshape(net):
    net.blobs["data"].reshape(7, 3)
    net.blobs["label"].reshape(7)
    before = net.revision
    net.reshape()
    assert net.blobs["ip"].shape == (7, 5)
    assert net.revision > before


def test_callbacks_get_the_layers_index(net):
    seen = []
    net.before_forward(lambda i: seen.append(("f", i)))
    net.after_backward(lambda i: seen.append(("b", i)))
    net.forward()
    net.backward()
    assert seen == [("f", 0), ("f", 1), ("f", 2), ("f", 3), ("b", 3), ("b", 2), ("b", 1)]


def test_both_of_pycaffes_constructor_forms(tmp_path, net):
    (tmp_path / "net.prototxt").write_text(TEXT)
    net.save(tmp_path / "w.caffemodel")
    for again in (
        Net(str(tmp_path / "net.prototxt"), str(tmp_path / "w.caffemodel"), Phase.TEST),
        Net(str(tmp_path / "net.prototxt"), Phase.TEST, weights=str(tmp_path / "w.caffemodel")),
    ):
        assert again.phase == Phase.TEST
        assert (again.params["ip"][0].const_data == net.params["ip"][0].const_data).all()


def test_float64_nets():
    net = Net.from_text(TEXT, dtype=np.float64)
    assert {blob.dtype for blob in [*net.blobs.values(), *net.learnable_params]} == {np.dtype(np.float64)}


def test_shared_parameters_are_one():
    net = Net.from_text(
        """layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 } } }
        layer { name: "a" type: "InnerProduct" bottom: "x" top: "a" param { name: "w" }
          inner_product_param { num_output: 3 bias_term: false } }
        layer { name: "b" type: "InnerProduct" bottom: "a" top: "b" param { name: "w" }
          inner_product_param { num_output: 3 bias_term: false } }"""
    )
    net.params["a"][0].data[...] = 2
    assert (net.params["b"][0].const_data == 2).all()
    assert len(net.learnable_params) == 1


def test_a_text_error_names_line_column_and_the_field_that_was_meant():
    with pytest.raises(PrototxtError) as raised:
        Net.from_text(TEXT.replace("num_output", "num_outptu"), name="small.prototxt")
    assert (raised.value.line, raised.value.column) == (4, 25)
    assert "num_output" in str(raised.value)


def test_live_nets_are_those_alive():
    net = Net.from_text(TEXT)
    assert live_nets()[-1] is net
    ident = net.id
    del net
    gc.collect()
    assert ident not in [n.id for n in live_nets()]


def test_an_exception_in_a_layer_leaves_as_itself_with_its_place_and_the_net_stays_usable(net, monkeypatch):
    class TroubleError(Exception):
        pass

    def forward(self, bottom, top):
        raise TroubleError("as it was raised")

    seen = []
    net.hooks.layer_error.append(lambda index, method, error: seen.append((index, method, type(error))))
    with monkeypatch.context() as patch:
        patch.setattr(type(net.layers[1]), "forward", forward)
        with pytest.raises(TroubleError, match="as it was raised") as raised:
            net.forward()
    assert raised.value.__notes__ == [
        "in forward of layer 'ip' (InnerProduct), line 3 of <string>; bottoms: data (4, 3); tops: ip (4, 5)"
    ]
    assert seen == [(1, "forward", TroubleError)]
    assert net.running is None
    net.forward()


def test_a_layer_of_ones_own_without_methods_is_a_layer():
    layer = Layer()
    assert layer.forward([], []) is None
    assert layer.type == "Python"
    assert repr(layer) == "<Layer layer>"


def test_a_layer_says_its_class_and_the_shapes_of_its_parameters():
    net = Net.from_text(
        'layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 2 dim: 5 } } }'
        ' layer { name: "ip" type: "InnerProduct" bottom: "x" top: "y" inner_product_param { num_output: 3 } }'
    )
    assert repr(list(net.layers)) == "[<Input layer>, <InnerProduct layer: 3x5, 3>]"


def test_a_top_that_is_reshaped_in_forward_keeps_its_loss_weight_and_counts_as_a_revision(monkeypatch):
    class Growing(Layer):
        def reshape(self, bottom, top):
            top[0].reshape(1)

        def forward(self, bottom, top):
            top[0].reshape(6)
            top[0].data[...] = 1

    module = ModuleType("growing_layers")
    module.Growing = Growing
    monkeypatch.setitem(sys.modules, "growing_layers", module)
    net = Net.from_text(
        'layer { name: "grow" type: "Python" top: "y" loss_weight: 2'
        ' python_param { module: "growing_layers" layer: "Growing" } }'
    )
    assert net.forward_pass() == 12
    assert net.revision == 1


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Net(TEXT), r"a net's text, and the name of a file is asked for; Net\.from_text\(text\) takes"),
        (lambda: Net.from_text("net.prototxt"), r"'net\.prototxt' is the name of a file"),
        (lambda: Net(3), "a net is made from the name of a prototxt or a NetParameter, got int"),
        (lambda: Net.from_text('layer { name: "a" top: "b" }'), "layer 'a', line 1 of <string>: it has no type"),
    ],
)
def test_what_is_no_net_is_said(make, said):
    with pytest.raises((NetError, PrototxtError, TypeError), match=said):
        make()
