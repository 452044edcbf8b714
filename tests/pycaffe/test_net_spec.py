"""Nets written in Python come out as the text that pycaffe makes of them."""

import numpy as np
import pytest
from google.protobuf import text_format
from hypothesis import given
from hypothesis import strategies as st

import caffe
from caffe import layers as L
from caffe import params as P
from caffe.coord_map import AxisMismatchException, UndefinedMapException, coord_map_from_to, crop
from caffe.net_spec import assign_proto, param_name_dict
from caffe.proto import caffe_pb2


def text_of(spec):
    return text_format.Parse(str(spec.to_proto()), caffe_pb2.NetParameter())


def test_names_come_from_attributes_and_unnamed_tops_from_their_types():
    n = caffe.NetSpec()
    n.data, n.label = L.DummyData(shape=[dict(dim=[2, 3]), dict(dim=[2])], ntop=2)
    n["a/b"] = L.InnerProduct(L.ReLU(n.data), num_output=4)
    n.loss = L.SoftmaxWithLoss(n["a/b"], n.label)
    layers = {layer.name: layer for layer in text_of(n).layer}
    assert list(layers) == ["data", "ReLU1", "a/b", "loss"]
    assert list(layers["data"].top) == ["data", "label"]
    assert list(layers["a/b"].bottom) == ["ReLU1"]
    assert list(layers["loss"].bottom) == ["a/b", "label"]
    assert n.data is n["data"]
    assert list(n.tops) == ["data", "label", "a/b", "loss"]
    del n.loss
    assert "loss" not in n.tops


def test_in_place_no_tops_and_a_given_name():
    n = caffe.NetSpec()
    n.x = L.Input(shape=dict(dim=[1, 4]))
    n.y = L.ReLU(n.x, in_place=True)
    n.z = L.Sigmoid(n.y, name="other")
    n.quiet = L.Silence(n.z, ntop=0)
    layers = list(text_of(n).layer)
    assert [list(layer.top) for layer in layers] == [["x"], ["x"], ["z"], []]
    assert list(layers[2].bottom) == ["x"]
    assert [layer.name for layer in layers] == ["x", "y", "other", "quiet"]


def test_parameters_go_where_they_belong():
    n = caffe.NetSpec()
    n.data = L.Data(source="db", backend=P.Data.LMDB, batch_size=8, transform_param=dict(scale=0.5, mean_value=[1, 2]))
    n.conv = L.Convolution(
        n.data,
        num_output=np.int64(4),
        kernel_size=[3, 5],
        pad=1,
        weight_filler=dict(type="gaussian", std=0.25),
        param=[dict(lr_mult=1, decay_mult=1), dict(lr_mult=2, decay_mult=0)],
        include=dict(phase=caffe.TEST),
        loss_weight=0.5,
    )
    n.pool = L.Pooling(n.conv, pool=P.Pooling.AVE, pooling_param=dict(kernel_size=2))
    n.lrn = L.LRN(n.pool, norm_region="WITHIN_CHANNEL")
    data, conv, pool, lrn = text_of(n).layer
    assert (data.data_param.backend, list(data.transform_param.mean_value)) == (caffe_pb2.DataParameter.LMDB, [1, 2])
    assert (conv.convolution_param.num_output, list(conv.convolution_param.kernel_size)) == (4, [3, 5])
    assert list(conv.convolution_param.pad) == [1]
    assert conv.convolution_param.weight_filler.std == 0.25
    assert [(spec.lr_mult, spec.decay_mult) for spec in conv.param] == [(1, 1), (2, 0)]
    assert conv.include[0].phase == caffe_pb2.TEST
    assert list(conv.loss_weight) == [0.5]
    assert (pool.pooling_param.pool, pool.pooling_param.kernel_size) == (caffe_pb2.PoolingParameter.AVE, 2)
    assert lrn.lrn_param.norm_region == caffe_pb2.LRNParameter.WITHIN_CHANNEL


def test_python_layers_and_types_of_forks():
    n = caffe.NetSpec()
    n.rois = L.Python(module="proposal", layer="Proposal", param_str="{'stride': 4}")
    n.pool = L.ROIPooling(n.rois, n.rois, pooled_h=2, pooled_w=2, spatial_scale=0.25)
    rois, pool = text_of(n).layer
    assert (rois.python_param.module, rois.python_param.param_str) == ("proposal", "{'stride': 4}")
    assert pool.roi_pooling_param.spatial_scale == 0.25


