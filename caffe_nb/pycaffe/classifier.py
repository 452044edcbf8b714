"""Classifier: a net that takes images and says what they show (pycaffe's `caffe.Classifier`)."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from caffe_nb.core.layer import Phase
from caffe_nb.errors import NetError
from caffe_nb.net import Net
from caffe_nb.pycaffe.io import Transformer, oversample, resize_image

Array = NDArray[Any]
File = str | os.PathLike[str]


def image_transformer(
    net: Net, mean: Any, input_scale: float | None, raw_scale: float | None, channel_swap: Sequence[int] | None
) -> Transformer:
    """Return a transformer for the first input of a net, from images of shape (height, width, channels).

    Raises
    ------
    NetError
        When the net has no input.
    """
    if not net.inputs:
        raise NetError("a net that classifies needs an input: use its deploy text, with an Input layer")
    name = net.inputs[0]
    transformer = Transformer({name: net.blobs[name].shape})
    transformer.set_transpose(name, (2, 0, 1))
    if mean is not None:
        transformer.set_mean(name, mean)
    if input_scale is not None:
        transformer.set_input_scale(name, input_scale)
    if raw_scale is not None:
        transformer.set_raw_scale(name, raw_scale)
    if channel_swap is not None:
        transformer.set_channel_swap(name, channel_swap)
    return transformer


class Classifier(Net):
    """A net in the TEST phase that classifies images.

    Parameters
    ----------
    model_file, pretrained_file : path
        The prototxt and the weights.
    image_dims : (int, int), optional
        Height and width that images are resized to before they are cropped; the net's own by default.
    mean : array_like, optional
        Mean of the inputs, as `Transformer.set_mean` takes it.
    input_scale, raw_scale : float, optional
        Factors of the values without the mean, and of the image.
    channel_swap : sequence of int, optional
        Order of the channels; (2, 1, 0) for nets that were trained on BGR.
    """

    def __init__(
        self,
        model_file: File,
        pretrained_file: File,
        image_dims: Sequence[int] | None = None,
        mean: Any = None,
        input_scale: float | None = None,
        raw_scale: float | None = None,
        channel_swap: Sequence[int] | None = None,
    ) -> None:
        super().__init__(model_file, phase=Phase.TEST, weights=pretrained_file)
        self.transformer = image_transformer(self, mean, input_scale, raw_scale, channel_swap)
        self.crop_dims = np.array(self.blobs[self.inputs[0]].shape[2:])
        self.image_dims = tuple(int(length) for length in (self.crop_dims if image_dims is None else image_dims))

    def predict(self, inputs: Iterable[Any], oversample: bool = True) -> Array:
        """Classify images.

        Parameters
        ----------
        inputs : iterable of arrays of shape (height, width, channels)
            The images, as `caffe.io.load_image` gives them.
        oversample : bool, default True
            Whether to take the mean over ten crops (corners, centre, mirrored) instead of the centre alone.

        Returns
        -------
        array of shape (images, classes)
            The net's first output.
        """
        images = [resize_image(image, self.image_dims) for image in inputs]
        if not images:
            raise NetError("predict takes a list of images; this one is empty")
        size = tuple(int(length) for length in self.crop_dims)
        if oversample:
            crops = _ten_crops(images, size)
        else:
            top, left = ((np.array(self.image_dims) - self.crop_dims) / 2.0).astype(int)
            crops = np.stack([image[top : top + size[0], left : left + size[1]] for image in images])
        name = self.inputs[0]
        values = np.stack([self.transformer.preprocess(name, crop) for crop in crops])
        predictions = self.forward_all(**{name: values})[self.outputs[0]]
        if oversample:
            predictions = predictions.reshape(len(images), -1, *predictions.shape[1:]).mean(1)
        return predictions


_ten_crops = oversample
