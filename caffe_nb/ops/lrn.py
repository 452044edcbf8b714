"""Local response normalization: each value divided by a power of the energy around it.

Images are ``(N, C, H, W)``. Source: Krizhevsky, Sutskever and Hinton, "ImageNet classification with deep convolutional
neural networks", 2012.
"""

from __future__ import annotations

from math import prod, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from caffe_nb import device
from caffe_nb.ops.cuda import launch
from caffe_nb.ops.jit import compiled
from caffe_nb.ops.parallel import run
from caffe_nb.ops.pooling import average_gradient, average_pool
from caffe_nb.ops.window import Window

Array = NDArray[Any]


def across_channels(images: Array, size: int, alpha: float, beta: float, k: float, scale: Array, out: Array) -> None:
    """Divide each value by the energy of the channels around it at its pixel.

    The energy is ``scale = k + alpha / size * sum(x²)`` over `size` channels, those beyond the first and the last
    counting as 0; the result is ``x * scale ^ -beta``.

    Parameters
    ----------
    images : (N, C, H, W) ndarray
        The images.
    size : int
        How many channels; odd.
    alpha, beta, k : float
        As above.
    scale : (N, C, H, W) ndarray
        Where to write the energies.
    out : (N, C, H, W) ndarray
        Where to write the result; neither `images` nor `scale`.
    """
    if device.holds(images):
        axes = images.shape[1], prod(images.shape[2:])
        launch("lrn", "across", out.size, images, scale, out, *axes, size, alpha / size, float(beta), float(k))
        return
    x, energy, y = _rows(images), _rows(scale, True), _rows(out, True)

    def some(start: int, stop: int) -> None:
        part = slice(start, stop)
        _across(x[part], size, alpha / size, beta, k, energy[part], y[part])

    run(some, len(x), x.size * size)


def across_channels_gradient(
    images: Array, scale: Array, gradient: Array, size: int, alpha: float, beta: float, out: Array
) -> None:
    """Compute the gradient of `across_channels` for the images.

    Parameters
    ----------
    images : (N, C, H, W) ndarray
        The images.
    scale : (N, C, H, W) ndarray
        The energies that the forward pass wrote.
    gradient : (N, C, H, W) ndarray
        The gradient of the result.
    size, alpha, beta
        As in the forward pass.
    out : (N, C, H, W) ndarray
        Where to write; it is overwritten, and is none of the others.
    """
    if device.holds(images):
        shares, power = device.namespace_of(images).empty_like(images), float(beta)
        launch("lrn", "shares", out.size, images, scale, gradient, shares, power)
        numbers = images.shape[1], prod(images.shape[2:]), size, 2 * alpha * beta / size, power
        launch("lrn", "across_gradient", out.size, images, scale, gradient, shares, out, *numbers)
        return
    x, energy, dy, dx = _rows(images), _rows(scale), _rows(gradient), _rows(out, True)

    def some(start: int, stop: int) -> None:
        part = slice(start, stop)
        _across_gradient(x[part], energy[part], dy[part], size, 2 * alpha * beta / size, beta, dx[part])

    run(some, len(x), x.size * size)


def within_channel(images: Array, size: int, alpha: float, beta: float, scale: Array, out: Array) -> None:
    """Divide each value by the energy of the pixels around it in its channel.

    The energy is ``scale = 1 + alpha * mean(x²)`` over a square of `size` by `size` pixels, those beyond the edges
    counting as 0; the result is ``x * scale ^ -beta``.

    Parameters
    ----------
    images : (N, C, H, W) ndarray
        The images.
    size : int
        Side of the square; odd.
    alpha, beta : float
        As above.
    scale : (N, C, H, W) ndarray
        Where to write the energies.
    out : (N, C, H, W) ndarray
        Where to write the result; neither `images` nor `scale`.
    """
    np.square(images, out=out)
    average_pool(out, _square(size), scale)
    scale *= alpha
    scale += 1
    np.power(scale, -beta, out=out)
    out *= images


def within_channel_gradient(
    images: Array, scale: Array, gradient: Array, size: int, alpha: float, beta: float, out: Array
) -> None:
    """Compute the gradient of `within_channel` for the images; parameters as in `across_channels_gradient`."""
    factor = np.power(scale, -beta)
    spread = factor / scale
    spread *= gradient
    spread *= images
    average_gradient(spread, _square(size), out)
    out *= images
    out *= -2 * alpha * beta
    factor *= gradient
    out += factor


def _square(size: int) -> Window:
    return Window((size, size), (1, 1), (size // 2, size // 2), (1, 1))


def _rows(array: Array, writable: bool = False) -> Array:
    """Return ``(N, C, H * W)``, read-only unless it is written: one type for each kernel to compile."""
    rows = array.reshape(*array.shape[:2], array.shape[2] * array.shape[3])
    if not writable:
        rows = rows.view()
        rows.flags.writeable = False
    return rows


@compiled
def _across(images: Any, size: Any, weight: Any, beta: Any, k: Any, scale: Any, out: Any) -> None:
    items, channels, pixels = images.shape
    energy = np.empty(pixels, images.dtype)
    for n in range(items):
        for c in range(channels):
            energy[:] = 0
            for other in range(max(0, c - size // 2), min(channels, c + size // 2 + 1)):
                for p in range(pixels):
                    energy[p] += images[n, other, p] * images[n, other, p]
            for p in range(pixels):
                scale[n, c, p] = k + weight * energy[p]
            if beta == 0.75:  # the usual one: two roots instead of a power, four times as fast
                for p in range(pixels):
                    root = sqrt(scale[n, c, p])
                    out[n, c, p] = images[n, c, p] / (root * sqrt(root))
            else:
                for p in range(pixels):
                    out[n, c, p] = images[n, c, p] * scale[n, c, p] ** -beta


@compiled
def _across_gradient(images: Any, scale: Any, gradient: Any, size: Any, ratio: Any, beta: Any, out: Any) -> None:
    items, channels, pixels = images.shape
    factor = np.empty((channels, pixels), images.dtype)  # scale ^ -beta
    share = np.empty((channels, pixels), images.dtype)  # what each channel's energy contributes
    total = np.empty(pixels, images.dtype)
    for n in range(items):
        for c in range(channels):
            if beta == 0.75:
                for p in range(pixels):
                    root = sqrt(scale[n, c, p])
                    factor[c, p] = 1 / (root * sqrt(root))
            else:
                for p in range(pixels):
                    factor[c, p] = scale[n, c, p] ** -beta
            for p in range(pixels):
                share[c, p] = gradient[n, c, p] * images[n, c, p] * factor[c, p] / scale[n, c, p]
        for c in range(channels):
            total[:] = 0
            for other in range(max(0, c - size // 2), min(channels, c + size // 2 + 1)):
                for p in range(pixels):
                    total[p] += share[other, p]
            for p in range(pixels):
                out[n, c, p] = gradient[n, c, p] * factor[c, p] - ratio * images[n, c, p] * total[p]
