"""Coordinate maps, beside where nets really look: the middle of what a pixel depends on, and of what depends on it."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.typing import NDArray

import caffe
from caffe import layers as L
from caffe.coord_map import coord_map_from_to, crop

KERNELS, PADS, STRIDES = st.integers(1, 4), st.integers(0, 3), st.integers(1, 3)
ONES = dict(weight_filler=dict(type="constant", value=1))
SIDE = 24


def spec() -> Any:
    n = caffe.NetSpec()
    n.data = L.Input(shape=dict(dim=[1, 1, SIDE, SIDE]))
    return n


def built(n: Any) -> caffe.Net:
    param = n.to_proto()
    param.force_backward = True
    return caffe.Net(param, caffe.TEST)


def middle(picture: NDArray[Any]) -> NDArray[Any]:
    """Return row and column of the centre of mass."""
    places = np.indices(picture.shape)
    return (places * picture).sum((1, 2)) / picture.sum()


def sees(net: caffe.Net, top: str, place: tuple[int, int]) -> NDArray[Any]:
    """Return the gradient of one pixel of a top by the data."""
    net.forward()
    net.blobs[top].diff[...] = 0
    net.blobs[top].diff[(0, 0, *place)] = 1
    net.backward(start=net.nodes[-1].name)
    return net.blobs["data"].diff[0, 0]


def is_inside(picture: NDArray[Any]) -> bool:
    """Whether there is something, of which nothing was cut off at the edges."""
    return bool(picture.any()) and not any(
        edge.any() for edge in (picture[0], picture[-1], picture[:, 0], picture[:, -1])
    )


@given(st.lists(st.tuples(KERNELS, PADS, STRIDES, st.booleans()), min_size=1, max_size=2), st.data())
def test_a_pixel_looks_at_what_lies_where_its_map_says(steps: list[Any], data: st.DataObject) -> None:
    n = spec()
    top = n.data
    for kernel, widest, stride, pooled in steps:
        pad = min(widest, kernel - 1)  # a window that saw padding only would be cut off without touching an edge
        if pooled:
            top = L.Pooling(top, pool=1, kernel_size=kernel, pad=pad, stride=stride)
        else:
            top = L.Convolution(top, num_output=1, kernel_size=kernel, pad=pad, stride=stride, **ONES)
        top = L.ReLU(top)
    n.top = top
    net = built(n)
    rows, columns = net.blobs["top"].shape[2:]
    place = data.draw(st.tuples(st.integers(0, rows - 1), st.integers(0, columns - 1)))
    net.blobs["data"].data[...] = 1  # so that the ReLUs let everything through
    seen = sees(net, "top", place)
    assume(all(is_inside(blob.diff[0, 0]) for name, blob in net.blobs.items() if name != "top"))
    _, a, b = coord_map_from_to(n.top, n.data)
    np.testing.assert_allclose(middle(seen), np.array(place) * a + b, atol=1e-4)


@given(KERNELS, PADS, STRIDES, st.tuples(st.integers(0, SIDE - 1), st.integers(0, SIDE - 1)))
def test_a_deconvolution_spreads_a_pixel_around_where_its_map_says(
    kernel: int, pad: int, stride: int, place: tuple[int, int]
) -> None:
    assume(pad < kernel)
    n = spec()
    shape = dict(num_output=1, kernel_size=kernel, pad=pad, stride=stride, bias_term=False, **ONES)
    n.top = L.Deconvolution(n.data, convolution_param=shape)
    net = built(n)
    data = np.zeros((1, 1, SIDE, SIDE))
    data[(0, 0, *place)] = 1
    reached = net.forward(data=data)["top"][0, 0]
    assume(is_inside(reached))
    _, a, b = coord_map_from_to(n.data, n.top)
    np.testing.assert_allclose(middle(reached), np.array(place) * a + b, atol=1e-4)


@given(st.integers(1, 4), st.integers(1, 4), st.integers(0, 6), st.data())
def test_a_cropped_score_lies_on_its_own_pixel(stride: int, kernel: int, pad: int, data: st.DataObject) -> None:
    assume((kernel - stride) % 2 == 0)  # else the scores would lie between the pixels
    n = spec()
    n.down = L.Convolution(n.data, num_output=1, kernel_size=kernel, pad=pad + kernel, stride=stride, **ONES)
    bilinear = dict(kernel_size=2 * stride - stride % 2, pad=stride // 2, stride=stride)
    n.up = L.Deconvolution(
        n.down, convolution_param=dict(num_output=1, weight_filler=dict(type="bilinear"), bias_term=False, **bilinear)
    )
    n.score = crop(n.up, n.data)
    net = built(n)
    assert net.blobs["score"].shape == net.blobs["data"].shape
    edge = kernel + stride
    place = data.draw(st.tuples(*[st.integers(edge, SIDE - 1 - edge)] * 2))
    np.testing.assert_allclose(middle(sees(net, "score", place)), place, atol=1e-4)
