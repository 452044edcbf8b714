"""Window: how a kernel moves over an image of any number of axes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from math import prod

from caffe_nb.errors import ShapeError


@dataclass(frozen=True)
class Window:
    """Extents of a sliding window, one number for each spatial axis.

    Attributes
    ----------
    kernel : tuple of int
        Taps along each axis.
    stride : tuple of int
        Steps from window to window.
    pad : tuple of int
        Zeros before and after the image.
    dilation : tuple of int
        Steps from tap to tap; 1 is a solid kernel.
    """

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    pad: tuple[int, ...]
    dilation: tuple[int, ...]

    @property
    def taps(self) -> int:
        """The number of elements of the kernel."""
        return prod(self.kernel)

    @property
    def pointwise(self) -> bool:
        """Whether the window is a single pixel that visits every pixel, so that columns are the image itself."""
        return self.taps == 1 and not any(self.pad) and all(stride == 1 for stride in self.stride)

    def output_shape(self, spatial: tuple[int, ...]) -> tuple[int, ...]:
        """Return how many windows fit along each axis.

        Parameters
        ----------
        spatial : tuple of int
            Extents of the image.

        Raises
        ------
        ShapeError
            When no window fits.

        Notes
        -----
        As in Caffe the division rounds towards zero, so one window is left where the kernel exceeds the padded image
        by less than a stride; what lies outside is zero.
        """
        output = []
        axes = zip(spatial, self.kernel, self.stride, self.pad, self.dilation, strict=True)
        for length, kernel, stride, pad, dilation in axes:
            room = length + 2 * pad - (dilation * (kernel - 1) + 1)
            output.append((room // stride if room >= 0 else -(-room // stride)) + 1)
        if any(length < 1 for length in output):
            raise ShapeError(
                f"the kernel {self.kernel} with dilation {self.dilation} and pad {self.pad} does not fit into an image"
                f" of {spatial}; use a smaller kernel or more padding"
            )
        return tuple(output)

    def positions(
        self, spatial: tuple[int, ...], output: tuple[int, ...]
    ) -> Iterator[tuple[tuple[int, ...], tuple[slice, ...], tuple[slice, ...]]]:
        """Yield, for every tap, which windows see the image through it and which pixels they see.

        Parameters
        ----------
        spatial, output : tuple of int
            Extents of the image and of the grid of windows.

        Yields
        ------
        (tuple of int, tuple of slice, tuple of slice)
            The tap's index in the kernel, the slices of the grid of windows, the slices of the image. Windows outside
            these slices see padding.
        """
        axes = [
            [_visible(tap, *geometry) for tap in range(geometry[2])]
            for geometry in zip(spatial, output, self.kernel, self.stride, self.pad, self.dilation, strict=True)
        ]
        for tap in product(*(range(kernel) for kernel in self.kernel)):
            chosen = [axis[index] for axis, index in zip(axes, tap, strict=True)]
            yield tap, tuple(windows for windows, _ in chosen), tuple(pixels for _, pixels in chosen)


def _visible(
    tap: int, length: int, windows: int, _kernel: int, stride: int, pad: int, dilation: int
) -> tuple[slice, slice]:
    offset = tap * dilation - pad  # window w sees pixel w * stride + offset
    first = max(0, -(offset // stride))
    stop = max(first, min(windows, (length - 1 - offset) // stride + 1))
    begin = first * stride + offset
    return slice(first, stop), slice(begin, begin + (stop - first - 1) * stride + 1 if stop > first else begin, stride)
