"""Rows of the forks' layers that look at images: the definitions, pixel by pixel."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tests.layers.case import TEST, Array, Case, Input, given, normal
from tests.layers.rows.convolution import convolution


def masks(size: int, *shape: int) -> Input:
    """Draw for each image as many different pixels as it has values, from `size` of them."""

    def draw(rng: np.random.Generator, s: tuple[int, ...]) -> Array:
        images = [rng.permutation(size)[: s[2] * s[3]] for _ in range(s[0] * s[1])]
        return np.array(images).reshape(s)

    return Input(shape, draw)


def unpooled(height: int, width: int) -> Callable[[Array, Array], Array]:
    """Put each value to the pixel that the mask names."""

    def reference(x: Array, mask: Array) -> Array:
        y = np.zeros((*x.shape[:2], height, width))
        for place in np.ndindex(*x.shape):
            row, column = divmod(int(mask[place]), width)
            y[(*place[:2], row, column)] = x[place]
        return y

    return reference


def interpolated(height: int, width: int, begin: int = 0, end: int = 0) -> Callable[..., Array]:
    """Read each pixel between its four neighbours, corners on corners."""

    def reference(x: Array, *_: Array) -> Array:
        x = x[:, :, begin : x.shape[2] - end, begin : x.shape[3] - end]
        y = np.zeros((*x.shape[:2], height, width))
        for i, j in np.ndindex(height, width):
            at = [
                k * (old - 1) / (new - 1) if new > 1 else 0
                for k, old, new in zip((i, j), x.shape[2:], (height, width), strict=True)
            ]
            for row, column in np.ndindex(*x.shape[2:]):
                weight = max(0, 1 - abs(at[0] - row)) * max(0, 1 - abs(at[1] - column))
                y[:, :, i, j] += weight * x[:, :, row, column]
        return y

    return reference


def darknet(x: Array, stride: int, reverse: bool) -> Array:
    """Move every value as Darknet does, by its place in memory."""
    n, channels, height, width = x.shape
    few = channels // stride**2
    out = np.zeros(x.size)
    values = x.ravel()
    for b, k, j, i in np.ndindex(n, channels, height, width):
        small = i + width * (j + height * (k + channels * b))
        offset, c = divmod(k, few)
        column, row = i * stride + offset % stride, j * stride + offset // stride
        large = column + width * stride * (row + height * stride * (c + few * b))
        if reverse:
            out[large] = values[small]
        else:
            out[small] = values[large]
    if reverse:
        return out.reshape(n, few, height * stride, width * stride)
    return out.reshape(n, channels * stride**2, height // stride, width // stride)


def shuffled(x: Array, group: int) -> Array:
    """Take the first channel of each group, then the second of each, and so on."""
    each = x.shape[1] // group
    return x[:, [g * each + i for i in range(each) for g in range(group)]]


def batch_normalized(x: Array, slope: Array, bias: Array, *_: Array, eps: float) -> Array:
    axes = (0, *range(2, x.ndim))
    column = (1, -1, *[1] * (x.ndim - 2))
    normalized = (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + eps)
    y: Array = normalized * slope.reshape(column) + bias.reshape(column)
    return y


def stored(x: Array, slope: Array, bias: Array, mean: Array, variance: Array) -> Array:
    y: Array = slope * (x - mean) / np.sqrt(variance + 64) + bias
    return y


X = (2, 3, 4, 5)

UPSAMPLES = [
    Case(
        "Upsample",
        "to the mask's pixels",
        "",
        (normal(2, 3, 2, 3), masks(24, 2, 3, 2, 3)),
        shapes=((2, 3, 4, 6),),
        propagate_down=(True, False),
        reference=unpooled(4, 6),
    ),
    Case(
        "Upsample",
        "of a size",
        "upsample_param { upsample_h: 5 upsample_w: 7 }",
        (normal(2, 2, 3, 4), masks(35, 2, 2, 3, 4)),
        shapes=((2, 2, 5, 7),),
        propagate_down=(True, False),
        reference=unpooled(5, 7),
    ),
    Case(
        "Upsample",
        "of an odd extent",
        "upsample_param { scale: 2 pad_out_h: true }",
        (normal(2, 2, 3, 4), masks(40, 2, 2, 3, 4)),
        shapes=((2, 2, 5, 8),),
        propagate_down=(True, False),
        reference=unpooled(5, 8),
    ),
    Case(
        "Upsample",
        "the last of equal places",
        "",
        (given([[[[1, 2, 3]]]]), given([[[[4, 0, 4]]]])),
        propagate_down=(True, False),
        derivative=False,
        other_batch=False,
        reference=lambda x, mask: [[[[2, 0, 0, 0, 3, 0], [0] * 6]]],
    ),
    Case(
        "Upsample",
        "pixels repeated",
        "",
        (normal(*X),),
        shapes=((2, 3, 8, 10),),
        reference=lambda x: np.kron(x, np.ones((2, 2))),
    ),
    Case(
        "Upsample",
        "pixels repeated, rectangular",
        "upsample_param { scale_h: 3 scale_w: 1 }",
        (normal(*X),),
        shapes=((2, 3, 12, 5),),
        reference=lambda x: x.repeat(3, axis=2),
    ),
]

INTERPS = [
    Case(
        "Interp",
        "to a size",
        "interp_param { height: 7 width: 4 }",
        (normal(*X),),
        shapes=((2, 3, 7, 4),),
        reference=interpolated(7, 4),
    ),
    Case(
        "Interp",
        "to one row",
        "interp_param { height: 1 width: 9 }",
        (normal(*X),),
        reference=interpolated(1, 9),
    ),
    Case(
        "Interp",
        "zoomed",
        "interp_param { zoom_factor: 3 }",
        (normal(*X),),
        shapes=((2, 3, 10, 13),),
        reference=interpolated(10, 13),
    ),
    Case(
        "Interp",
        "shrunk",
        "interp_param { shrink_factor: 2 }",
        (normal(2, 3, 7, 6),),
        shapes=((2, 3, 4, 3),),
        reference=interpolated(4, 3),
    ),
    Case(
        "Interp",
        "shrunk, then zoomed",
        "interp_param { shrink_factor: 2 zoom_factor: 2 }",
        (normal(2, 3, 7, 6),),
        shapes=((2, 3, 7, 5),),
        reference=interpolated(7, 5),
    ),
    Case(
        "Interp",
        "cut off",
        "interp_param { height: 6 width: 5 pad_beg: -1 pad_end: -2 }",
        (normal(2, 2, 6, 7),),
        shapes=((2, 2, 6, 5),),
        reference=interpolated(6, 5, begin=1, end=2),
    ),
    Case(
        "Interp",
        "to another blob's size",
        "",
        (normal(*X), normal(2, 1, 6, 8)),
        shapes=((2, 3, 6, 8),),
        propagate_down=(True, False),
        reference=interpolated(6, 8),
    ),
    Case("Interp", "nothing to do", "interp_param { height: 4 width: 5 }", (normal(*X),), reference=lambda x: x),
]

CHANNELS = [
    Case(
        "Reorg",
        "by two",
        "reorg_param { stride: 2 }",
        (normal(2, 8, 4, 6),),
        shapes=((2, 32, 2, 3),),
        reference=lambda x: darknet(x, 2, reverse=False),
    ),
    Case(
        "Reorg",
        "by three and back",
        "reorg_param { stride: 3 reverse: true }",
        (normal(2, 18, 2, 3),),
        shapes=((2, 2, 6, 9),),
        reference=lambda x: darknet(x, 3, reverse=True),
    ),
    Case(
        "Axpy",
        "factors of four axes",
        "",
        (normal(2, 3, 1, 1), normal(*X), normal(*X)),
        shapes=(X,),
        reference=lambda a, x, y: a * x + y,
    ),
    Case(
        "Axpy",
        "factors of two axes",
        "",
        (normal(2, 3), normal(*X), normal(*X)),
        shapes=(X,),
        reference=lambda a, x, y: a[:, :, None, None] * x + y,
    ),
    Case(
        "ShuffleChannel",
        "three groups",
        "shuffle_channel_param { group: 3 }",
        (normal(2, 6, 3, 2),),
        shapes=((2, 6, 3, 2),),
        reference=lambda x: shuffled(x, 3),
    ),
    Case(
        "ShuffleChannel",
        "two groups of vectors",
        "shuffle_channel_param { group: 2 }",
        (normal(3, 10),),
        reference=lambda x: shuffled(x, 2),
    ),
]

DEPTHWISE = [
    Case(
        type,
        name,
        f"convolution_param {{ {text} }}",
        (normal(2, 4, 6, 5),),
        shapes=shapes,
        reference=reference,
    )
    for type in ("ConvolutionDepthwise", "DepthwiseConvolution")
    for name, text, shapes, reference in (
        (
            "three by three",
            "num_output: 4 kernel_size: 3 pad: 1",
            ((2, 4, 6, 5),),
            convolution(pad=(1, 1), group=4),
        ),
        (
            "its group said, no bias",
            "num_output: 4 kernel_size: 3 stride: 2 group: 4 bias_term: false",
            ((2, 4, 2, 2),),
            convolution(stride=(2, 2), group=4),
        ),
        (
            "two maps a channel",
            "num_output: 8 kernel_size: 2",
            ((2, 8, 5, 4),),
            convolution(group=4),
        ),
    )
]

NORMALIZATIONS = [
    Case(
        "BN",
        "train",
        bottoms=(normal(*X),),
        shapes=(X,),
        reference=lambda *blobs: batch_normalized(*blobs, eps=float(np.float32(1e-5))),
    ),
    Case(
        "BN",
        "eps and momentum of vectors",
        "bn_param { eps: 0.5 momentum: 0.5 }",
        (normal(6, 3),),
        reference=lambda *blobs: batch_normalized(*blobs, eps=0.5),
    ),
    Case(  # the eps outweighs a drawn variance that may be negative
        "BN",
        "test",
        "bn_param { eps: 64 }",
        (normal(*X),),
        phase=TEST,
        derivative=False,
        reference=stored,
    ),
    Case(
        "BN",
        "frozen",
        "bn_param { eps: 64 frozen: true }",
        (normal(*X),),
        derivative=False,
        reference=stored,
    ),
    Case(
        "BN",
        "SegNet's",
        "bn_param { scale_filler { value: 1 } shift_filler { value: 0.001 } }",
        (normal(*X),),
        phase=TEST,
        reference=lambda *blobs: batch_normalized(*blobs, eps=1e-9),
    ),
    Case(
        "BN",
        "SegNet's for inference",
        "bn_param { bn_mode: INFERENCE }",
        (normal(*X),),
        phase=TEST,
        reference=lambda x, scale, shift: scale * x + shift,
    ),
]

STATISTICS = Case(
    "BN",
    "SegNet's with its statistics",
    "bn_param { bn_mode: LEARN }",
    (normal(*X),),
    tops=3,
    silent_tops=(1, 2),
    shapes=(X, (1, 3, 1, 1), (1, 3, 1, 1)),
    reference=lambda x, scale, shift: (
        batch_normalized(x, scale, shift, eps=1e-9),
        x.mean((0, 2, 3)).reshape(1, 3, 1, 1),
        x.var((0, 2, 3)).reshape(1, 3, 1, 1),
    ),
)

ROWS = [*UPSAMPLES, *INTERPS, *CHANNELS, *DEPTHWISE, *NORMALIZATIONS, STATISTICS]
