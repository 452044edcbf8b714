"""Rows of Convolution and Deconvolution."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from tests.layers.case import Array, Case, normal


def convolution(
    stride: Sequence[int] = (1, 1), pad: Sequence[int] = (0, 0), dilation: Sequence[int] = (1, 1), group: int = 1
) -> Callable[..., Array]:
    """The definition: at every place of the output, the window times the kernels, summed."""

    def reference(x: Array, w: Array, b: Array | None = None) -> Array:
        kernel = w.shape[2:]
        x = np.pad(x, [(0, 0), (0, 0), *((p, p) for p in pad)])
        size = [
            (n - d * (k - 1) - 1) // s + 1 for n, k, s, d in zip(x.shape[2:], kernel, stride, dilation, strict=True)
        ]
        y = np.zeros((len(x), len(w), *size))
        of_group, to_group = w.shape[1], len(w) // group
        for place in np.ndindex(*size):
            window = tuple(
                slice(i * s, i * s + d * (k - 1) + 1, d)
                for i, s, k, d in zip(place, stride, kernel, dilation, strict=True)
            )
            for g in range(group):
                inputs = x[(slice(None), slice(g * of_group, (g + 1) * of_group), *window)].reshape(len(x), -1)
                kernels = w[g * to_group : (g + 1) * to_group].reshape(to_group, -1)
                y[(slice(None), slice(g * to_group, (g + 1) * to_group), *place)] = inputs @ kernels.T
        return y if b is None else y + b.reshape(-1, *(1 for _ in kernel))

    return reference


def deconvolution(
    stride: Sequence[int] = (1, 1), pad: Sequence[int] = (0, 0), dilation: Sequence[int] = (1, 1), group: int = 1
) -> Callable[..., Array]:
    """The definition: every pixel of the input puts the kernels, times its value, into the output."""

    def reference(x: Array, w: Array, b: Array | None = None) -> Array:
        kernel = w.shape[2:]
        to_group, of_group = w.shape[1], x.shape[1] // group
        padded = [
            s * (n - 1) + d * (k - 1) + 1 for n, k, s, d in zip(x.shape[2:], kernel, stride, dilation, strict=True)
        ]
        y = np.zeros((len(x), to_group * group, *padded))
        for place in np.ndindex(*x.shape[2:]):
            window = tuple(
                slice(i * s, i * s + d * (k - 1) + 1, d)
                for i, s, k, d in zip(place, stride, kernel, dilation, strict=True)
            )
            for c in range(x.shape[1]):
                g = c // of_group
                value = x[(slice(None), c, *place)].reshape(-1, *(1,) * (len(kernel) + 1))
                y[(slice(None), slice(g * to_group, (g + 1) * to_group), *window)] += value * w[c]
        inside = tuple(slice(p, n - p) for p, n in zip(pad, padded, strict=True))
        y = y[(slice(None), slice(None), *inside)]
        return y if b is None else y + b.reshape(-1, *(1 for _ in kernel))

    return reference


X = (2, 4, 6, 5)

CONVOLUTIONS = [
    Case(
        "Convolution",
        "plain",
        "convolution_param { num_output: 3 kernel_size: 3 }",
        (normal(*X),),
        shapes=((2, 3, 4, 3),),
        reference=convolution(),
    ),
    Case(
        "Convolution",
        "stride, pad and no bias",
        "convolution_param { num_output: 3 kernel_size: 3 stride: 2 pad: 1 bias_term: false }",
        (normal(*X),),
        reference=convolution(stride=(2, 2), pad=(1, 1)),
    ),
    Case(
        "Convolution",
        "rectangular",
        "convolution_param { num_output: 2 kernel_h: 2 kernel_w: 3 stride_h: 2 stride_w: 1 pad_h: 0 pad_w: 2 }",
        (normal(*X),),
        reference=convolution(stride=(2, 1), pad=(0, 2)),
    ),
    Case(
        "Convolution",
        "groups and dilation",
        "convolution_param { num_output: 6 kernel_size: 2 group: 2 dilation: 2 dilation: 3 }",
        (normal(*X),),
        reference=convolution(dilation=(2, 3), group=2),
    ),
    Case(
        "Convolution",
        "depthwise",
        "convolution_param { num_output: 4 kernel_size: 3 group: 4 pad: 1 }",
        (normal(*X),),
        reference=convolution(pad=(1, 1), group=4),
    ),
    Case(
        "Convolution",
        "one pixel",
        "convolution_param { num_output: 3 kernel_size: 1 }",
        (normal(*X),),
        reference=lambda x, w, b: np.einsum("nchw,oc->nohw", x, w[:, :, 0, 0]) + b[:, None, None],
    ),
    Case(
        "Convolution",
        "one spatial axis",
        "convolution_param { num_output: 3 kernel_size: 3 stride: 2 }",
        (normal(2, 4, 9),),
        reference=convolution(stride=(2,), pad=(0,), dilation=(1,)),
    ),
    Case(
        "Convolution",
        "three spatial axes",
        "convolution_param { num_output: 2 kernel_size: 2 pad: 1 pad: 0 pad: 0 }",
        (normal(2, 2, 3, 4, 3),),
        reference=convolution(stride=(1,) * 3, pad=(1, 0, 0), dilation=(1,) * 3),
    ),
    Case(
        "Convolution",
        "two bottoms",
        "convolution_param { num_output: 3 kernel_size: 3 }",
        (normal(*X), normal(*X)),
        tops=2,
        reference=lambda x1, x2, w, b: (convolution()(x1, w, b), convolution()(x2, w, b)),
    ),
    Case(
        "Convolution",
        "gradient of one bottom of two",
        "convolution_param { num_output: 3 kernel_size: 3 }",
        (normal(*X), normal(*X)),
        tops=2,
        propagate_down=(False, True),
    ),
    Case(
        "Convolution",
        "every other pixel in groups",
        "convolution_param { num_output: 6 kernel_size: 1 stride: 2 group: 2 }",
        (normal(*X),),
        shapes=((2, 6, 3, 3),),
        reference=convolution(stride=(2, 2), group=2),
    ),
    Case(
        "Convolution",
        "one pixel in groups",
        "convolution_param { num_output: 6 kernel_size: 1 group: 2 }",
        (normal(*X),),
        reference=convolution(group=2),
    ),
    Case(
        "Convolution",
        "channels on axis 2",
        "convolution_param { num_output: 2 kernel_size: 2 axis: -3 }",
        (normal(2, 3, 4, 3, 3),),
        shapes=((2, 3, 2, 2, 2),),
        reference=lambda x, w, b: np.stack([convolution()(item, w, b) for item in x]),
    ),
    Case(
        "Convolution",
        "a kernel larger than the image",
        "convolution_param { num_output: 3 kernel_size: 3 stride: 2 }",
        (normal(2, 4, 2, 2),),
        shapes=((2, 3, 1, 1),),
        reference=lambda x, w, b: convolution()(np.pad(x, [(0, 0), (0, 0), (0, 1), (0, 1)]), w, b),
    ),
    Case(
        "Convolution",
        "no spatial axis",
        "convolution_param { num_output: 3 kernel_size: 1 }",
        (normal(4, 5),),
        shapes=((4, 3),),
        reference=lambda x, w, b: x @ w.T + b,
    ),
    Case(
        "Convolution",
        "four spatial axes",
        "convolution_param { num_output: 2 kernel_size: 2 stride: 1 stride: 2 stride: 1 stride: 1 dilation: 1 "
        "dilation: 1 dilation: 2 dilation: 1 }",
        (normal(1, 2, 2, 3, 3, 2),),
        shapes=((1, 2, 1, 1, 1, 1),),
        reference=convolution(stride=(1, 2, 1, 1), pad=(0,) * 4, dilation=(1, 1, 2, 1)),
    ),
    Case(
        "Convolution",
        "settings that change nothing",
        "convolution_param { num_output: 3 kernel_size: 3 force_nd_im2col: true engine: CAFFE "
        'weight_filler { type: "xavier" } bias_filler { type: "constant" value: 1 } }',
        (normal(*X),),
        reference=convolution(),
    ),
    Case(
        "Convolution",
        "one pad of two",
        "convolution_param { num_output: 2 kernel_size: 3 pad_w: 1 }",
        (normal(*X),),
        reference=convolution(pad=(0, 1)),
    ),
    Case(
        "Convolution",
        "channels on axis 0",
        "convolution_param { num_output: 2 kernel_size: 2 axis: 0 }",
        (normal(4, 3, 3),),
        shapes=((2, 2, 2),),
        reference=lambda x, w, b: convolution()(x[None], w, b)[0],
        other_batch=False,
    ),
]

DECONVOLUTIONS = [
    Case(
        "Deconvolution",
        "plain",
        "convolution_param { num_output: 3 kernel_size: 3 }",
        (normal(2, 4, 4, 3),),
        shapes=((2, 3, 6, 5),),
        reference=deconvolution(),
    ),
    Case(
        "Deconvolution",
        "stride, pad and no bias",
        "convolution_param { num_output: 3 kernel_size: 4 stride: 2 pad: 1 bias_term: false }",
        (normal(2, 4, 4, 3),),
        shapes=((2, 3, 8, 6),),
        reference=deconvolution(stride=(2, 2), pad=(1, 1)),
    ),
    Case(
        "Deconvolution",
        "rectangular",
        "convolution_param { num_output: 2 kernel_h: 2 kernel_w: 3 stride_h: 3 stride_w: 1 pad_h: 0 pad_w: 2 }",
        (normal(2, 3, 4, 5),),
        shapes=((2, 2, 11, 3),),
        reference=deconvolution(stride=(3, 1), pad=(0, 2)),
    ),
    Case(
        "Deconvolution",
        "groups and dilation",
        "convolution_param { num_output: 6 kernel_size: 2 group: 2 stride: 2 dilation: 2 dilation: 3 }",
        (normal(2, 4, 3, 3),),
        reference=deconvolution(stride=(2, 2), dilation=(2, 3), group=2),
    ),
    Case(
        "Deconvolution",
        "bilinear by channel",
        "convolution_param { num_output: 3 kernel_size: 4 stride: 2 pad: 1 group: 3 bias_term: false "
        'weight_filler { type: "bilinear" } }',
        (normal(2, 3, 3, 3),),
        shapes=((2, 3, 6, 6),),
        reference=deconvolution(stride=(2, 2), pad=(1, 1), group=3),
    ),
    Case(
        "Deconvolution",
        "one pixel",
        "convolution_param { num_output: 3 kernel_size: 1 }",
        (normal(2, 4, 3, 3),),
        reference=deconvolution(),
    ),
    Case(
        "Deconvolution",
        "one spatial axis",
        "convolution_param { num_output: 3 kernel_size: 3 stride: 2 }",
        (normal(2, 4, 5),),
        shapes=((2, 3, 11),),
        reference=deconvolution(stride=(2,), pad=(0,), dilation=(1,)),
    ),
    Case(
        "Deconvolution",
        "three spatial axes",
        "convolution_param { num_output: 2 kernel_size: 2 stride: 2 pad: 1 pad: 0 pad: 0 }",
        (normal(2, 2, 2, 2, 3),),
        reference=deconvolution(stride=(2,) * 3, pad=(1, 0, 0), dilation=(1,) * 3),
    ),
    Case(
        "Deconvolution",
        "two bottoms",
        "convolution_param { num_output: 3 kernel_size: 3 }",
        (normal(2, 4, 3, 3), normal(2, 4, 3, 3)),
        tops=2,
        reference=lambda x1, x2, w, b: (deconvolution()(x1, w, b), deconvolution()(x2, w, b)),
    ),
    Case(
        "Deconvolution",
        "channels on axis 2",
        "convolution_param { num_output: 2 kernel_size: 2 axis: -3 }",
        (normal(2, 3, 4, 3, 3),),
        shapes=((2, 3, 2, 4, 4),),
        reference=lambda x, w, b: np.stack([deconvolution()(item, w, b) for item in x]),
    ),
]

ROWS = [*CONVOLUTIONS, *DECONVOLUTIONS]
