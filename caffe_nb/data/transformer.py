"""From an image to what a net sees: resized, cropped, mirrored, without its mean, scaled."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from caffe_nb.core.layer import Phase
from caffe_nb.data.paths import find
from caffe_nb.data.resizer import Resizer, refuse_augmentations
from caffe_nb.errors import NetError, ShapeError
from caffe_nb.proto import caffe_pb2
from caffe_nb.proto.binary import blob_to_array, read_blob

Array = NDArray[Any]


class Transformer:
    """Caffe's DataTransformer: ``(image - mean) * scale`` of a part of the image, mirrored perhaps.

    Parameters
    ----------
    param : TransformationParameter
        `crop_size` (0 for the whole image): a square, anywhere in training, in the middle in testing. `mirror`: every
        second image at random, left to right, in both phases. `mean_file` (its values at the place that is cut out) or
        `mean_value` (one, or one for each channel). `scale`. `force_color` and `force_gray`: for encoded images.
        `resize_param` (of SSD's fork) comes before all of these; the mean and the crop are for its result.
    phase : Phase
        TRAIN or TEST.
    dtype : dtype
        float32 or float64.
    folder : pathlib.Path or None
        Where the mean file is looked for, after the working directory.

    Attributes
    ----------
    random : bool
        Whether it draws random numbers.
    resizer : Resizer or None
        What `resize_param` says.
    color : bool or None
        How encoded images are decoded: True for three channels, False for one, None for as many as they have.

    Raises
    ------
    NetError
        For settings that exclude each other, for a mean file that is missing, and for changes of images that only
        SSD's fork makes.
    FormatError
        For a mean file that is damaged.
    """

    def __init__(
        self, param: caffe_pb2.TransformationParameter, phase: Phase, dtype: DTypeLike, folder: Path | None
    ) -> None:
        if param.HasField("mean_file") and param.mean_value:
            raise NetError("give either mean_file or mean_value, not both")
        if param.force_color and param.force_gray:
            raise NetError("give either force_color or force_gray, not both")
        refuse_augmentations(param)
        self.resizer = Resizer(param.resize_param, phase) if param.HasField("resize_param") else None
        self.dtype = np.dtype(dtype)
        self.color = True if param.force_color else False if param.force_gray else None
        self.crop_size = param.crop_size
        self.mirror = param.mirror
        self.scale = param.scale
        self._anywhere = bool(param.crop_size) and phase == Phase.TRAIN
        self.random = self.mirror or self._anywhere or (self.resizer is not None and self.resizer.random)
        self.mean_values = np.array(param.mean_value, self.dtype)[:, None, None]
        self.mean_image: Array | None = None
        if param.HasField("mean_file"):
            self._mean_file = param.mean_file
            self.mean_image = _read_mean(find(param.mean_file, [folder], "the mean file"), self.dtype)

    def shape(self, image: tuple[int, ...], where: str) -> tuple[int, int, int]:
        """Return the shape of what becomes of an image.

        Parameters
        ----------
        image : (channels, height, width)
            Its shape.
        where : str
            What it is, for messages.

        Raises
        ------
        ShapeError
            When the image is smaller than the crop, or the mean has another shape; both are named.
        """
        channels, height, width = image
        if self.resizer is not None:
            height, width = self.resizer.size(height, width)
        crop = self.crop_size
        if crop > min(height, width):
            raise ShapeError(
                f"{where} has {height} rows and {width} columns, less than crop_size {crop}; make crop_size smaller or"
                " the images larger"
            )
        if self.mean_image is not None and self.mean_image.shape != (channels, height, width):
            raise ShapeError(
                f"the mean '{self._mean_file}' has shape {self.mean_image.shape} and must have the images' shape before"
                f" they are cropped; {where} has {(channels, height, width)}"
            )
        if len(self.mean_values) not in (0, 1, channels):
            raise ShapeError(
                f"give mean_value once, or once for each of the {channels} channels of {where}; it is given"
                f" {len(self.mean_values)} times"
            )
        return (channels, crop, crop) if crop else (channels, height, width)

    def __call__(self, image: Array, out: Array, draw: np.random.Generator | None, where: str) -> None:
        """Transform an image.

        Parameters
        ----------
        image : (channels, height, width) ndarray
            Bytes or floats; not changed.
        out : ndarray
            Filled; of the shape that `shape` gives.
        draw : numpy.random.Generator or None
            Where random numbers come from, in Caffe's order: interpolation, mirror, row, column. Needed when `random`.
        where : str
            What the image is, for messages.

        Raises
        ------
        ShapeError
            As `shape`; and when `out` has another shape.
        """
        wanted = self.shape(image.shape, where)
        if wanted != out.shape:
            raise ShapeError(
                f"{where} becomes {wanted}, but the first image of its batch {out.shape}; all images of a batch must"
                " have the same size and channels: set crop_size, or resize them"
            )
        if self.resizer is not None:
            image = self.resizer(image, draw, where)
        flip = self.mirror and draw is not None and bool(draw.integers(2))
        rows, columns = self._window(image.shape, draw)
        across = slice(None, None, -1) if flip else slice(None)
        part = image[:, rows, columns][..., across]
        if self.mean_image is not None:
            np.subtract(part, self.mean_image[:, rows, columns][..., across], out=out, dtype=self.dtype)
        elif len(self.mean_values):
            np.subtract(part, self.mean_values, out=out, dtype=self.dtype)
        else:
            out[...] = part
        if self.scale != 1:
            out *= self.scale

    def _window(self, image: tuple[int, ...], draw: np.random.Generator | None) -> tuple[slice, slice]:
        if not self.crop_size:
            return slice(None), slice(None)
        free = [length - self.crop_size for length in image[1:]]
        if self._anywhere and draw is not None:
            starts = [int(draw.integers(length + 1)) for length in free]
        else:
            starts = [length // 2 for length in free]
        rows, columns = (slice(start, start + self.crop_size) for start in starts)
        return rows, columns


def _read_mean(path: Path, dtype: np.dtype[Any]) -> Array:
    mean = blob_to_array(read_blob(path))
    image = mean[0] if mean.ndim == 4 and len(mean) else mean
    if image.ndim != 3:
        raise ShapeError(f"the mean '{path}' has shape {mean.shape}; expected (1, channels, height, width)")
    return image.astype(dtype, copy=False)
