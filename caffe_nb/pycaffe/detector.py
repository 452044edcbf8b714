"""Detector: a net that classifies windows of images (pycaffe's `caffe.Detector`).

The windows come from outside; this is the detection of Girshick et al., "Rich feature hierarchies for accurate object
detection and semantic segmentation", CVPR 2014.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from caffe_nb.core.layer import Phase
from caffe_nb.errors import CaffeError, ShapeError
from caffe_nb.net import Net
from caffe_nb.pycaffe.classifier import File, image_transformer
from caffe_nb.pycaffe.io import load_image, resize_image

Array = NDArray[Any]


class Detector(Net):
    """A net in the TEST phase that classifies windows of images.

    Parameters
    ----------
    model_file, pretrained_file : path
        The prototxt and the weights.
    mean : array_like, optional
        Mean of the inputs, as `Transformer.set_mean` takes it.
    input_scale, raw_scale : float, optional
        Factors of the values without the mean, and of the image.
    channel_swap : sequence of int, optional
        Order of the channels; (2, 1, 0) for nets that were trained on BGR.
    context_pad : int, optional
        Pixels of the net's input around each window that show what lies around it; the mean beyond the image's edge.
    """

    def __init__(
        self,
        model_file: File,
        pretrained_file: File,
        mean: Any = None,
        input_scale: float | None = None,
        raw_scale: float | None = None,
        channel_swap: Sequence[int] | None = None,
        context_pad: int | None = None,
    ) -> None:
        super().__init__(model_file, phase=Phase.TEST, weights=pretrained_file)
        self.transformer = image_transformer(self, mean, input_scale, raw_scale, channel_swap)
        self.configure_crop(context_pad)

    def detect_windows(self, images_windows: Iterable[tuple[str | os.PathLike[str], Any]]) -> list[dict[str, Any]]:
        """Classify windows of images.

        Parameters
        ----------
        images_windows : iterable of (path, array_like of shape (windows, 4))
            Images with their windows (ymin, xmin, ymax, xmax).

        Returns
        -------
        list of dict
            A window each: ``window``, ``prediction`` (the net's first output) and ``filename``.

        Raises
        ------
        ShapeError
            When a window is not four numbers, or has nothing of its image in it.
        """
        found = [
            (str(path), image, np.asarray(window))
            for path, windows in images_windows
            for image in [load_image(path).astype(np.float32)]
            for window in windows
        ]
        if not found:
            return []
        name = self.inputs[0]
        inputs = np.stack(
            [self.transformer.preprocess(name, self._crop(path, image, window)) for path, image, window in found]
        )
        predictions = self.forward_all(**{name: inputs})[self.outputs[0]].squeeze(axis=self._ones())
        return [
            {"window": window, "prediction": prediction, "filename": path}
            for (path, _, window), prediction in zip(found, predictions, strict=True)
        ]

    def _ones(self) -> tuple[int, ...]:
        """Return the axes of the first output, behind the items and the classes, that are of length 1."""
        shape = self.blobs[self.outputs[0]].shape
        return tuple(axis for axis in range(2, len(shape)) if shape[axis] == 1)

    def detect_selective_search(self, image_fnames: Sequence[str | os.PathLike[str]]) -> list[dict[str, Any]]:
        """Classify the windows that selective search finds; needs the package selective_search_ijcv_with_python.

        Parameters
        ----------
        image_fnames : sequence of path
            The images.

        Raises
        ------
        CaffeError
            When the package is not there.
        """
        try:
            from selective_search_ijcv_with_python import get_windows
        except ImportError as error:
            raise CaffeError(
                "the package selective_search_ijcv_with_python (it needs MATLAB) is not installed; find the windows "
                "another way and give them to detect_windows"
            ) from error
        names = [os.path.abspath(name) for name in image_fnames]  # noqa: PTH100  (that package takes strings)
        return self.detect_windows(zip(names, get_windows(names, cmd="selective_search_rcnn"), strict=True))

    def _crop(self, path: str, image: Array, window: Array) -> Array:
        if window.shape != (4,):
            raise ShapeError(
                f"the windows of {path} must be a list of (ymin, xmin, ymax, xmax), each 4 numbers; got one of shape "
                f"{window.shape}"
            )
        top, left, bottom, right = window.astype(int)
        height, width = image.shape[:2]
        wider = int(bool(self.context_pad))  # what lies around is shown too
        seen = max(top, 0) < min(bottom + wider, height) and max(left, 0) < min(right + wider, width)
        if not seen or (not wider and min(top, left) < 0):
            raise ShapeError(
                f"the window (ymin, xmin, ymax, xmax) = {tuple(window.tolist())} of {path} must lie in the image, "
                f"which is {height} high and {width} wide, and end behind its beginning"
            )
        return self.crop(image, window)

    def crop(self, im: Array, window: Any) -> Array:
        """Return a window of an image, with its context where that is configured.

        Parameters
        ----------
        im : array of shape (height, width, channels)
            The image.
        window : (int, int, int, int)
            ymin, xmin, ymax, xmax.
        """
        window = np.asarray(window).astype(int)
        if not self.context_pad:
            return im[window[0] : window[2], window[1] : window[3]]
        box = window.astype(float)
        size, pad = self.blobs[self.inputs[0]].width, self.context_pad
        scale = size / (size - 2 * pad)
        half = np.array([box[2] - box[0] + 1, box[3] - box[1] + 1]) / 2
        centre = box[:2] + half
        wide = np.concatenate([centre - scale * half, centre + scale * half]).round().astype(int)
        height, width = wide[2] - wide[0] + 1, wide[3] - wide[1] + 1
        inside = np.clip(wide, 0, [im.shape[0], im.shape[1]] * 2)
        shown = resize_image(
            im[inside[0] : inside[2], inside[1] : inside[3]], _scaled(inside, size / height, size / width)
        )
        top, left = (round(-min(0, int(wide[axis])) * size / length) for axis, length in ((0, height), (1, width)))
        result = np.ones(self.crop_dims, np.float32) * self.crop_mean
        shown = shown[: result.shape[0] - top, : result.shape[1] - left]
        result[top : top + shown.shape[0], left : left + shown.shape[1]] = shown
        return result.astype(np.float32)

    def configure_crop(self, context_pad: int | None) -> None:
        """Set how much of what lies around a window is shown.

        Parameters
        ----------
        context_pad : int or None
            Pixels of the net's input; none for None.
        """
        name = self.inputs[0]
        shape = self.blobs[name].shape[1:]
        transpose, swap = self.transformer.transpose[name], self.transformer.channel_swap.get(name)
        self.crop_dims = np.array(shape)[np.argsort(transpose)]
        self.context_pad = context_pad
        mean = np.broadcast_to(self.transformer.mean.get(name, np.float32(0)), shape)
        back = mean / np.float32(self.transformer.raw_scale.get(name, 1))  # the crop is an image, before the scaling
        self.crop_mean = (back if swap is None else back[np.argsort(swap)]).transpose(np.argsort(transpose))


def _scaled(box: Array, vertical: float, horizontal: float) -> tuple[int, int]:
    return max(1, round((box[2] - box[0]) * vertical)), max(1, round((box[3] - box[1]) * horizontal))
