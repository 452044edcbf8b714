"""Nets of 2013 and 2014, as today's Caffe reads them."""

from __future__ import annotations

import logging

import pytest

from caffe_nb.errors import FormatError
from caffe_nb.proto import caffe_pb2
from caffe_nb.proto.text import parse_net
from caffe_nb.proto.upgrade.v1 import type_name

V1 = """name: "v1"
layers { name: "d" type: DATA top: "x" top: "l" data_param { source: "db" batch_size: 2 backend: LMDB
  scale: 0.5 mean_file: "m" crop_size: 3 mirror: true } include { phase: TRAIN } }
layers { name: "c" type: CONVOLUTION bottom: "x" top: "c" blobs_lr: 1 blobs_lr: 2 weight_decay: 1 weight_decay: 0
  param: "w" param: "b" blob_share_mode: PERMISSIVE convolution_param { num_output: 4 kernel_size: 3 } }

layers { name: "s" type: SOFTMAX_LOSS bottom: "c" bottom: "l" top: "s" loss_weight: 0.5 exclude { stage: "t" }
  loss_param { ignore_label: 3 } }
"""

V0 = """input: "x" input_dim: 1 input_dim: 3 input_dim: 8 input_dim: 8
layers { layer { name: "p" type: "padding" pad: 2 } bottom: "x" top: "p" }
layers { layer { name: "c" type: "conv" num_output: 4 kernelsize: 5 stride: 2 group: 1 biasterm: false
  weight_filler { type: "gaussian" std: 0.5 } bias_filler { value: 1 } blobs_lr: 1 blobs_lr: 2 weight_decay: 1
  weight_decay: 0 } bottom: "p" top: "c" }
layers { layer { name: "q" type: "padding" pad: 1 } bottom: "c" top: "q" }
layers { layer { name: "m" type: "pool" pool: AVE kernelsize: 2 stride: 2 } bottom: "q" top: "m" }
"""


TODAYS = """
AbsVal Accuracy ArgMax BNLL Concat ContrastiveLoss Convolution Data Deconvolution Dropout DummyData Eltwise
EuclideanLoss Exp Flatten HDF5Data HDF5Output HingeLoss Im2col ImageData InfogainLoss InnerProduct LRN MVN MemoryData
MultinomialLogisticLoss Pooling Power ReLU Sigmoid SigmoidCrossEntropyLoss Silence Slice Softmax SoftmaxWithLoss Split
TanH Threshold WindowData
"""
V0_PLAIN = """
accuracy bnll euclidean_loss flatten im2col multinomial_logistic_loss relu sigmoid softmax softmax_loss split tanh
"""


def layer(text: str) -> caffe_pb2.LayerParameter:
    (only,) = parse_net(text).param.layer
    return only


def test_a_v1_net_is_the_net_it_would_be_written_as_today() -> None:
    source = parse_net(V1)
    today = """name: "v1"
    layer { name: "d" type: "Data" top: "x" top: "l" include { phase: TRAIN }
      data_param { source: "db" batch_size: 2 backend: LMDB }
      transform_param { scale: 0.5 mean_file: "m" crop_size: 3 mirror: true } }
    layer { name: "c" type: "Convolution" bottom: "x" top: "c"
      param { name: "w" share_mode: PERMISSIVE lr_mult: 1 decay_mult: 1 } param { name: "b" lr_mult: 2 decay_mult: 0 }
      convolution_param { num_output: 4 kernel_size: 3 } }
    layer { name: "s" type: "SoftmaxWithLoss" bottom: "c" bottom: "l" top: "s" loss_weight: 0.5
      exclude { stage: "t" } loss_param { ignore_label: 3 } }
    """
    assert source.param == parse_net(today).param
    assert source.lines == [2, 4, 7]


def test_a_v0_net_is_the_net_it_would_be_written_as_today() -> None:
    source = parse_net(V0)
    today = """layer { name: "input" type: "Input" top: "x" input_param { shape { dim: 1 dim: 3 dim: 8 dim: 8 } } }
    layer { name: "c" type: "Convolution" bottom: "x" top: "c" param { lr_mult: 1 decay_mult: 1 }
      param { lr_mult: 2 decay_mult: 0 } convolution_param { num_output: 4 kernel_size: 5 stride: 2 pad: 2 group: 1
      bias_term: false weight_filler { type: "gaussian" std: 0.5 } bias_filler { value: 1 } } }
    layer { name: "m" type: "Pooling" bottom: "c" top: "m"
      pooling_param { pool: AVE kernel_size: 2 stride: 2 pad: 1 } }
    """
    assert source.param == parse_net(today).param
    assert source.lines == [1, 3, 7]


