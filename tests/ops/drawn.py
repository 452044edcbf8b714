"""What hypothesis draws for the array kernels: windows, and images that they fit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import assume, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from caffe_nb.ops.window import Window
from tests.ops import naive

relaxed = settings(deadline=None)
"""The first call of a kernel compiles it."""


@dataclass(frozen=True)
class Scene:
    """A batch of images and a window that fits at least once."""

    images: NDArray[Any]
    window: Window
    output: tuple[int, ...]


@st.composite
def scenes(draw: st.DrawFn, axes: st.SearchStrategy[int] | None = None, pooled: bool = False) -> Scene:
    """Images of one to three axes, kernels of any stride, pad and dilation; pools have two axes and no dilation."""
    count = 2 if pooled else draw(axes or st.integers(1, 3))
    longest = 9 if count < 3 else 5

    def numbers(least: int, most: int) -> tuple[int, ...]:
        return tuple(draw(st.lists(st.integers(least, most), min_size=count, max_size=count)))

    kernel = numbers(1, 4)
    pad = tuple(draw(st.integers(0, k - 1 if pooled else 2)) for k in kernel)
    window = Window(kernel, numbers(1, 3), pad, (1,) * count if pooled else numbers(1, 3))
    spatial = numbers(1, longest)
    if pooled:
        axes_of = zip(spatial, kernel, window.stride, pad, strict=True)
        output = tuple(naive.pooled_length(*lengths, padded=any(pad)) for lengths in axes_of)
    else:
        output = naive.output_shape(spatial, window)
    assume(min(output) >= 1)
    shape = (draw(st.integers(1, 3)), draw(st.integers(1, 3)), *spatial)
    # few different values, so that there are ties
    images = np.random.default_rng(draw(st.integers(0, 99))).integers(-3, 4, shape).astype(np.float64)
    return Scene(images, window, output)
