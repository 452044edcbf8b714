"""What Convolution, Pooling and InnerProduct refuse, and how they say it."""

from __future__ import annotations

import pytest
from google.protobuf import text_format

import caffe_nb.layers  # noqa: F401  (makes the types known)
from caffe_nb.core.blob import Blob
from caffe_nb.core.layer import Layer
from caffe_nb.core.registry import Context, create
from caffe_nb.errors import CaffeError, NetError, ShapeError
from caffe_nb.proto import caffe_pb2

X = (2, 3, 6, 5)


def built(text: str, bottoms: list[tuple[int, ...]], tops: int | None = None) -> tuple[Layer, list[Blob], list[Blob]]:
    param = text_format.Parse(text, caffe_pb2.LayerParameter())
    bottom, top = [Blob(*shape) for shape in bottoms], [Blob() for _ in range(tops or len(bottoms))]
    layer = create(param, Context())
    layer.setup(bottom, top)
    layer.reshape(bottom, top)
    return layer, bottom, top


@pytest.mark.parametrize(
    ("text", "shape", "message"),
    [
        ("kernel_size: 3", X, "num_output and group must be at least 1, got num_output 0"),
        ("num_output: 4", X, "kernel_size must be given once, or once for each of the 2.*it is given not at all"),
        ("num_output: 4 kernel_size: 3 kernel_size: 3 kernel_size: 3", X, "it is given 3 times"),
        ("num_output: 4 kernel_size: 3 kernel_h: 3", X, "either kernel_size or kernel_h and kernel_w, not both"),
        ("num_output: 4 kernel_h: 3", X, r"kernel must be at least 1 along every axis, got \(3, 0\)"),
        ("num_output: 4 kernel_h: 3 kernel_w: 3", (2, 3, 9), "for 2 spatial axes, not for 1; repeat kernel_size"),
        ("num_output: 4 kernel_size: 3 stride: 0", X, r"stride must be at least 1 along every axis, got \(0, 0\)"),
        ("num_output: 4 kernel_size: 3 dilation: 1 dilation: 0", X, "dilation must be at least 1"),
        ("num_output: 4 kernel_size: 3 pad: 1 pad_h: 1 pad_w: 1", X, "either pad or pad_h and pad_w"),
        ("num_output: 4 kernel_size: 3 group: 2", X, r"group \(2\) must divide both the channels \(3\) and num_output"),
        ("num_output: 4 kernel_size: 3 group: 3", X, r"group \(3\) must divide .* num_output \(4\)"),
        ("num_output: 3 kernel_size: 3 group: 0", X, "and group 0"),
        ("num_output: 4 kernel_size: 9", X, r"kernel \(9, 9\).*does not fit into an image of \(6, 5\)"),
        ("num_output: 4 kernel_size: 3 axis: 4", X, r"axis 4 does not exist in a blob of shape \(2, 3, 6, 5\)"),
    ],
)
def test_convolutions_that_are_refused(text: str, shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(CaffeError, match=message):
        built(f'type: "Convolution" convolution_param {{ {text} }}', [shape])


CONVOLUTION = 'type: "Convolution" convolution_param { num_output: 4 kernel_size: 3 }'


def test_the_bottoms_of_a_convolution_have_one_shape() -> None:
    with pytest.raises(ShapeError, match=r"one shape, got \(2, 3, 6, 5\) for bottom 0, \(2, 3, 7, 5\) for 1"):
        built(CONVOLUTION, [X, (2, 3, 7, 5)])


@pytest.mark.parametrize("shape", [(2, 4, 6, 5), (2, 3, 6), (2, 3, 6, 5, 5)])
def test_a_convolution_keeps_its_channels_and_axes(shape: tuple[int, ...]) -> None:
    layer, bottom, top = built(CONVOLUTION, [X])
    bottom[0].reshape(*shape)
    with pytest.raises(ShapeError, match=r"for 4 axes with 3 channels on axis 1, got a bottom of shape \(2, "):
        layer.reshape(bottom, top)


def test_a_convolution_takes_images_of_another_size() -> None:
    layer, bottom, top = built(CONVOLUTION, [X])
    bottom[0].reshape(1, 3, 9, 10)
    layer.reshape(bottom, top)
    assert top[0].shape == (1, 4, 7, 8)


@pytest.mark.parametrize(
    "text",
    [
        'type: "Convolution" convolution_param { num_output: 3 kernel_size: 1 }',
        'type: "Pooling" pooling_param { kernel_size: 1 }',
        'type: "InnerProduct" inner_product_param { num_output: 3 }',
    ],
)
def test_none_of_them_is_done_in_place(text: str) -> None:
    layer, blob = create(text_format.Parse(text, caffe_pb2.LayerParameter()), Context()), Blob(2, 3, 4, 4)
    with pytest.raises(NetError, match="cannot be done in place; give its top a name of its own"):
        layer.setup([blob], [blob])


@pytest.mark.parametrize(
    ("text", "shape", "message"),
    [
        ("", X, r"kernel and stride must be at least 1, got kernel \(0, 0\).*global_pooling: true"),
        ("kernel_size: 2 kernel_h: 2 kernel_w: 2", X, "either kernel_size or both kernel_h and kernel_w"),
        ("kernel_h: 2", X, "either kernel_size or both kernel_h and kernel_w"),
        ("kernel_size: 2 stride: 0", X, r"stride \(0, 0\)"),
        ("kernel_size: 2 stride: 2 stride_h: 1 stride_w: 1", X, "either stride or both stride_h and stride_w"),
        ("kernel_size: 2 pad_h: 1", X, "either pad or both pad_h and pad_w"),
        ("kernel_size: 2 pad: 2", X, r"pad must be less than the kernel, got pad \(2, 2\) and kernel \(2, 2\)"),
        ("kernel_size: 2 global_pooling: true", X, "leave out the kernel"),
        ("global_pooling: true stride: 2", X, "global_pooling needs pad 0 and stride 1"),
        ("pool: STOCHASTIC kernel_size: 3 pad: 1", X, "STOCHASTIC pooling does not take a pad"),
        ("kernel_size: 7", X, r"does not fit into an image of \(6, 5\)"),
        ("kernel_size: 2", (2, 3, 6), r"4 axes, \(N, C, H, W\), got shape \(2, 3, 6\)"),
    ],
)
def test_poolings_that_are_refused(text: str, shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(CaffeError, match=message):
        built(f'type: "Pooling" pooling_param {{ {text} }}', [shape])


def test_only_maxima_have_a_mask() -> None:
    with pytest.raises(NetError, match="AVE pooling has one top"):
        built('type: "Pooling" pooling_param { pool: AVE kernel_size: 2 }', [X], tops=2)


def test_global_pooling_follows_the_images() -> None:
    layer, bottom, top = built('type: "Pooling" pooling_param { pool: AVE global_pooling: true }', [X])
    bottom[0].reshape(2, 3, 10, 12)
    bottom[0].data = 2
    layer.reshape(bottom, top)
    layer.forward(bottom, top)
    assert top[0].shape == (2, 3, 1, 1)
    assert (top[0].const_data == 2).all()


def test_stochastic_pooling_has_a_gradient_in_training_only() -> None:
    text = 'type: "Pooling" phase: TEST pooling_param { pool: STOCHASTIC kernel_size: 2 }'
    param = text_format.Parse(text, caffe_pb2.LayerParameter())
    from caffe_nb.core.layer import Phase

    layer, bottom, top = create(param, Context(phase=Phase.TEST)), [Blob(*X)], [Blob()]
    layer.setup(bottom, top)
    layer.reshape(bottom, top)
    layer.forward(bottom, top)
    with pytest.raises(NetError, match="no gradient in the TEST phase"):
        layer.backward(top, [True], bottom)


@pytest.mark.parametrize(
    ("text", "message"),
    [("", "num_output must be at least 1, got 0"), ("num_output: 2 axis: 4", "axis 4 does not exist")],
)
def test_inner_products_that_are_refused(text: str, message: str) -> None:
    with pytest.raises(CaffeError, match=message):
        built(f'type: "InnerProduct" inner_product_param {{ {text} }}', [X])


def test_an_inner_product_keeps_its_number_of_inputs() -> None:
    layer, bottom, top = built('type: "InnerProduct" inner_product_param { num_output: 4 }', [X])
    bottom[0].reshape(5, 90)
    layer.reshape(bottom, top)
    assert top[0].shape == (5, 4)
    bottom[0].reshape(2, 3, 6, 6)
    with pytest.raises(ShapeError, match=r"for 90 inputs, but a bottom of shape \(2, 3, 6, 6\) has 108 from axis 1 on"):
        layer.reshape(bottom, top)
