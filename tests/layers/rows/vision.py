"""Rows of the layers that look at images through windows."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from tests.layers.case import TEST, Array, Case, distinct, given, normal, positive


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
        "stochastic in test",
        "pooling_param { pool: STOCHASTIC kernel_size: 2 stride: 2 }",
        (positive(2, 3, 4, 4),),
        phase=TEST,
        propagate_down=(False,),
    ),
]

ROWS = [*CONVOLUTIONS, *POOLINGS]
