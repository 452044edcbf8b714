"""im2col and its adjoint col2im, for images with any number of spatial axes.

Columns are laid out channel first, image after: ``(channels, *kernel, images, *output)``. A convolution of several
images is then one matrix product, whose left factor is Caffe's weight matrix.
"""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from caffe_nb import device
from caffe_nb.ops.window import Window

Array = NDArray[Any]


def columns_shape(images: tuple[int, ...], window: Window) -> tuple[int, ...]:
    """Return the shape of the columns of images of this shape, ``(channels, *kernel, images, *output)``."""
    number, channels, *spatial = images
    return (channels, *window.kernel, number, *window.output_shape(tuple(spatial)))


def im2col(images: Array, window: Window, out: Array | None = None) -> Array:
    """Lay out what each tap of the kernel sees in each window.

    Parameters
    ----------
    images : (N, C, *spatial) ndarray
        The images.
    window : Window
        The kernel's extents.
    out : (C, *kernel, N, *output) ndarray, optional
        Where to write.

    Returns
    -------
    (C, *kernel, N, *output) ndarray
        The columns; zero where a tap lies in the padding.
    """
    shape = columns_shape(images.shape, window)
    columns = device.namespace().empty(shape, images.dtype) if out is None else out
    axes = len(window.kernel)
    output = shape[axes + 2 :]
    source = images.swapaxes(0, 1)
    everything: tuple[slice, ...] = (slice(None), slice(None))
    for tap, windows, pixels in window.positions(images.shape[2:], output):
        target = _tap(columns, tap)
        if any(part.stop - part.start < length for part, length in zip(windows, output, strict=True)):
            target[...] = 0
        target[everything + windows] = source[everything + pixels]
    return columns


def col2im(columns: Array, window: Window, spatial: tuple[int, ...], out: Array | None = None) -> Array:
    """Add the columns back into the pixels they came from: the adjoint of `im2col`.

    Parameters
    ----------
    columns : (C, *kernel, N, *output) ndarray
        As `im2col` returns them.
    window : Window
        The kernel's extents.
    spatial : tuple of int
        Extents of the images.
    out : (N, C, *spatial) ndarray, optional
        Where to write; it is overwritten.

    Returns
    -------
    (N, C, *spatial) ndarray
        The sums.
    """
    axes = len(window.kernel)
    channels, number, output = columns.shape[0], columns.shape[axes + 1], columns.shape[axes + 2 :]
    images = device.namespace().empty((number, channels, *spatial), columns.dtype) if out is None else out
    images[...] = 0
    target = images.swapaxes(0, 1)
    everything: tuple[slice, ...] = (slice(None), slice(None))
    for tap, windows, pixels in window.positions(spatial, output):
        target[everything + pixels] += _tap(columns, tap)[everything + windows]
    return images


def _tap(columns: Array, tap: tuple[int, ...]) -> Array:
    """Return what one tap sees, ``(C, N, *output)``, a view."""
    index: tuple[slice | int, ...] = (slice(None), *tap)
    view: Array = columns[index]
    return view
