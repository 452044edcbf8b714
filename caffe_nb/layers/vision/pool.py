"""Pool: one pooling of images, with what its gradient needs."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from caffe_nb.core.blob import Blob
from caffe_nb.core.layer import Phase
from caffe_nb.errors import NetError
from caffe_nb.ops import pooling
from caffe_nb.ops.window import Window

Array = NDArray[Any]


class Method(IntEnum):
    """How a window becomes one number; the values of Caffe's ``PoolMethod``."""

    MAX = 0
    AVE = 1
    STOCHASTIC = 2


class Pool:
    """A pooling by one method over one window.

    Parameters
    ----------
    method : Method
        MAX, AVE or STOCHASTIC.
    phase : Phase
        STOCHASTIC draws in TRAIN and takes the weighted mean in TEST.

    Attributes
    ----------
    mask : Blob of int32
        After a forward by MAX, or by STOCHASTIC in TRAIN: for each result the pixel it came from, ``y * W + x``.
    """

    def __init__(self, method: Method, phase: Phase) -> None:
        self.method = method
        self.phase = phase
        self.mask = Blob(dtype=np.int32)
        self._window = Window((), (), (), ())

    def check(self, window: Window) -> None:
        """Refuse a window that Caffe refuses.

        Raises
        ------
        NetError
            For a pad with STOCHASTIC, or a pad that is not less than the kernel.
        """
        if not any(window.pad):
            return
        if self.method == Method.STOCHASTIC:
            raise NetError("STOCHASTIC pooling does not take a pad; MAX and AVE do")
        if any(pad >= kernel for pad, kernel in zip(window.pad, window.kernel, strict=True)):
            raise NetError(f"pad must be less than the kernel, got pad {window.pad} and kernel {window.kernel}")

    def reshape(self, images: tuple[int, ...], window: Window, ceil: bool = True) -> tuple[int, ...]:
        """Take the shape of the images, ``(N, C, H, W)``, and a window; return the shape of the result."""
        self._window = window
        shape = images[:2] + pooling.pooled_shape(images[2:], window, ceil)
        if self.method != Method.AVE:
            self.mask.reshape(*shape)
        return shape

    def forward(self, images: Array, out: Array) -> None:
        """Write the result."""
        if self.method == Method.AVE:
            pooling.average_pool(images, self._window, out)
            return
        if self.method == Method.MAX:
            pooling.max_pool(images, self._window, out, self.mask.array)
        elif self.phase == Phase.TEST:
            pooling.expected_pool(images, self._window, out)
        else:
            pooling.stochastic_pool(images, self._window, out, self.mask.array)

    def backward(self, gradient: Array, out: Array) -> None:
        """Write the gradient of the images.

        Raises
        ------
        NetError
            For STOCHASTIC in TEST.
        """
        if self.method == Method.AVE:
            pooling.average_gradient(gradient, self._window, out)
            return
        if self.method == Method.STOCHASTIC and self.phase == Phase.TEST:
            raise NetError("STOCHASTIC pooling has no gradient in the TEST phase")
        pooling.scatter(gradient, self.mask.const_array, self._window, out)
