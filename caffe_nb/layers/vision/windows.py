"""The window that a convolution_param describes, and how much memory it may take."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import TYPE_CHECKING

from caffe_nb.errors import NetError, ShapeError
from caffe_nb.ops.window import Window

if TYPE_CHECKING:
    from caffe_nb.proto import caffe_pb2

LARGEST_COLUMNS = 2**31 - 1
"""Elements of the columns of one image: Caffe counts them in an int."""


def window_of(param: caffe_pb2.ConvolutionParameter, axes: int) -> Window:
    """Return the window of a convolution over so many spatial axes.

    Parameters
    ----------
    param : caffe_pb2.ConvolutionParameter
        `kernel_size`, `stride`, `pad` and `dilation` once, or once for each axis; or, with two axes, `kernel_h` and
        `kernel_w` and so on.
    axes : int
        Number of spatial axes.

    Raises
    ------
    NetError
        When a setting is given twice, too few or too many times, or is zero where it must not be.
    """

    def setting(name: str, sides: tuple[str, str], values: Sequence[int], default: int | None) -> tuple[int, ...]:
        if any(param.HasField(side) for side in sides):
            if values:
                raise NetError(f"give either {name} or {sides[0]} and {sides[1]}, not both")
            if axes != 2:
                raise NetError(
                    f"{sides[0]} and {sides[1]} are for 2 spatial axes, not for {axes}; repeat {name} instead"
                )
            return tuple(getattr(param, side) for side in sides)
        return _spread(name, values, axes, default)

    kernel = setting("kernel_size", ("kernel_h", "kernel_w"), param.kernel_size, None)
    stride = setting("stride", ("stride_h", "stride_w"), param.stride, 1)
    pad = setting("pad", ("pad_h", "pad_w"), param.pad, 0)
    dilation = _spread("dilation", param.dilation, axes, 1)
    for name, numbers in (("kernel", kernel), ("stride", stride), ("dilation", dilation)):
        if 0 in numbers:
            raise NetError(f"the {name} must be at least 1 along every axis, got {numbers}")
    return Window(kernel, stride, pad, dilation)


def check_columns(window: Window, channels: int, grid: tuple[int, ...]) -> None:
    """Refuse a convolution whose columns for a single image are more than Caffe can count.

    Parameters
    ----------
    window : Window
        The kernel's extents.
    channels : int
        Channels of the images.
    grid : tuple of int
        How many windows there are along each axis.

    Raises
    ------
    ShapeError
        The message has the number of elements.
    """
    count = channels * window.taps * prod(grid)
    if count > LARGEST_COLUMNS and not window.pointwise:
        raise ShapeError(
            f"the kernel {window.kernel} over {channels} channels at {grid} places needs {count:,} values for one"
            f" image, over the limit of {LARGEST_COLUMNS:,}; use a smaller kernel, less padding or a larger stride"
        )


def _spread(name: str, values: Sequence[int], axes: int, default: int | None) -> tuple[int, ...]:
    """Return one number for each axis, from none, one, or as many."""
    if len(values) == axes:
        return tuple(values)
    if len(values) == 1:
        return tuple(values) * axes
    if not values and default is not None:
        return (default,) * axes
    given = f"{len(values)} times" if values else "not at all"
    raise NetError(f"{name} must be given once, or once for each of the {axes} spatial axes; it is given {given}")