V0_SETTINGS = {
    'type: "data" source: "s" batchsize: 2 rand_skip: 3': """
        type: "Data" data_param { source: "s" batch_size: 2 rand_skip: 3 }""",
    'type: "hdf5_data" source: "s" batchsize: 2': """
        type: "HDF5Data" hdf5_data_param { source: "s" batch_size: 2 }""",
    'type: "images" source: "s" batchsize: 2 rand_skip: 3 shuffle_images: true new_height: 4 new_width: 5': """
        type: "ImageData" image_data_param {
          source: "s" batch_size: 2 rand_skip: 3 shuffle: true new_height: 4 new_width: 5 }""",
    'type: "window_data" source: "s" batchsize: 2 det_fg_threshold: 0.1 det_bg_threshold: 0.2': """
        type: "WindowData" window_data_param { source: "s" batch_size: 2 fg_threshold: 0.1 bg_threshold: 0.2 }""",
    'type: "window_data" det_fg_fraction: 0.3 det_context_pad: 4 det_crop_mode: "square"': """
        type: "WindowData" window_data_param { fg_fraction: 0.3 context_pad: 4 crop_mode: "square" }""",
    'type: "data" scale: 0.5 meanfile: "m" cropsize: 3 mirror: true': """
        type: "Data" transform_param { scale: 0.5 mean_file: "m" crop_size: 3 mirror: true }""",
    'type: "dropout" dropout_ratio: 0.3': 'type: "Dropout" dropout_param { dropout_ratio: 0.3 }',
    'type: "lrn" local_size: 3 alpha: 0.1 beta: 0.2 k: 2': """
        type: "LRN" lrn_param { local_size: 3 alpha: 0.1 beta: 0.2 k: 2 }""",
    'type: "concat" concat_dim: 0': 'type: "Concat" concat_param { concat_dim: 0 }',
    'type: "infogain_loss" source: "s"': 'type: "InfogainLoss" infogain_loss_param { source: "s" }',
    'type: "hdf5_output" hdf5_output_param { file_name: "f" }': """
        type: "HDF5Output" hdf5_output_param { file_name: "f" }""",
    'type: "innerproduct" num_output: 3 biasterm: true weight_filler { value: 1 } bias_filler { value: 2 }': """
        type: "InnerProduct" inner_product_param {
          num_output: 3 bias_term: true weight_filler { value: 1 } bias_filler { value: 2 } }""",
}


@pytest.mark.parametrize(("old", "today"), V0_SETTINGS.items(), ids=V0_SETTINGS)
def test_every_v0_setting_has_its_place_today(old: str, today: str) -> None:
    assert layer(f'layers {{ layer {{ name: "a" {old} }} bottom: "x" top: "y" }}') == layer(
        f'layer {{ name: "a" {today} bottom: "x" top: "y" }}'
    )


def test_every_v1_type_is_a_type_of_today() -> None:
    names = {
        type_name(value.number)
        for value in caffe_pb2.V1LayerParameter.DESCRIPTOR.enum_types_by_name["LayerType"].values
    }
    assert names - {""} == set(TODAYS.split())


@pytest.mark.parametrize("name", V0_PLAIN.split())
def test_v0_types_without_settings(name: str) -> None:
    v1 = parse_net(f'layers {{ name: "a" type: {name.upper()} }}').param
    assert parse_net(f'layers {{ layer {{ name: "a" type: "{name}" }} }}').param == v1


@pytest.mark.parametrize(
    ("layers", "words"),
    [
        (
            'layers { layer { name: "r" type: "relu" } bottom: "p" top: "r" }',
            r"'r' \(relu\) reads the padding layer 'p'",
        ),
        (
            'layers { layer { name: "c" type: "conv" } bottom: "p" bottom: "x" top: "c" }',
            "exactly one bottom, .* got 2, 1 and 1",
        ),
        ('layers { layer { name: "i" type: "images" new_height: -1 } }', "'i': new_height cannot be -1"),
    ],
)
def test_what_was_never_right_is_refused_at_its_line(layers: str, words: str) -> None:
    pad = 'layers { layer { name: "p" type: "padding" pad: 2 } bottom: "x" top: "p" }\n'
    with pytest.raises(FormatError, match=f"line 3 of n: .*{words}"):
        parse_net(f'input: "x" input_dim: 1 input_dim: 1 input_dim: 1 input_dim: 1\n{pad}{layers}', "n")


def test_padding_that_was_overwritten_in_place_is_not_folded_twice() -> None:
    net = parse_net(V0 + 'layers { layer { name: "r" type: "relu" } bottom: "m" top: "p" }'
                    'layers { layer { name: "d" type: "conv" pad: 7 } bottom: "p" top: "d" }').param  # fmt: skip
    assert list(net.layer[-1].bottom) == ["p"]
    assert list(net.layer[-1].convolution_param.pad) == [7]


def test_settings_that_do_nothing_are_said(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "caffe_nb"):
        layer('layers { layer { name: "r" type: "relu" num_output: 3 } }')
        layer('layer { name: "d" type: "Data" data_param { crop_size: 3 } }')
    assert caplog.messages == [
        "layer 'r': num_output has no effect on the type 'relu'",
        "layer 'd': crop_size in data_param has no effect; move it to transform_param",
    ]


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_only_three_specs_of_a_batch_norm_are_zeroed(count: int) -> None:
    found = layer('layer { name: "b" type: "BatchNorm" ' + 'param { name: "s" lr_mult: 2 } ' * count + "}")
    multipliers = {(spec.name, spec.lr_mult, spec.decay_mult) for spec in found.param}
    assert multipliers == ({("s", 0, 0)} if count == 3 else {("s", 2, 1)})
