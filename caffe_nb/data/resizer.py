"""What SSD's fork does with images before all else: bring them to a size."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from caffe_nb.core.layer import Phase
from caffe_nb.data.resample import Interpolation, resample
from caffe_nb.errors import NetError, ShapeError
from caffe_nb.proto import caffe_pb2

Array = NDArray[Any]

LARGEST = 2**28
"""Pixels of an image, over which it is a mistake."""

_PADDING = {1: "constant", 2: "reflect", 3: "edge"}
"""NumPy's names of SSD's ``Pad_mode``: CONSTANT, MIRRORED and REPEAT_NEAREST."""

_WITH_EFFECT: dict[str, Callable[[Any], bool]] = {
    "noise_param": lambda p: (
        p.jpeg > 0
        or any(getattr(p, name) for name in ("hist_eq", "inverse", "decolorize", "gauss_blur", "posterize", "erode"))
        or any(getattr(p, name) for name in ("saltpepper", "clahe", "convert_to_hsv", "convert_to_lab"))
    ),
    "distort_param": lambda p: any(
        getattr(p, f"{name}_prob") > 0 for name in ("brightness", "contrast", "hue", "saturation", "random_order")
    ),
    "expand_param": lambda p: p.prob > 0 and p.max_expand_ratio > 1,
}


def refuse_augmentations(param: caffe_pb2.TransformationParameter) -> None:
    """Refuse what SSD's fork does to images and is not done here.

    Parameters
    ----------
    param : caffe_pb2.TransformationParameter
        `noise_param`, `distort_param` and `expand_param` with nothing switched on are passed over, as is
        `emit_constraint`, which is about boxes.

    Raises
    ------
    NetError
        Naming those that would have an effect.
    """
    found = [name for name, effect in _WITH_EFFECT.items() if param.HasField(name) and effect(getattr(param, name))]
    if found:
        raise NetError(
            f"transform_param: {', '.join(found)} of SSD's fork {'is' if len(found) == 1 else 'are'} not supported and"
            " would change what the net is trained on; leave it out, or do it in a Python data layer"
        )


class Resizer:
    """Brings images to a size, as `resize_param` says.

    Parameters
    ----------
    param : caffe_pb2.ResizeParameter
        `height` and `width`. `resize_mode`: WARP to that size (the default); FIT_SMALL_SIZE, so that the one side has
        it and the other at least that, in proportion; FIT_LARGE_SIZE_AND_PAD, so that all fits in, in proportion, with
        borders around it. `pad_mode`: borders of `pad_value` (CONSTANT; 0, or one for all channels or for each), the
        image mirrored at its edge pixels (MIRRORED), or the edge pixels (REPEAT_NEAREST). `interp_mode`: any number of
        interpolations, of which TRAIN draws one for each image and TEST takes the first; LINEAR by default.
    phase : Phase
        TRAIN or TEST.

    Attributes
    ----------
    random : bool
        Whether it draws random numbers.

    Raises
    ------
    NetError
        For a size that is missing, or a `prob` other than 1.

    Notes
    -----
    Equals `ApplyResize` of SSD's fork (Liu et al., 2016), which draws the interpolation in TEST too. Its `height_scale`
    and `width_scale` are about boxes and mean nothing here.
    """

    def __init__(self, param: caffe_pb2.ResizeParameter, phase: Phase) -> None:
        if not 0 < param.height * param.width <= LARGEST:
            raise NetError(
                f"resize_param needs height and width, of at most {LARGEST} pixels together, got {param.height} and"
                f" {param.width}"
            )
        if param.prob != 1:
            raise NetError(
                f"resize_param {{ prob: {param.prob:g} }} would leave some images as they are, and the images of a"
                " batch must have one size; set prob: 1"
            )
        self._param = param
        modes = [Interpolation(mode) for mode in param.interp_mode] or [Interpolation.LINEAR]
        self._modes = modes if phase == Phase.TRAIN else modes[:1]
        self.random = len(self._modes) > 1

    def size(self, height: int, width: int) -> tuple[int, int]:
        """Return the height and width of what becomes of an image of these."""
        param = self._param
        return self._scaled(height, width) if param.resize_mode == param.FIT_SMALL_SIZE else (param.height, param.width)

    def __call__(self, image: Array, draw: np.random.Generator | None, where: str) -> Array:
        """Return the image in its new size.

        Parameters
        ----------
        image : (channels, height, width) ndarray of uint8
            Not changed.
        draw : numpy.random.Generator or None
            Where the interpolation is drawn from; needed when `random`.
        where : str
            What the image is, for messages.

        Raises
        ------
        NetError
            For an image of floats.
        ShapeError
            For a number of pad_values that is neither 1 nor that of the channels.
        """
        if image.dtype != np.uint8:
            raise NetError(f"{where} has values of type {image.dtype}; resize_param is for images of bytes")
        mode = self._modes[int(draw.integers(len(self._modes))) if self.random and draw is not None else 0]
        height, width = self._scaled(*image.shape[1:])
        if height * width > LARGEST:
            raise ShapeError(f"{where}, {image.shape[1:]}, becomes {(height, width)}, over {LARGEST} pixels")
        resized = resample(image.transpose(1, 2, 0), height, width, mode).transpose(2, 0, 1)
        if self._param.resize_mode != self._param.FIT_LARGE_SIZE_AND_PAD:
            return resized
        return self._padded(resized, where)

    def _scaled(self, height: int, width: int) -> tuple[int, int]:
        """Return the size before borders are added; in float32, as the fork computes it."""
        param = self._param
        if param.resize_mode == param.WARP:
            return param.height, param.width
        aspect = np.float32(width) / np.float32(height)
        wanted = np.float32(param.width) / np.float32(param.height)
        if aspect > wanted if param.resize_mode == param.FIT_LARGE_SIZE_AND_PAD else aspect < wanted:
            return max(1, int(np.float32(param.width) / aspect)), param.width
        return param.height, max(1, int(aspect * np.float32(param.height)))

    def _padded(self, image: Array, where: str) -> Array:
        param = self._param
        free = (param.height - image.shape[1], param.width - image.shape[2])
        borders = [(space // 2, space - space // 2) for space in free]
        if param.pad_mode != param.CONSTANT:
            mode: Any = _PADDING[param.pad_mode]
            return np.pad(image, [(0, 0), *borders], mode)
        if len(param.pad_value) not in (0, 1, len(image)):
            raise ShapeError(
                f"give pad_value once, or once for each of the {len(image)} channels of {where}; it is given"
                f" {len(param.pad_value)} times"
            )
        values = np.rint(np.array(param.pad_value or [0])).clip(0, 255).astype(np.uint8)
        padded = np.empty((len(image), param.height, param.width), np.uint8)
        padded[...] = values[:, None, None]
        padded[:, borders[0][0] : param.height - borders[0][1], borders[1][0] : param.width - borders[1][1]] = image
        return padded
