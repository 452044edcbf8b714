"""Bilinear resizing of images, the centres of the corner pixels onto each other."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from caffe_nb import device
from caffe_nb.ops.cuda import in_one_piece, launch
from caffe_nb.ops.jit import compiled

Array = NDArray[Any]
Steps = tuple[Array, Array, Array]


def interpolate(images: Array, out: Array) -> None:
    """Read every pixel of `out` between its four neighbours.

    Parameters
    ----------
    images : (N, C, H, W) ndarray
        The images.
    out : (N, C, h, w) ndarray
        Where to write; pixel i of h lies at ``i (H - 1) / (h - 1)``, the only one of one row at 0.
    """
    if device.holds(images):
        whole = in_one_piece(images)  # of images with their borders cut off
        launch("interpolation", "interpolate", out.size, whole, out, *images.shape[2:], *out.shape[2:])
        return
    steps = _steps(images.shape[2], out.shape[2]), _steps(images.shape[3], out.shape[3])
    _interpolate(images, *steps[0], *steps[1], out)


def interpolation_gradient(gradient: Array, out: Array) -> None:
    """Give the gradient of every pixel to the four pixels that it was read from, by their weights.

    Parameters
    ----------
    gradient : (N, C, h, w) ndarray
        The gradient of the result.
    out : (N, C, H, W) ndarray
        Overwritten with that of the images.
    """
    if device.holds(out):
        whole = out if out.flags.c_contiguous else device.namespace_of(out).empty_like(out, order="C")
        extents = (*out.shape[2:], *gradient.shape[2:])
        launch("interpolation", "interpolation_gradient", out.size, gradient, whole, *extents)
        if whole is not out:
            out[...] = whole
        return
    out[...] = 0
    steps = _steps(out.shape[2], gradient.shape[2]), _steps(out.shape[3], gradient.shape[3])
    _interpolation_gradient(gradient, *steps[0], *steps[1], out)


def _steps(old: int, new: int) -> Steps:
    """Return both neighbours of each new pixel along an axis, and the weight of the second."""
    numbers = np.arange(new) * (old - 1)  # whole numbers, so that a pixel that lies on one is read from it alone
    low, rest = np.divmod(numbers, max(1, new - 1))
    return low, np.where(rest > 0, low + 1, low), rest / max(1, new - 1)


@compiled
def _interpolate(
    images: Array, up: Array, down: Array, under: Array, left: Array, right: Array, beside: Array, out: Array
) -> None:
    for n in range(out.shape[0]):
        for c in range(out.shape[1]):
            image = images[n, c]
            for i in range(out.shape[2]):
                v = under[i]
                for j in range(out.shape[3]):
                    h = beside[j]
                    above = image[up[i], left[j]]
                    if h > 0:
                        above = (1 - h) * above + h * image[up[i], right[j]]
                    if v > 0:
                        below = image[down[i], left[j]]
                        if h > 0:
                            below = (1 - h) * below + h * image[down[i], right[j]]
                        above = (1 - v) * above + v * below
                    out[n, c, i, j] = above


@compiled
def _interpolation_gradient(
    gradient: Array, up: Array, down: Array, under: Array, left: Array, right: Array, beside: Array, out: Array
) -> None:
    for n in range(gradient.shape[0]):
        for c in range(gradient.shape[1]):
            image = out[n, c]
            for i in range(gradient.shape[2]):
                v = under[i]
                for j in range(gradient.shape[3]):
                    h = beside[j]
                    value = gradient[n, c, i, j]
                    image[up[i], left[j]] += (1 - v) * (1 - h) * value
                    if h > 0:
                        image[up[i], right[j]] += (1 - v) * h * value
                    if v > 0:
                        image[down[i], left[j]] += v * (1 - h) * value
                    if v > 0 and h > 0:
                        image[down[i], right[j]] += v * h * value