def test_several_tops_give_one_net():
    data = L.Input(shape=dict(dim=[1, 2]))
    net = caffe.to_proto(L.ReLU(data), L.Sigmoid(data))
    assert [layer.name for layer in net.layer] == ["Input1", "ReLU1", "Sigmoid1"]
    assert [layer.type for layer in L.ReLU(data).to_proto().layer] == ["Input", "ReLU"]


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda x: L.Convolutoin(x, num_output=3).to_proto(), "no layer type is called 'Convolutoin'. Did you mean"),
        (lambda x: L.Convolution(x, num_outpt=3).to_proto(), "Convolution has no parameter 'num_outpt'. Did you mean"),
        (lambda x: L.Pooling(x, pool="MXA").to_proto(), "Did you mean 'MAX'"),
        (lambda x: L.ReLU(x, param=[3]).to_proto(), "give it a dict"),
        (lambda x: L.ReLU(L.Slice(x, ntop=2)), "It has several tops"),
        (lambda x: L.ReLU("x"), "is str, not a top"),
        (lambda x: L.Slice(x, ntop=2, in_place=True), "has one top"),
        (lambda x: setattr(caffe.NetSpec(), "a", 3), "'a' is given int"),
        (lambda x: P.Poling.MAX, "Did you mean 'Pooling'"),
        (lambda x: P.Pooling.MX, "'MX'. Did you mean 'MAX'"),
        (lambda x: caffe.NetSpec().nothing, "no top 'nothing'"),
        (lambda x: assign_proto(caffe_pb2.SolverParameter(), "base_lr", "fast"), "no value for 'base_lr'"),
    ],
)
def test_what_cannot_be_is_said(make, says):
    with pytest.raises((TypeError, AttributeError)) as error:
        make(L.Input(shape=dict(dim=[1])))
    assert says in str(error.value)


def test_every_types_parameters_are_known():
    names = param_name_dict()
    assert (names["Convolution"], names["InnerProduct"], names["Python"]) == ("convolution", "inner_product", "python")


@given(st.lists(st.sampled_from(["Convolution", "ReLU", "Concat", "Pooling"]), min_size=1, max_size=12), st.randoms())
def test_any_spec_builds_the_same_net_as_its_text(types, random):
    n = caffe.NetSpec()
    tops = [L.Input(shape=dict(dim=[1, 2, 6, 6]))]
    n.data = tops[0]
    for kind in types:
        x = random.choice(tops)
        extra = {"Convolution": dict(num_output=2, kernel_size=1), "Pooling": dict(kernel_size=1)}.get(kind, {})
        tops.append(getattr(L, kind)(*([x, x] if kind == "Concat" else [x]), **extra))
        if random.random() < 0.5:
            setattr(n, f"named{len(tops)}", tops[-1])
    n.last = L.Concat(*tops)
    net = caffe.Net(n.to_proto(), caffe.TEST)
    assert [layer.type for layer in net.layers if layer.type != "Split"] == [layer.type for layer in n.to_proto().layer]


def fcn(stride=2, kernel=3, pad=1):
    n = caffe.NetSpec()
    n.data = L.Input(shape=dict(dim=[1, 3, 20, 20]))
    n.conv = L.Convolution(n.data, num_output=4, kernel_size=3, stride=stride, pad=pad)
    n.relu = L.ReLU(n.conv, in_place=True)
    n.up = L.Deconvolution(n.relu, convolution_param=dict(num_output=2, kernel_size=kernel, stride=stride))
    return n


def test_a_crop_puts_every_pixel_on_its_own():
    n = fcn()
    n.score = crop(n.up, n.data)
    layer = n.to_proto().layer[-1]
    assert layer.crop_param.axis == 2
    assert list(layer.crop_param.offset) == [1]
    net = caffe.Net(n.to_proto(), caffe.TEST)
    assert net.blobs["score"].shape == (1, 2, 20, 20)


def test_maps_compose_and_invert():
    n = fcn()
    axis, a, b = coord_map_from_to(n.conv, n.data)
    assert (axis, a, b) == (1, 2, 0)
    axis, a, b = coord_map_from_to(n.relu, n.conv)
    assert (axis, a, b) == (None, 1, 0)


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda n: crop(n.conv, n.data), AssertionError),  # another scale
        (lambda n: crop(fcn(kernel=2, pad=3).up, n.data), RuntimeError),  # of another net
        (lambda n: crop(n.data, L.Convolution(n.data, kernel_size=3, pad=5)), AssertionError),  # begins outside
        (lambda n: crop(n.data, L.Convolution(n.data, kernel_size=2)), AssertionError),  # between two pixels
        (lambda n: coord_map_from_to(L.InnerProduct(n.conv, num_output=1), n.data), RuntimeError),
        (lambda n: caffe.coord_map.coord_map(L.Flatten(n.data).fn), UndefinedMapException),
        (lambda n: coord_map_from_to(crop_axis(n, 3), crop_axis(n, 2)), AxisMismatchException),
    ],
)
def test_what_has_no_map_is_refused(make, error):
    with pytest.raises(error):
        make(fcn())


def crop_axis(n, axis):
    return L.Crop(n.data, n.data, axis=axis, offset=0)
