"""Preparing images for the inputs of a net, and getting them back (pycaffe's `caffe.io.Transformer`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from caffe_nb.errors import NetError, ShapeError, did_you_mean

Array = NDArray[Any]


class Transformer:
    """Makes of an image what an input of a net takes.

    An image goes through these steps, each where it was set: resized to the input's height and width, axes transposed,
    channels swapped, scaled (raw), less the mean, scaled (input).

    Parameters
    ----------
    inputs : dict of str to tuple of int
        The shape of each input blob, (items, channels, height, width), as ``net.blobs["data"].data.shape``.
    """

    def __init__(self, inputs: Mapping[str, Sequence[int]]) -> None:
        self.inputs = inputs
        self.transpose: dict[str, Sequence[int]] = {}
        self.channel_swap: dict[str, Sequence[int]] = {}
        self.raw_scale: dict[str, float] = {}
        self.mean: dict[str, Array] = {}
        self.input_scale: dict[str, float] = {}

    def __check_input(self, in_: str) -> None:
        if in_ not in self.inputs:
            known = ", ".join(self.inputs)
            raise NetError(f"'{in_}' is not one of the inputs {known}.{did_you_mean(in_, self.inputs)}")

    def preprocess(self, in_: str, data: Any) -> Array:
        """Return an image as the input takes it.

        Parameters
        ----------
        in_ : str
            The input.
        data : array_like of shape (height, width, channels)
            The image.

        Returns
        -------
        array of float32, shape (channels, height, width)
            With the input's height and width.
        """
        from caffe_nb.pycaffe.io import resize_image

        self.__check_input(in_)
        image = np.asarray(data).astype(np.float32, copy=False)
        transpose, swap = self.transpose.get(in_), self.channel_swap.get(in_)
        size = tuple(self.inputs[in_][2:])
        if image.shape[:2] != size:
            image = resize_image(image, size)
        if transpose is not None:
            image = image.transpose(transpose)
        if swap is not None:
            image = image[list(swap), :, :]
        if in_ in self.raw_scale:
            image = image * np.float32(self.raw_scale[in_])
        if in_ in self.mean:
            image = image - self.mean[in_]
        if in_ in self.input_scale:
            image = image * np.float32(self.input_scale[in_])
        return image.astype(np.float32, copy=False)

    def deprocess(self, in_: str, data: Any) -> Array:
        """Return the image that an input's values show: the steps of `preprocess` back, but for the resizing.

        Parameters
        ----------
        in_ : str
            The input.
        data : array_like of shape (channels, height, width)
            The values; axes of length 1 are dropped first.
        """
        self.__check_input(in_)
        image = np.array(data, dtype=np.float32).squeeze()
        transpose, swap = self.transpose.get(in_), self.channel_swap.get(in_)
        if in_ in self.input_scale:
            image = image / np.float32(self.input_scale[in_])
        if in_ in self.mean:
            image = image + self.mean[in_].squeeze() if image.ndim < 3 else image + self.mean[in_]
        if in_ in self.raw_scale:
            image = image / np.float32(self.raw_scale[in_])
        if image.ndim == 3 and swap is not None:
            image = image[np.argsort(swap), :, :]
        if image.ndim == 3 and transpose is not None:
            image = image.transpose(np.argsort(transpose))
        return image

    def set_transpose(self, in_: str, order: Sequence[int]) -> None:
        """Set the order of axes, such as (2, 0, 1) to bring an image's channels to the front.

        Parameters
        ----------
        in_ : str
            The input.
        order : sequence of int
            For each axis of the input the image's axis.
        """
        self.__check_input(in_)
        if len(order) != len(self.inputs[in_]) - 1:
            raise ShapeError(
                f"'{in_}' takes images of {len(self.inputs[in_]) - 1} axes; {tuple(order)} orders {len(order)}"
            )
        self.transpose[in_] = order

    def set_channel_swap(self, in_: str, order: Sequence[int]) -> None:
        """Set the order of channels, such as (2, 1, 0) to make BGR of RGB.

        Parameters
        ----------
        in_ : str
            The input.
        order : sequence of int
            For each channel of the input the image's channel.
        """
        self.__check_input(in_)
        if len(order) != self.inputs[in_][1]:
            raise ShapeError(f"'{in_}' has {self.inputs[in_][1]} channels; {tuple(order)} orders {len(order)}")
        self.channel_swap[in_] = order

    def set_raw_scale(self, in_: str, scale: float) -> None:
        """Set a factor for the image before the mean is taken off, such as 255.

        Parameters
        ----------
        in_ : str
            The input.
        scale : float
            The factor.
        """
        self.__check_input(in_)
        self.raw_scale[in_] = scale

    def set_mean(self, in_: str, mean: Any) -> None:
        """Set the mean that is taken off: one number a channel, or an image.

        Parameters
        ----------
        in_ : str
            The input.
        mean : array_like of shape (channels,), (height, width) or (channels, height, width)
            In the order of axes and channels that the input has.

        Raises
        ------
        ShapeError
            When it is of another shape.
        """
        self.__check_input(in_)
        mean, shape = np.asarray(mean), tuple(self.inputs[in_][1:])
        if mean.ndim == 1:
            if mean.shape[0] != shape[0]:
                raise ShapeError(f"the mean has {mean.shape[0]} numbers, '{in_}' has {shape[0]} channels")
            mean = mean[:, np.newaxis, np.newaxis]
        else:
            image = mean[np.newaxis] if mean.ndim == 2 else mean
            fits = image.shape == shape or (mean.ndim == 2 and image.shape[1:] == shape[1:])
            if not fits:
                raise ShapeError(
                    f"the mean has shape {mean.shape}, '{in_}' takes images of shape {shape}; crop or resize it, or "
                    "give its mean of each channel, mean.mean((1, 2))"
                )
            mean = image
        self.mean[in_] = mean.astype(np.float32)

    def set_input_scale(self, in_: str, scale: float) -> None:
        """Set a factor for the values when the mean is off.

        Parameters
        ----------
        in_ : str
            The input.
        scale : float
            The factor.
        """
        self.__check_input(in_)
        self.input_scale[in_] = scale
