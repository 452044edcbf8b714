"""Rows of the layers that look at images through windows."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from tests.layers.case import TEST, Array, Case, distinct, given, normal, positive
from tests.layers.rows import convolution


def pooling(kernel: tuple[int, int], stride: tuple[int, int], pad: tuple[int, int], pool: str) -> Callable[..., Array]:
    """The definition with Caffe's rules: rounded up, no window begins beyond the image, means count the padding."""

    def reference(x: Array) -> Array:
        size = []
        for n, k, s, p in zip(x.shape[2:], kernel, stride, pad, strict=True):
            length = -((n + 2 * p - k) // -s) + 1
            size.append(length - 1 if p and (length - 1) * s >= n + p else length)
        y = np.zeros((*x.shape[:2], *size))
        for place in np.ndindex(*size):
            starts = [i * s - p for i, s, p in zip(place, stride, pad, strict=True)]
            rows, columns = (slice(max(a, 0), a + k) for a, k in zip(starts, kernel, strict=True))
            window = x[:, :, rows, columns]
            if pool == "MAX":
                value = window.max(axis=(2, 3))
            else:
                ends = [min(a + k, n + p) for a, k, n, p in zip(starts, kernel, x.shape[2:], pad, strict=True)]
                value = window.sum(axis=(2, 3)) / np.prod([b - a for a, b in zip(starts, ends, strict=True)])
            y[(..., *place)] = value
        return y

    return reference


def columns(
    kernel: Sequence[int],
    stride: Sequence[int] = (1, 1),
    pad: Sequence[int] = (0, 0),
    dilation: Sequence[int] = (1, 1),
) -> Callable[[Array], Array]:
    """The definition: a convolution whose kernels each have a single 1, at one tap of one channel."""

    def reference(x: Array) -> Array:
        taps = int(np.prod(kernel))
        picks = np.eye(x.shape[1] * taps).reshape(-1, x.shape[1], *kernel)
        return convolution.convolution(stride, pad, dilation)(x, picks)

    return reference


def weighted_mean(x: Array) -> Array:
    """The mean along the last axis in which every value is weighted by itself."""
    mean: Array = (x * x).sum(axis=-1) / x.sum(axis=-1)
    return mean


def pyramid(height: int, reduce: Callable[..., Array]) -> Callable[[Array], Array]:
    """The definition, for images that the windows divide evenly."""

    def reference(x: Array) -> Array:
        levels = []
        for level in range(height):
            bins = 2**level
            n, c, h, w = x.shape
            parts = x.reshape(n, c, bins, h // bins, bins, w // bins)
            levels.append(reduce(parts, axis=(3, 5)).reshape(n, -1))
        return np.concatenate(levels, axis=1)

    return reference


X = (2, 4, 6, 5)

COLUMNS = [
    Case(
        "Im2col",
        "plain",
        "convolution_param { kernel_size: 3 }",
        (normal(*X),),
        shapes=((2, 36, 4, 3),),
        reference=columns((3, 3)),
    ),
    Case(
        "Im2col",
        "rectangular, stride, pad and dilation",
        "convolution_param { kernel_h: 2 kernel_w: 3 stride_h: 2 stride_w: 1 pad_h: 0 pad_w: 2 dilation: 2 "
        "dilation: 1 }",
        (normal(*X),),
        reference=columns((2, 3), stride=(2, 1), pad=(0, 2), dilation=(2, 1)),
    ),
    Case(
        "Im2col",
        "one spatial axis",
        "convolution_param { kernel_size: 3 stride: 2 pad: 1 }",
        (normal(2, 4, 9),),
        reference=columns((3,), stride=(2,), pad=(1,), dilation=(1,)),
    ),
    Case(
        "Im2col",
        "three spatial axes",
        "convolution_param { kernel_size: 2 force_nd_im2col: true }",
        (normal(2, 2, 3, 4, 3),),
        shapes=((2, 16, 2, 3, 2),),
        reference=columns((2, 2, 2), stride=(1,) * 3, pad=(0,) * 3, dilation=(1,) * 3),
    ),
    Case(
        "Im2col",
        "channels on axis 2",
        "convolution_param { kernel_size: 2 axis: 2 }",
        (normal(2, 3, 4, 3, 3),),
        shapes=((2, 3, 16, 2, 2),),
        reference=lambda x: np.stack([columns((2, 2))(item) for item in x]),
    ),
]

CROPS = [
    Case(
        "Crop",
        "plain",
        "",
        (normal(*X), normal(2, 1, 3, 4)),
        shapes=((2, 4, 3, 4),),
        reference=lambda x, r: x[:, :, :3, :4],
    ),
    Case(
        "Crop",
        "one offset",
        "crop_param { offset: 1 }",
        (normal(*X), normal(2, 1, 5, 2)),
        reference=lambda x, r: x[:, :, 1:6, 1:3],
    ),
    Case(
        "Crop",
        "an offset for each axis",
        "crop_param { axis: 1 offset: 2 offset: 0 offset: 3 }",
        (normal(*X), normal(2, 1, 5, 2)),
        shapes=((2, 1, 5, 2),),
        reference=lambda x, r: x[:, 2:3, 0:5, 3:5],
    ),
    Case(
        "Crop",
        "the last axis",
        "crop_param { axis: -1 offset: 2 }",
        (normal(3, 6), normal(5, 2)),
        shapes=((3, 2),),
        reference=lambda x, r: x[:, 2:4],
        propagate_down=(True, False),
    ),
    Case(
        "Crop",
        "the batch",
        "crop_param { axis: 0 }",
        (normal(3, 6, 2), normal(2, 5, 1, 7)),
        shapes=((2, 5, 1),),
        reference=lambda x, r: x[:2, :5, :1],
        other_batch=False,
    ),
]

PYRAMIDS = [
    Case(
        "SPP",
        "maximum",
        "spp_param { pyramid_height: 3 }",
        (distinct(2, 3, 8, 4),),
        shapes=((2, 63),),
        reference=pyramid(3, np.max),
    ),
    Case(
        "SPP",
        "mean",
        "spp_param { pyramid_height: 2 pool: AVE engine: CAFFE }",
        (normal(2, 3, 6, 4),),
        shapes=((2, 15),),
        reference=pyramid(2, np.mean),
    ),
    Case(
        "SPP",
        "of images that do not divide evenly",
        "spp_param { pyramid_height: 3 }",
        (distinct(2, 2, 7, 9),),
        shapes=((2, 42),),
    ),
    Case(
        "SPP",
        "one level",
        "spp_param { pyramid_height: 1 }",
        (distinct(2, 3, 5, 4),),
        shapes=((2, 3, 1, 1),),
        reference=lambda x: x.max(axis=(2, 3), keepdims=True),
    ),
    Case(
        "SPP",
        "stochastic",
        "spp_param { pyramid_height: 2 pool: STOCHASTIC }",
        (positive(2, 3, 4, 4),),
        shapes=((2, 15),),
        random=True,
        derivative=False,
    ),
    Case(
        "SPP",
        "stochastic in test",
        "spp_param { pyramid_height: 2 pool: STOCHASTIC }",
        (positive(2, 3, 4, 4),),
        phase=TEST,
        propagate_down=(False,),
        reference=lambda x: pyramid(2, np.sum)(x * x) / pyramid(2, np.sum)(x),
    ),
]

POOLINGS = [
    Case(
        "Pooling",
        "maximum",
        "pooling_param { kernel_size: 2 stride: 2 }",
        (distinct(2, 3, 6, 4),),
        shapes=((2, 3, 3, 2),),
        reference=pooling((2, 2), (2, 2), (0, 0), "MAX"),
    ),
    Case(
        "Pooling",
        "maximum, rounded up",
        "pooling_param { kernel_size: 3 stride: 2 }",
        (distinct(2, 3, 6, 8),),
        shapes=((2, 3, 3, 4),),
        reference=pooling((3, 3), (2, 2), (0, 0), "MAX"),
    ),
    Case(
        "Pooling",
        "maximum, padded",
        "pooling_param { kernel_size: 3 stride: 2 pad: 1 }",
        (distinct(2, 3, 6, 5),),
        reference=pooling((3, 3), (2, 2), (1, 1), "MAX"),
    ),
    Case(
        "Pooling",
        "maximum, a window beyond the image",
        "pooling_param { kernel_size: 2 stride: 2 pad: 1 }",
        (distinct(2, 3, 5, 5),),
        shapes=((2, 3, 3, 3),),
        reference=pooling((2, 2), (2, 2), (1, 1), "MAX"),
    ),
    Case(
        "Pooling",
        "maximum with its mask",
        "pooling_param { kernel_size: 2 stride: 2 }",
        (distinct(2, 3, 4, 4),),
        tops=2,
        shapes=((2, 3, 2, 2), (2, 3, 2, 2)),
        silent_tops=(1,),
    ),
    Case(
        "Pooling",
        "the first of equal maxima",
        "pooling_param { kernel_size: 2 }",
        (given([[[[1, 1, 1], [1, 1, 1]]]]),),
        tops=2,
        silent_tops=(1,),
        derivative=False,
        other_batch=False,
        reference=lambda x: ([[[[1, 1]]]], [[[[0, 1]]]]),
    ),
    Case(
        "Pooling",
        "mean",
        "pooling_param { pool: AVE kernel_size: 3 stride: 2 pad: 1 }",
        (normal(2, 3, 6, 5),),
        reference=pooling((3, 3), (2, 2), (1, 1), "AVE"),
    ),
    Case(
        "Pooling",
        "mean, rectangular",
        "pooling_param { pool: AVE kernel_h: 2 kernel_w: 3 stride_h: 1 stride_w: 2 pad_h: 0 pad_w: 1 }",
        (normal(2, 3, 6, 5),),
        reference=pooling((2, 3), (1, 2), (0, 1), "AVE"),
    ),
    Case(
        "Pooling",
        "mean, rounded down",
        "pooling_param { pool: AVE kernel_size: 3 stride: 2 round_mode: FLOOR }",
        (normal(2, 3, 6, 8),),
        shapes=((2, 3, 2, 3),),
    ),
    Case(
        "Pooling",
        "maximum, rounded down as forks say it",
        "pooling_param { kernel_size: 3 stride: 2 ceil_mode: false engine: MKL2017 }",
        (distinct(2, 3, 6, 8),),
        shapes=((2, 3, 2, 3),),
        reference=lambda x: pooling((3, 3), (2, 2), (0, 0), "MAX")(x[:, :, :5, :7]),
    ),
    Case(
        "Pooling",
        "maximum, rounded up as forks say it",
        "pooling_param { kernel_size: 3 stride: 2 ceil_mode: true }",
        (distinct(2, 3, 6, 8),),
        shapes=((2, 3, 3, 4),),
        reference=pooling((3, 3), (2, 2), (0, 0), "MAX"),
    ),
    Case(
        "Pooling",
        "mean of the whole image",
        "pooling_param { pool: AVE global_pooling: true }",
        (normal(2, 3, 6, 5),),
        shapes=((2, 3, 1, 1),),
        reference=lambda x: x.mean(axis=(2, 3), keepdims=True),
    ),
    Case(
        "Pooling",
        "stochastic",
        "pooling_param { pool: STOCHASTIC kernel_size: 2 stride: 2 }",
        (positive(2, 3, 4, 4),),
        shapes=((2, 3, 2, 2),),
        random=True,
        derivative=False,
    ),
    Case(
        "Pooling",
        "stochastic with its mask",
        "pooling_param { pool: STOCHASTIC kernel_size: 2 stride: 2 }",
        (positive(2, 3, 4, 4),),
        tops=2,
        random=True,
        derivative=False,
        silent_tops=(1,),
    ),
    Case(
        "Pooling",
        "stochastic in test",
        "pooling_param { pool: STOCHASTIC kernel_h: 2 kernel_w: 4 stride_h: 2 stride_w: 4 }",
        (positive(2, 3, 4, 4),),
        phase=TEST,
        propagate_down=(False,),
        reference=lambda x: weighted_mean(x.reshape(len(x), 3, 2, 8))[..., None],
    ),
    Case(
        "Pooling",
        "maximum of the whole image",
        "pooling_param { global_pooling: true engine: CAFFE }",
        (distinct(2, 3, 6, 5),),
        shapes=((2, 3, 1, 1),),
        reference=lambda x: x.max(axis=(2, 3), keepdims=True),
    ),
    Case(
        "Pooling",
        "maximum, rounded down and padded on one side",
        "pooling_param { kernel_h: 3 kernel_w: 2 stride: 2 pad_h: 1 pad_w: 0 round_mode: FLOOR }",
        (distinct(2, 3, 6, 5),),
        shapes=((2, 3, 3, 2),),
    ),
]

ROWS = [*convolution.ROWS, *COLUMNS, *CROPS, *POOLINGS, *PYRAMIDS]
